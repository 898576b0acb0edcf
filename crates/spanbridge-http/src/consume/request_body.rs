//! The body of a request, as its handler reads it.

use super::ending::InProgress;
use http::request::Parts;
use spanbridge::messaging::CapturePolicy;

/// The same body. If the policy records bodies, and it is one that can be observed (axum's), it is recorded as the handler
/// reads it.
#[cfg(feature = "axum")]
pub(super) fn observed<A: 'static>(
    mut body: A,
    head: &Parts,
    capture: Option<&CapturePolicy>,
    request: &InProgress,
) -> A {
    use crate::passing::copy;
    use axum::body::Body;
    use http_body::Body as _;

    let any: &mut dyn std::any::Any = &mut body;
    if let Some(inner) = any.downcast_mut::<Body>().filter(|_| request.is_recorded()) {
        if let Some(payload) = copy(capture, "input", &head.headers, inner.size_hint().exact()) {
            match inner.is_end_stream() {
                true => payload.ended(request.context()),
                false => {
                    let read = std::mem::take(inner);
                    let context = request.context().clone();
                    *inner = Body::new(read::ReadBody { inner: read, copied: Some(payload), was_read: false, context })
                }
            }
        }
    }
    body
}

#[cfg(not(feature = "axum"))]
pub(super) fn observed<A>(body: A, _: &Parts, _: Option<&CapturePolicy>, _: &InProgress) -> A {
    body
}

#[cfg(feature = "axum")]
mod read {
    use crate::passing::{Copied, copy_piece};
    use axum::BoxError;
    use axum::body::{Body, Bytes};
    use http_body::{Body as _, Frame, SizeHint};
    use spanbridge::Context;
    use std::pin::Pin;
    use std::task::{self, Poll, ready};

    /// A body that is recorded when it ends, or when the handler gives it up.
    pub(super) struct ReadBody {
        pub(super) inner: Body,
        pub(super) copied: Copied,
        pub(super) was_read: bool,
        /// That of the request's span.
        pub(super) context: Context,
    }

    impl http_body::Body for ReadBody {
        type Data = Bytes;
        /// What is in the error of the body: axum wraps it again, so that whoever looks for its cause finds it as deep as before.
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let this = &mut *self;
            this.was_read = true;
            let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
            if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref) {
                copy_piece(&mut this.copied, data)
            }
            match &frame {
                Some(Ok(_)) if !this.inner.is_end_stream() => {}
                Some(Err(_)) => {
                    if let Some(payload) = this.copied.take() {
                        payload.broke_off(&this.context)
                    }
                }
                _ => {
                    if let Some(payload) = this.copied.take() {
                        payload.ended(&this.context)
                    }
                }
            }
            Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::into_inner)))
        }

        fn is_end_stream(&self) -> bool {
            self.inner.is_end_stream()
        }

        fn size_hint(&self) -> SizeHint {
            self.inner.size_hint()
        }
    }

    impl Drop for ReadBody {
        fn drop(&mut self) {
            if let Some(payload) = self.copied.take().filter(|_| self.was_read) {
                match self.inner.is_end_stream() {
                    true => payload.ended(&self.context),
                    false => payload.broke_off(&self.context),
                }
            }
        }
    }
}
