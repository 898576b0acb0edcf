//! Servers, and what was recorded.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use http::HeaderMap;
use reqwest_middleware::ClientWithMiddleware;
use spanbridge_graph::{Span, SpanStatus};
use spanbridge_http::ClientExt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// Nothing here takes as long.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Serves it on a free port.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A server that answers 200 with `hello`, and keeps the headers that it got.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        let seen = Arc::new(Mutex::new(vec![]));
        let kept = seen.clone();
        let handler = move |request: Request| async move {
            kept.lock().unwrap().push(request.headers().clone());
            "hello"
        };
        Echo { address: serve(Router::new().fallback(any(handler))).await, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The headers of all requests so far.
    pub(crate) fn seen(&self) -> Vec<HeaderMap> {
        self.seen.lock().unwrap().clone()
    }

    /// The value of a header of each request so far.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        self.seen().iter().map(|headers| Some(headers.get(name)?.to_str().unwrap().to_owned())).collect()
    }
}

/// An observed client without proxies.
pub(crate) fn client() -> ClientWithMiddleware {
    plain().observed()
}

/// The same, not observed.
pub(crate) fn plain() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// An attribute, as JSON; nothing if there is none.
pub(crate) fn attribute(span: &Span, name: &str) -> String {
    let value = span.attributes.iter().find(|(key, _)| key == name);
    value.map(|(_, value)| value.to_string()).unwrap_or_default()
}

/// How a span ended: its status, the class and the text of its error.
pub(crate) fn end(span: &Span) -> (SpanStatus, String, &str) {
    let class = attribute(span, "error.type");
    (span.status, class.trim_matches('"').to_owned(), span.error.as_deref().unwrap_or_default())
}
