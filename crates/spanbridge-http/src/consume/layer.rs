//! The layer, and what can be chosen.

use super::options::ReceiveOptions;
use super::service::Server;
use super::settings::Settings;
use http::request::Parts;
use spanbridge::messaging::Trust;
use std::net::IpAddr;
use std::sync::Arc;
use tower_layer::Layer;

/// A tower layer for servers: restores the caller's context, and runs each request in an `http.server` span until the last byte
/// of its response.
///
/// ```
/// # #[cfg(feature = "axum")]
/// # fn app() -> axum::Router {
/// use axum::{Router, routing::get};
/// use spanbridge_http::ServerLayer;
///
/// async fn order() -> &'static str {
///     "42"
/// }
///
/// Router::new()
///     .route("/orders/{id}", get(order))
///     .layer(ServerLayer::new().filter(|request| request.uri.path() != "/health"))
/// # }
/// ```
///
/// It takes every service of HTTP requests, whatever their bodies are: `axum`, `hyper` by way of `tower`, `tonic`. What is added
/// to a stack after it is outside, and not in the span. A layer outside that replaces the body of a response drops ours, which
/// looks like a client that is gone: add such a layer before. Add ours once: of two, each has a span, both under the caller's.
///
/// # The name
///
/// The span is called `{method} {route}` (`GET /orders/{id}`). With the feature `axum`, the route is found by itself where axum
/// knows it before it calls the layer: in `Router::layer`, also of routers that are nested. It does not in a layer around
/// the whole router (`ServiceBuilder`), with `nest_service`, and for a fallback. Without a route the name is the method alone: a
/// path would be a new name for each request. See [`route`](ServerLayer::route), and for a route that only the code inside
/// knows [`gateway::route`](crate::gateway::route).
///
/// # The end
///
/// | what happens | status | told by |
/// |---|---|---|
/// | the body ends, by itself, by trailers or by its length | ok | `http.response.status_code` |
/// | an empty body; a response to `HEAD`; 204, 304 | ok | the span ends when the response begins |
/// | an upgrade (101), or a 2xx to `CONNECT` | ok | the same: what is spoken then is not HTTP |
/// | a status of 5xx | error | `error.type`: the status code. 4xx is the caller's failure: ok |
/// | gRPC: a status in the trailers that is the server's failure | error | `error.type` and `rpc.response.status_code` |
/// | the service fails, or the body does | error | `error.type`: the error's type; of a body `spanbridge.response.sent_bytes` |
/// | the handler or the body panics | panicked | the panic's text |
/// | the client is gone before the response, or a time limit drops the handler | cancelled | no status code |
/// | the client is gone while the body is sent | cancelled | `spanbridge.response.sent_bytes` |
///
/// Until then the span is open, and seen as such: a stream of server-sent events has been open for as long as it lasts.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerLayer {
    settings: Arc<Settings>,
}

impl Default for ServerLayer {
    fn default() -> Self {
        ServerLayer::new()
    }
}

impl ServerLayer {
    /// For a server whose callers are your own services: their contexts are continued.
    pub fn new() -> Self {
        ServerLayer { settings: Arc::new(Settings::new()) }
    }

    /// For a server that strangers can reach. What they claim is not continued: each request begins a trace of its own, which
    /// links to the span that was claimed. Their sampling does not count, their baggage is not taken, and headers with which
    /// proxies say what the client asked are not believed (see [`believe_proxies`](ServerLayer::believe_proxies)). No
    /// [`with`](ServerLayer::with) takes that back.
    ///
    /// Whatever strangers send, a request adds a fixed number of attributes of at most 4 KiB each, and its span has one of the
    /// names that your routes and the known methods give.
    pub fn public() -> Self {
        ServerLayer::new().with_settings(|settings| {
            settings.is_public = true;
            settings.believes_proxies = false;
            settings.options = ReceiveOptions::new().trust(Trust::Ignore)
        })
    }

    /// How the span relates to the caller's, how far callers are trusted, which baggage is taken, and what is recorded of headers
    /// and of values that may be personal.
    ///
    /// Bodies are streams. If the policy records more of them than a size, they are copied while they pass, and recorded when they
    /// end or are given up: the response as `output`; the request as `input`, as far as the handler reads it, and only if its type
    /// is `axum`'s (with that feature). A redaction hook sees a body of at most 1 MiB whole; of a longer one, or one that breaks off,
    /// only the size is recorded. With [`CaptureMode::Whole`](crate::CaptureMode::Whole), what is needed to make the same request
    /// again is recorded as `input.properties`.
    ///
    /// Of headers that are credentials (`authorization`, `cookie`, …), or that are
    /// marked as sensitive, the value is never recorded. A redaction hook is shown the path ([`PartKind::Url`]), the query
    /// without the secrets that are known ([`PartKind::Query`]), `user-agent` as that header, and the client's address.
    ///
    /// [`PartKind::Url`]: spanbridge::messaging::PartKind::Url
    /// [`PartKind::Query`]: spanbridge::messaging::PartKind::Query
    pub fn with(self, options: ReceiveOptions) -> Self {
        self.with_settings(|settings| {
            settings.options = if settings.is_public { options.trust(Trust::Ignore) } else { options }
        })
    }

    /// Which requests get a span. The others keep the caller's context: what their handlers call is in the caller's trace. Default:
    /// all.
    pub fn filter(self, takes: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.with_settings(|settings| settings.filter = Some(Arc::new(takes)))
    }

    /// The route of a request, as it is configured: one of few, not the path. For services whose routes are not axum's:
    ///
    /// ```
    /// # use spanbridge_http::ServerLayer;
    /// // gRPC: the path is one of the methods that exist, if all callers are your own.
    /// let layer = ServerLayer::new().route(|request| Some(request.uri.path()));
    /// ```
    pub fn route(self, route: impl for<'r> Fn(&'r Parts) -> Option<&'r str> + Send + Sync + 'static) -> Self {
        self.with_settings(|settings| settings.route = Some(Arc::new(route)))
    }

    /// Records who has sent a request, as `client.address`. Default: nothing, because the address of a person is personal.
    ///
    /// ```
    /// # #[cfg(feature = "axum")]
    /// # fn layer() -> spanbridge_http::ServerLayer {
    /// # use std::net::SocketAddr;
    /// # #[derive(Clone)] struct ConnectInfo<T>(T); // axum's, which needs another of its features
    /// // The router is served by `into_make_service_with_connect_info::<SocketAddr>()`.
    /// spanbridge_http::ServerLayer::new()
    ///     .client_address(|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()))
    /// # }
    /// ```
    pub fn client_address(self, address: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.with_settings(|settings| settings.client = Some(Arc::new(address)))
    }

    /// Whether the host and the scheme that a client asked for are taken from `Forwarded`, `X-Forwarded-Host` and
    /// `X-Forwarded-Proto`. Anybody can send them: say `true` for a [`public`](ServerLayer::public) server only behind a proxy
    /// that sets them itself. Default: `true`, for a public server `false`.
    pub fn believe_proxies(self, yes: bool) -> Self {
        self.with_settings(|settings| settings.believes_proxies = yes)
    }

    /// The scheme of requests that do not say it, as those of HTTP/1 do not: `https` for a server that speaks TLS itself. Default:
    /// `http`.
    pub fn scheme(self, scheme: &'static str) -> Self {
        self.with_settings(|settings| settings.scheme = scheme)
    }

    fn with_settings(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        change(&mut settings);
        ServerLayer { settings: Arc::new(settings) }
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = Server<S>;

    fn layer(&self, inner: S) -> Server<S> {
        Server::new(inner, self.settings.clone())
    }
}
