//! The body of a response, which ends the span.

use super::ending::{Ending, InProgress};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt::{self, Display};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The body of a response, polled in the span of its request. Its end is the end of the span:
    ///
    /// - the end of the stream, trailers, or a frame after which the body says that it is at its end: servers do not ask a body
    ///   of known length for more;
    /// - an error of the body, or a panic;
    /// - dropped before, the span is cancelled, and says how many bytes were sent: the client is gone.
    ///
    /// Of a response that sends no body (to `HEAD`, 1xx, 204, 304, to `CONNECT`), and of an empty one, the span has ended before.
    pub struct ServerBody<B> {
        // `None` only in the destructor: it is dropped in the span.
        #[pin]
        inner: Option<B>,
        // `None` once the span has ended.
        ending: Option<Ending>,
    }

    impl<B> PinnedDrop for ServerBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(mut ending) = this.ending.take() {
                ending.inside(|| this.inner.set(None));
                ending.dropped()
            }
        }
    }
}

impl<B: Body> ServerBody<B> {
    /// The body of a response that has just begun.
    pub(super) fn of(response: Response<B>, request: InProgress) -> Response<Self> {
        let (head, inner) = response.into_parts();
        let mut ending = request.responded(&head);
        if let Some(mut response) = ending.take() {
            let (is_at_end, exact) = response.inside(|| (inner.is_end_stream(), inner.size_hint().exact()));
            if is_at_end {
                response.end()
            } else {
                response.expect(&head.headers, exact);
                ending = Some(response)
            }
        }
        Response::from_parts(head, ServerBody { inner: Some(inner), ending })
    }
}

impl<B> Body for ServerBody<B>
where
    B: Body,
    B::Error: Display,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        let Some(ending) = this.ending.as_mut() else { return inner.poll_frame(cx) };
        let (frame, is_at_end) = ready!(ending.inside(|| {
            let polled = inner.as_mut().poll_frame(cx);
            polled.map(|frame| (frame, inner.is_end_stream()))
        }));
        let has_ended = match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    ending.sent(data)
                }
                frame.trailers_ref().map(|trailers| ending.trailers(trailers)).is_some() || is_at_end
            }
            Some(Err(_)) | None => true,
        };
        match (this.ending.take_if(|_| has_ended), &frame) {
            (Some(ending), Some(Err(error))) => ending.failed(error),
            (Some(ending), _) => ending.end(),
            (None, _) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A body of no request: for layers that answer by themselves.
impl<B: Default> Default for ServerBody<B> {
    fn default() -> Self {
        ServerBody { inner: Some(B::default()), ending: None }
    }
}

impl<B> fmt::Debug for ServerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBody").field("has_ended", &self.ending.is_none()).finish_non_exhaustive()
    }
}
