//! A response that comes bit by bit.

use super::invocation::{End, Invocation};
use super::service::said;
use futures_core::Stream;
use pin_project_lite::pin_project;
use spanbridge::current::WithContext;
use spanbridge::observe;
use std::any::type_name;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

pin_project! {
    /// A response stream inside the span of its invocation, which ends when the stream does.
    #[must_use = "does nothing unless polled"]
    pub struct ObservedStream<S> {
        #[pin]
        inner: WithContext<S>,
        end: Ending,
    }
}

/// Of an invocation whose stream has not ended. Dropped before that, nobody wanted the rest of it.
struct Ending {
    invocation: Option<Arc<Invocation>>,
    failed: Option<End>,
}

impl<S> ObservedStream<S> {
    pub(crate) fn new(stream: S, invocation: Option<Arc<Invocation>>) -> Self {
        let context = invocation.as_ref().map_or_else(observe::capture_context, |i| i.context().clone());
        let inner = observe::with_context(context, stream);
        ObservedStream { inner, end: Ending { invocation, failed: None } }
    }
}

impl<S, D, E> Stream for ObservedStream<S>
where
    S: Stream<Item = Result<D, E>>,
    E: Debug,
{
    type Item = Result<D, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let item = catch_unwind(AssertUnwindSafe(|| this.inner.poll_next(cx))).unwrap_or_else(|panic| {
            this.end.end(End::Panicked(said(&*panic)));
            resume_unwind(panic)
        });
        let item = ready!(item);
        match &item {
            Some(Ok(_)) => {}
            // lambda_runtime tells the caller, and goes on with the stream.
            Some(Err(error)) => {
                this.end.failed.get_or_insert_with(|| End::Failed {
                    message: format!("{error:?}"),
                    kind: type_name::<E>().to_owned(),
                });
            }
            None => {
                let how = this.end.failed.take().unwrap_or(End::Ok);
                this.end.end(how)
            }
        }
        Poll::Ready(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
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
            (None, Some(invocation)) => invocation.give_up(),
            _ => {}
        }
    }
}
