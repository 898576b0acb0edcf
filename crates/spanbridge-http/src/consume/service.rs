//! A service whose requests have spans.

use super::body::ServerBody;
use super::ending::InProgress;
use super::future::ServerFuture;
use super::incoming;
use super::request_body;
use super::settings::Settings;
use http::{Request, Response};
use http_body::Body;
use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// The service that [`ServerLayer`](super::ServerLayer) makes: each request has a span, and runs in it.
///
/// `poll_ready` is that of the service inside, and is not recorded: the request is not there yet.
#[derive(Clone, Debug)]
pub struct Server<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Server<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Server { inner, settings }
    }
}

impl<S, A, B> Service<Request<A>> for Server<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Display,
    A: 'static,
    B: Body,
{
    type Response = Response<ServerBody<B>>;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (head, body) = request.into_parts();
        let span = incoming::begin(&head, &self.settings);
        let capture = self.settings.options.capture_policy();
        let mut in_progress = InProgress::new(span, &head.method, capture);
        let body = request_body::observed(body, &head, capture.map(|policy| &**policy), &in_progress);
        // The service that was ready, and no clone of it: a clone need not be.
        let inner = in_progress.inside(|| self.inner.call(Request::from_parts(head, body)));
        ServerFuture::new(inner, in_progress)
    }
}
