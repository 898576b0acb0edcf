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
        stage: Stage<J>,
        // A panic of the destructor of `inner` after it was ready. The output has gone to whoever awaited it, and this goes to
        // whoever drops us, as it would without us. (The lock is there to make it `Sync`.)
        late: Option<Box<Mutex<Box<dyn Any + Send>>>>,
    }

    impl<F, J> PinnedDrop for InSpan<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !matches!(this.stage, Stage::Ended) {
                let guard = Inside::enter(this.context, this.open);
                // SAFETY: structurally pinned, not dropped yet and never touched again.
                let drops = || unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) };
                guard.open.restored().in_scope(drops);
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

/// How far the work is.
enum Stage<J> {
    /// It goes on.
    Works(J),
    /// It goes on, and is inside of something in other libraries as well. (A variant, so that the usual case looks at one thing.)
    Restores(J),
    /// It was ready, and has been dropped.
    Ended,
}

impl<F, J> InSpan<F, J> {
    /// The future that `work` makes, called inside the span. A panic of `work` ends the span. For what has just begun: it is
    /// inside of nothing in other libraries.
    #[inline(always)]
    pub(super) fn begun(mut context: Context, mut open: Open, work: impl FnOnce() -> F, judge: J) -> Self {
        let guard = Inside::enter(&mut context, &mut open);
        let inner = ManuallyDrop::new(work());
        guard.leave();
        InSpan { inner, context, open, stage: Stage::Works(judge), late: None }
    }

    /// The same, for what is open already.
    #[inline]
    pub(super) fn new(mut context: Context, mut open: Open, work: impl FnOnce() -> F, judge: J) -> Self {
        if !open.restores() {
            return InSpan::begun(context, open, work, judge);
        }
        let guard = Inside::enter(&mut context, &mut open);
        let inner = ManuallyDrop::new(guard.open.restored().in_scope(work));
        guard.leave();
        InSpan { inner, context, open, stage: Stage::Restores(judge), late: None }
    }

    /// The context inside.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// Has the context swapped in while the application's code runs. Dropped by a panic, it ends the span by that.
pub(super) struct Inside<'a> {
    context: &'a mut Context,
    pub(super) open: &'a mut Open,
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
        if matches!(self.stage, Stage::Works(_)) { poll_inside(self, cx, false) } else { poll_other(self, cx) }
    }
}

#[cold]
#[inline(never)]
fn poll_other<F: Future, J: Judge<F::Output>>(
    this: Pin<&mut InSpan<F, J>>,
    cx: &mut task::Context<'_>,
) -> Poll<F::Output> {
    if matches!(this.stage, Stage::Ended) { Poll::Pending } else { poll_inside(this, cx, true) }
}

#[inline(always)]
fn poll_inside<F: Future, J: Judge<F::Output>>(
    this: Pin<&mut InSpan<F, J>>,
    cx: &mut task::Context<'_>,
    restores: bool,
) -> Poll<F::Output> {
    let mut this = this.project();
    let guard = Inside::enter(this.context, this.open);
    // SAFETY: a projection through ManuallyDrop keeps the promise of the pin.
    let inner = unsafe { this.inner.as_mut().map_unchecked_mut(|m| &mut **m) };
    let polled = if restores { guard.open.restored().in_scope(|| inner.poll(cx)) } else { inner.poll(cx) };
    let Poll::Ready(value) = polled else {
        guard.leave();
        return Poll::Pending;
    };
    let judge = std::mem::replace(this.stage, Stage::Ended);
    let drops = || {
        // SAFETY: structurally pinned, not dropped yet, and without its judge never touched again.
        unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) }
    };
    let dropped = match () {
        () if restores => catch_unwind(AssertUnwindSafe(|| guard.open.restored().in_scope(drops))),
        () if needs_drop::<F>() => catch_unwind(AssertUnwindSafe(drops)),
        () => Ok(()),
    };
    let (context, open) = guard.leave();
    if let Err(panic) = dropped {
        open.panicked(context, || panics::text(&*panic));
        *this.late = Some(Box::new(Mutex::new(panic)))
    } else if let Stage::Works(judge) | Stage::Restores(judge) = judge {
        judge.failed(&value, |failure| open.fail(context, &failure));
        open.end(context, Status::Ok)
    }
    Poll::Ready(value)
}
