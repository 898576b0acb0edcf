//! A future inside a span or a run.

use super::open::Open;
use crate::panics::{self, Watch};
use crate::span::outcome::{ByOutcome, Judge};
use crate::{Context, Status};
use pin_project_lite::pin_project;
use std::any::Any;
use std::future::Future;
use std::mem::{ManuallyDrop, needs_drop};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll};

pin_project! {
    /// A future inside a span or a run, which it ends.
    ///
    /// - Each poll has the span's context as the current one. Nothing is recorded per poll.
    /// - When the future is ready, it is dropped inside the span, and the span ends by the future's output. Polled again, this
    ///   stays pending.
    /// - Dropped before it is ready, also if it was never polled, the span ends as cancelled.
    /// - A panic of the future or of its destructor ends the span as panicked, and goes on.
    ///
    /// It is not boxed, and `Send` if the future is.
    #[must_use = "does nothing unless polled"]
    pub struct InSpan<F, J = ByOutcome> {
        #[pin]
        inner: ManuallyDrop<F>,
        context: Context,
        open: Open,
        // `None` once `inner` was ready and has been dropped.
        judge: Option<J>,
        // A panic of the destructor of `inner` after it was ready. The output has gone to whoever awaited it, and this goes to
        // whoever drops us, as it would without us. (The lock is there to make it `Sync`.)
        late: Option<Box<Mutex<Box<dyn Any + Send>>>>,
    }

    impl<F, J> PinnedDrop for InSpan<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.judge.is_some() {
                let guard = Inside::enter(this.context, this.open);
                // SAFETY: structurally pinned, not dropped yet and never touched again.
                unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) }
                let (context, open) = guard.leave();
                open.end(context, Status::Cancelled)
            }
            // During another panic it would abort the process.
            if let Some(panic) = this.late.take().filter(|_| !std::thread::panicking()) {
                resume_unwind(panic.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}

impl<F, J> InSpan<F, J> {
    /// The future that `work` makes, called inside the span. A panic of `work` ends the span.
    #[inline(always)]
    pub(super) fn new(mut context: Context, mut open: Open, work: impl FnOnce() -> F, judge: J) -> Self {
        let guard = Inside::enter(&mut context, &mut open);
        let inner = ManuallyDrop::new(work());
        guard.leave();
        InSpan { inner, context, open, judge: Some(judge), late: None }
    }

    /// The context inside.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// Has the context swapped in while the application's code runs. Dropped by a panic, it ends the span by that.
pub(super) struct Inside<'a> {
    context: &'a mut Context,
    open: &'a mut Open,
    watch: Watch,
}

impl<'a> Inside<'a> {
    #[inline(always)]
    pub(super) fn enter(context: &'a mut Context, open: &'a mut Open) -> Self {
        context.swap_in();
        Inside { context, open, watch: Watch::new() }
    }

    /// There was no panic.
    #[inline(always)]
    pub(super) fn leave(self) -> (&'a mut Context, &'a mut Open) {
        let this = ManuallyDrop::new(self);
        // SAFETY: what is read out of `this` is never used there again.
        let (context, open) = unsafe { (std::ptr::read(&this.context), std::ptr::read(&this.open)) };
        context.swap_back();
        (context, open)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.context.swap_back();
        self.open.unwound(self.context, self.watch)
    }
}

impl<F: Future, J: Judge<F::Output>> Future for InSpan<F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.judge.is_none() {
            return Poll::Pending;
        }
        let guard = Inside::enter(this.context, this.open);
        // SAFETY: a projection through ManuallyDrop keeps the promise of the pin.
        let Poll::Ready(value) = unsafe { this.inner.as_mut().map_unchecked_mut(|m| &mut **m) }.poll(cx) else {
            guard.leave();
            return Poll::Pending;
        };
        let judge = this.judge.take();
        let drops = || {
            // SAFETY: structurally pinned, not dropped yet, and without its judge never touched again.
            unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) }
        };
        let dropped = if needs_drop::<F>() { catch_unwind(AssertUnwindSafe(drops)) } else { Ok(()) };
        let (context, open) = guard.leave();
        if let Err(panic) = dropped {
            open.panicked(context, || panics::text(&*panic));
            *this.late = Some(Box::new(Mutex::new(panic)))
        } else if let Some(judge) = judge {
            judge.failed(&value, |failure| open.fail(context, &failure));
            open.end(context, Status::Ok)
        }
        Poll::Ready(value)
    }
}
