//! Responses that are streamed.

use super::invocation::{End, Invocation};
use super::late_panic::LatePanic;
use futures_core::Stream;
use lambda_runtime::Error;
use pin_project_lite::pin_project;
use spanbridge::adapter::InRestored;
use spanbridge::observe::WithContext;
use spanbridge::{ContextExt, Failure, observe, panics};
use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

pin_project! {
    /// A response stream in the span of its invocation, which ends when the stream does.
    #[must_use = "does nothing unless polled"]
    pub struct ObservedStream<S> {
        #[pin]
        inner: Option<WithContext<InRestored<S>>>,
        end: Ending,
        late: LatePanic,
    }
}

/// Ends the invocation of a stream. If it is dropped before the stream has ended, nobody wanted the rest: the invocation is
/// cancelled.
struct Ending {
    invocation: Option<Arc<Invocation>>,
    failed: Option<End>,
    /// How it ends if the stream does not fail.
    otherwise: End,
}

impl<S> ObservedStream<S> {
    /// `otherwise` is how the invocation ends if the stream does not fail.
    pub(crate) fn new(stream: S, invocation: Option<Arc<Invocation>>, otherwise: End) -> Self {
        let context = invocation.as_ref().map_or_else(observe::current_context, |i| i.context().clone());
        let restored = invocation.as_ref().map(|i| i.restored()).unwrap_or_default();
        let inner = Some(restored.around(stream).in_context(context));
        ObservedStream { inner, end: Ending { invocation, failed: None, otherwise }, late: LatePanic::default() }
    }
}

impl<S, D, E> Stream for ObservedStream<S>
where
    S: Stream<Item = Result<D, E>>,
    E: Into<Error>,
{
    type Item = Result<D, StreamError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let item = catch_unwind(AssertUnwindSafe(|| inner.poll_next(cx))).unwrap_or_else(|panic| {
            this.end.end(End::Panicked(panics::text(&*panic)));
            resume_unwind(panic)
        });
        Poll::Ready(match ready!(item) {
            Some(Ok(data)) => Some(Ok(data)),
            // lambda_runtime reports it to the caller, and continues with the stream.
            Some(Err(error)) => {
                let error = error.into();
                let class = Failure::of_type::<E>().error_type().to_owned();
                this.end.failed.get_or_insert_with(|| Failure::of_any(&*error).class(class).into());
                Some(Err(StreamError(error)))
            }
            None => {
                let how = match this.late.catch(|| this.inner.set(None)) {
                    Some(message) => End::Panicked(message),
                    None => {
                        this.end.failed.take().unwrap_or_else(|| std::mem::replace(&mut this.end.otherwise, End::Ok))
                    }
                };
                this.end.end(how);
                None
            }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// An error of a response stream, as lambda_runtime reports it to the caller. (With `Error` in its place, the compiler
/// would no longer see that the future that runs the handler can be spawned.)
pub struct StreamError(Error);

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        error.0
    }
}

impl Debug for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Ending {
    fn end(&mut self, how: End) {
        if let Some(invocation) = self.invocation.take() {
            invocation.end(&how)
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        match (self.failed.take(), self.invocation.take()) {
            (Some(how), Some(invocation)) => invocation.end(&how),
            (None, Some(invocation)) => invocation.cancel(),
            _ => {}
        }
    }
}
