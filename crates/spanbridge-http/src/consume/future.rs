//! The work on a request until its response begins.

use super::body::ServerBody;
use super::ending::InProgress;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future of [`Server`](super::Server): the work on a request, in its span.
    ///
    /// Dropped before it is ready, the span is cancelled: the client is gone, or a time limit is over. A panic ends the span and
    /// goes on. It is not boxed, and `Send` if the future inside is.
    #[must_use = "does nothing unless polled"]
    pub struct ServerFuture<F> {
        // `None` only in the destructor: it is dropped in the span.
        #[pin]
        inner: Option<F>,
        // `None` once the response has begun.
        request: Option<InProgress>,
    }

    impl<F> PinnedDrop for ServerFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(mut request) = this.request.take() {
                request.inside(|| this.inner.set(None));
                request.dropped()
            }
        }
    }
}

impl<F> ServerFuture<F> {
    pub(super) fn new(inner: F, request: InProgress) -> Self {
        ServerFuture { inner: Some(inner), request: Some(request) }
    }
}

impl<F, B, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Display,
{
    type Output = Result<Response<ServerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (Some(inner), Some(request)) = (this.inner.as_pin_mut(), this.request.as_mut()) else {
            return Poll::Pending; // it was ready before
        };
        let result = ready!(request.inside(|| inner.poll(cx)));
        let Some(request) = this.request.take() else { return Poll::Pending };
        Poll::Ready(match result {
            Ok(response) => Ok(ServerBody::of(response, request)),
            Err(error) => {
                request.failed(&error);
                Err(error)
            }
        })
    }
}

impl<F> fmt::Debug for ServerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerFuture").finish_non_exhaustive()
    }
}
