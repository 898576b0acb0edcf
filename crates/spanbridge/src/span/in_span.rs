//! A future with a span, or a run, around it.

use super::handle::Span;
use super::open::Open;
use super::outside::BegunAlone;
use crate::panics::{self, Watch};
use crate::span::outcome::{Anything, By, ByOutcome, Failure, Judge, Outcome};
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
    /// Runs a future with a span, or a run, as the current one, and ends it by what the future resolves to. Dropped
    /// before that, it is cancelled; a panic is noticed and goes on, and so is one in the future's destructor.
    ///
    /// The context is swapped in for each poll; nothing is recorded per poll. When the future has resolved it is dropped, still
    /// inside the span; polled again after that, this stays pending.
    #[must_use = "does nothing unless polled"]
    pub struct InSpan<F, J = ByOutcome> {
        #[pin]
        inner: ManuallyDrop<F>,
        context: Context,
        open: Open,
        // There until `inner` has resolved, which is dropped then.
        judge: Option<J>,
        alone: BegunAlone,
        // What a destructor of `inner` panicked with after it had resolved: its value has gone to whoever waits for it, and this
        // goes to whoever drops us, as it would without us. (A lock only makes it `Sync`.)
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
            // In the midst of another panic it would be the end of the process.
            if let Some(panic) = this.late.take().filter(|_| !std::thread::panicking()) {
                resume_unwind(panic.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }
}

impl<F, J> InSpan<F, J> {
    #[inline]
    pub(crate) fn new(context: Context, open: Open, inner: F, judge: J) -> Self {
        InSpan { inner: ManuallyDrop::new(inner), context, open, judge: Some(judge), alone: BegunAlone::NO, late: None }
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
        let guard = Inside::enter(&mut context, &mut open);
        let inner = make();
        guard.leave();
        InSpan::new(context, open, inner, judge)
    }

    /// The context inside.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// While the future is polled, made or dropped, with the context swapped in; what an unwinding one leaves behind.
struct Inside<'a> {
    context: &'a mut Context,
    open: &'a mut Open,
    watch: Watch,
}

impl<'a> Inside<'a> {
    #[inline(always)]
    fn enter(context: &'a mut Context, open: &'a mut Open) -> Self {
        context.swap();
        Inside { context, open, watch: Watch::new() }
    }

    /// It did not panic.
    #[inline(always)]
    fn leave(self) -> (&'a mut Context, &'a mut Open) {
        let this = ManuallyDrop::new(self);
        // SAFETY: what is read out of `this` is not used there any more.
        let (context, open) = unsafe { (std::ptr::read(&this.context), std::ptr::read(&this.open)) };
        context.swap();
        (context, open)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.context.swap();
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
        this.alone.polled(this.context);
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

/// As [`run_with_span`], and how it went is judged by a function.
#[doc(hidden)]
pub fn run_with_span_by<F, J>(span: Span, inner: F, judge: J) -> InSpan<F, By<J>>
where
    F: Future,
    J: for<'a> FnOnce(&'a F::Output) -> Option<Failure<'a>>,
{
    let (context, open) = span.into_parts();
    InSpan::new(context, open, inner, By(judge))
}

/// Calls `f` inside a span that was opened before, and ends it as the function says that judges what `f` returns; by a panic,
/// as panicked.
#[doc(hidden)]
pub fn in_scope_with_span<R>(
    span: Span,
    f: impl FnOnce() -> R,
    judge: impl for<'a> FnOnce(&'a R) -> Option<Failure<'a>>,
) -> R {
    let (mut context, mut open) = span.into_parts();
    let guard = Inside::enter(&mut context, &mut open);
    let result = f();
    guard.leave();
    if let Some(failure) = judge(&result) {
        open.fail(&context, &failure)
    }
    open.end(&context, Status::Ok);
    result
}
