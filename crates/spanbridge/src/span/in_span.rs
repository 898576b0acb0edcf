//! A future with a span, or a run, around it.

use super::handle::Span;
use super::open::Open;
use super::outside::BegunAlone;
use crate::current::Swapped;
use crate::outcome::{Anything, ByOutcome, Judge, Outcome};
use crate::{Context, Status};
use pin_project_lite::pin_project;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{self, Poll};

pin_project! {
    /// Runs a future with a span, or a run, as the current one, and ends it by what the future resolves to. Dropped
    /// before that, it is cancelled; a panic is noticed and goes on.
    ///
    /// The context is swapped in for each poll; nothing is recorded per poll.
    #[must_use = "does nothing unless polled"]
    pub struct InSpan<F, J = ByOutcome> {
        #[pin]
        inner: ManuallyDrop<F>,
        context: Context,
        open: Open,
        judge: Option<J>,
        alone: BegunAlone,
    }

    impl<F, J> PinnedDrop for InSpan<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            {
                let _swapped = Swapped::new(this.context);
                // SAFETY: structurally pinned, dropped exactly once and never touched again.
                unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) }
            }
            this.open.end(this.context, Status::Cancelled)
        }
    }
}

impl<F, J> InSpan<F, J> {
    #[inline]
    pub(crate) fn new(context: Context, open: Open, inner: F, judge: J) -> Self {
        InSpan { inner: ManuallyDrop::new(inner), context, open, judge: Some(judge), alone: BegunAlone::NO }
    }

    /// `alone`: it was begun where nothing was current.
    #[inline(always)]
    pub(super) fn begun(mut self, alone: bool) -> Self {
        self.alone = BegunAlone::new(alone);
        self
    }

    /// Around a future that is made inside the span.
    #[inline]
    pub(crate) fn made(mut context: Context, mut open: Open, make: impl FnOnce() -> F, judge: J) -> Self {
        context.swap();
        let guard = Poked(&mut context, &mut open);
        let inner = make();
        let mut guard = ManuallyDrop::new(guard); // it did not panic
        guard.0.swap();
        InSpan::new(context, open, inner, judge)
    }

    /// The context inside.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// What an unwinding poll, or making, leaves behind.
struct Poked<'a>(&'a mut Context, &'a mut Open);

impl Drop for Poked<'_> {
    fn drop(&mut self) {
        self.0.swap();
        self.1.end(self.0, Status::Panicked)
    }
}

impl<F: Future, J: Judge<F::Output>> Future for InSpan<F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.alone.polled(this.context);
        this.context.swap();
        let guard = Poked(this.context, this.open);
        // SAFETY: a projection through ManuallyDrop keeps the promise of the pin.
        let result = unsafe { this.inner.map_unchecked_mut(|m| &mut **m) }.poll(cx);
        let mut guard = ManuallyDrop::new(guard); // it did not panic
        guard.0.swap();
        if let Poll::Ready(value) = &result {
            let Poked(context, open) = &mut *guard;
            if let Some(judge) = this.judge.take() {
                judge.failed(value, |failure| open.fail(context, &failure));
            }
            open.end(context, Status::Ok)
        }
        result
    }
}

/// Runs `inner` inside a span that was opened before, and ends it by what `inner` resolves to.
pub fn run_with_span<F: Future>(span: Span, inner: F) -> InSpan<F>
where
    F::Output: Outcome,
{
    let (context, open) = span.into_parts();
    InSpan::new(context, open, inner, ByOutcome)
}

/// As [`run_with_span`], for a value that cannot fail.
#[doc(hidden)]
pub fn run_value_with_span<F: Future>(span: Span, inner: F) -> InSpan<F, Anything> {
    let (context, open) = span.into_parts();
    InSpan::new(context, open, inner, Anything)
}
