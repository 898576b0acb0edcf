//! What a server was told about its requests.

use super::options::ReceiveOptions;
use crate::describe::Known;
use http::request::Parts;
use spanbridge::panics;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

type Filter = dyn Fn(&Parts) -> bool + Send + Sync;
type Route = dyn for<'r> Fn(&'r Parts) -> Option<&'r str> + Send + Sync;
type Client = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) options: ReceiveOptions,
    /// Callers are strangers, whatever the options say.
    pub(super) is_public: bool,
    pub(super) believes_proxies: bool,
    pub(super) scheme: &'static str,
    pub(super) filter: Option<Arc<Filter>>,
    pub(super) route: Option<Arc<Route>>,
    pub(super) client: Option<Arc<Client>>,
}

impl Settings {
    pub(super) const fn new() -> Self {
        Settings {
            options: ReceiveOptions::new(),
            is_public: false,
            believes_proxies: true,
            scheme: "http",
            filter: None,
            route: None,
            client: None,
        }
    }

    /// Whether a request gets a span. If the application's function panics, it does.
    pub(super) fn takes(&self, request: &Parts) -> bool {
        match &self.filter {
            Some(filter) => panics::caught(|| filter(request)).unwrap_or(true),
            None => true,
        }
    }

    /// What is known of a request. A function of the application that panics knows nothing.
    pub(super) fn known<'a>(&'a self, request: &'a Parts) -> Known<'a> {
        let client = self.client.as_ref().and_then(|client| panics::caught(|| client(request)).ok().flatten());
        Known { route: self.route(request), client, believes_proxies: self.believes_proxies, scheme: self.scheme }
    }

    /// The route that a request takes: as the application's function says, else as axum has found it.
    pub(super) fn route<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        let said = self.route.as_ref().and_then(|route| panics::caught(|| route(request)).ok().flatten());
        said.or_else(|| matched(request)).filter(|route| !route.is_empty())
    }
}

#[cfg(feature = "axum")]
fn matched(request: &Parts) -> Option<&str> {
    request.extensions.get::<axum::extract::MatchedPath>().map(|path| path.as_str())
}

#[cfg(not(feature = "axum"))]
fn matched(_: &Parts) -> Option<&str> {
    None
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { options, is_public, believes_proxies, scheme, filter, route, client } = self;
        f.debug_struct("Settings")
            .field("options", options)
            .field("is_public", is_public)
            .field("believes_proxies", believes_proxies)
            .field("scheme", scheme)
            .field("filter", &filter.is_some())
            .field("route", &route.is_some())
            .field("client", &client.is_some())
            .finish()
    }
}
