//! What a builder becomes: a call, an open span, or a future.

use super::builder::{SpanBuilder, discard};
#[cfg(feature = "macros")]
use super::entered::Entered;
use super::handle::Span;
use super::in_span::InSpan;
use super::open::Open;
use super::scope::{self, Scope};
use crate::context::BEGINS;
use crate::current;
use crate::encoder::{Started, origin, thread_recorder};
use crate::span::outcome::{Anything, By, ByOutcome, Judge, Outcome};
use crate::{Context, Failure, Status};
use std::future::Future;
use std::mem::ManuallyDrop;

impl SpanBuilder {
    /// Calls `f` inside the span. The span ends by what `f` returns.
    #[inline(always)]
    pub fn in_scope<R: Outcome>(self, f: impl FnOnce() -> R) -> R {
        self.scope(ByOutcome, f)
    }

    /// As [`SpanBuilder::in_scope`], for a value that cannot fail.
    #[inline(always)]
    pub fn in_scope_value<R>(self, f: impl FnOnce() -> R) -> R {
        self.scope(Anything, f)
    }

    /// For the attribute macro, which judges any type. (`f` comes first: its type decides what the judge takes.)
    #[doc(hidden)]
    #[inline(always)]
    pub fn in_scope_by<R>(self, f: impl FnOnce() -> R, judge: impl for<'a> FnOnce(&'a R) -> Option<Failure<'a>>) -> R {
        self.scope(By(judge), f)
    }

    #[inline(always)]
    fn scope<R, J: Judge<R>>(self, judge: J, f: impl FnOnce() -> R) -> R {
        // Nobody records: this comes first, so that such a span costs a look and nothing else.
        if self.started.is_none() && self.root.shared.is_null() {
            std::mem::forget(self); // its destructor would do nothing
            return f();
        }
        let (started, root) = self.into_parts();
        if started.is_none() && root.shared.is_null() {
            return f();
        }
        let mut scope = Scope::enter(started, root);
        let result = f();
        // The destructor is for panics: it would not be inlined.
        judge.failed(&result, |e| scope::fail(std::mem::replace(&mut scope.started, Started::NONE), e));
        ManuallyDrop::new(scope).leave(Status::Ok);
        result
    }

    /// Opens the span: it can be held, sent to another thread, and ended anywhere.
    #[inline]
    pub fn open(self) -> Span {
        let (open, context) = self.finish();
        Span::new(context, open)
    }

    /// Calls `work` inside the span, and returns the future that it makes. Every poll is inside as well. The span ends by the
    /// future's output.
    ///
    /// `work` is called once, now, so whatever it makes belongs to this span, including spans that it begins. It is not stored:
    /// the returned future is `Send` and `'static` if the one that `work` made is.
    ///
    /// ```
    /// # use spanbridge::observe::span;
    /// # async fn pack(_: &str) -> Result<(), std::fmt::Error> { Ok(()) }
    /// # async fn work(order: &str) -> Result<(), std::fmt::Error> {
    /// span("ship").run(|| span("pack").run(|| pack(order))).await?;
    /// span("ship").run(async || {
    ///     pack(order).await?;
    ///     pack("the invoice").await
    /// }).await
    /// # }
    /// ```
    ///
    /// If the future is dropped before it is ready, the span is cancelled. If `work` or its future panics, the span ends as
    /// panicked, and the panic goes on.
    ///
    /// A ready-made future does not compile here, because a span that it has begun would be outside:
    ///
    /// ```compile_fail,E0277
    /// # use spanbridge::observe::span;
    /// # async fn pack() {}
    /// # async fn work() {
    /// span("ship").run(pack()).await; // write `span("ship").run(|| pack())`
    /// # }
    /// ```
    #[inline]
    pub fn run<F, Fut>(self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.future(work, ByOutcome)
    }

    /// As [`SpanBuilder::run`], for a value that cannot fail.
    #[inline]
    pub fn run_value<F, Fut>(self, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.future(work, Anything)
    }

    /// For the attribute macro, which judges any type. (The output comes first, so that the macro can name it.)
    #[doc(hidden)]
    #[inline]
    pub fn run_by<R, F, Fut, J>(self, work: F, judge: J) -> InSpan<Fut, By<J>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = R>,
        J: for<'a> FnOnce(&'a R) -> Option<Failure<'a>>,
    {
        self.future(work, By(judge))
    }

    /// For the attribute macro, where the body cannot be a closure.
    #[cfg(feature = "macros")]
    #[doc(hidden)]
    #[inline]
    pub fn enter(self) -> Entered {
        let (open, context) = self.finish();
        Entered::new(context, open)
    }

    #[inline(always)]
    fn future<F, J>(self, work: impl FnOnce() -> F, judge: J) -> InSpan<F, J> {
        let (open, context) = self.finish();
        InSpan::new(context, open, work, judge)
    }

    /// The finished span and its context. If nothing is recorded, that is the current context.
    #[inline(always)]
    fn finish(self) -> (Open, Context) {
        let (started, root) = self.into_parts();
        thread_recorder().publish(&started);
        let mut context = if root.shared.is_null() { current::context() } else { root };
        if !started.is_none() {
            context.span = started.id
        }
        (Open::span(started), context)
    }

    /// The span, if this is still the scope in which it began, and the root.
    #[inline(always)]
    fn into_parts(self) -> (Started, Context) {
        let this = ManuallyDrop::new(self);
        let mut started = this.started;
        if this.root.shared.addr() & BEGINS != 0 {
            // SAFETY: `this` is not dropped, so the root is not either, and it is read once.
            let undecided = unsafe { std::ptr::read(&this.root) };
            // Word by word: what is returned through a pointer would stay in memory.
            let (started, root) = decide(started, undecided);
            return (started, Context { shared: root.shared, span: root.span });
        }
        if !started.is_none() && this.shared().is_none() {
            drop_out_of_scope(started);
            started = Started::NONE
        }
        // SAFETY: `this` is not dropped, so the root is not either, and it is read once.
        (started, unsafe { std::ptr::read(&this.root) })
    }
}

/// Has the sampler decide about a root that was held back.
#[cold]
#[inline(never)]
fn decide(started: Started, root: Context) -> (Started, ManuallyDrop<Context>) {
    let Some(held) = thread_recorder().take_held(started.id) else {
        return (Started::NONE, ManuallyDrop::new(origin::decided(&root, false)));
    };
    let context = origin::decide(&root, &held.name, held.primitive(), held.kind(), &held.attributes());
    let started = match context.shared().filter(|_| context.is_recorded()) {
        Some(shared) => thread_recorder().begin_held(shared, root.span, &held),
        None => Started::NONE,
    };
    (started, ManuallyDrop::new(context))
}

/// Gives up a span that was taken out of the scope in which it began.
#[cold]
#[inline(never)]
fn drop_out_of_scope(started: Started) {
    if discard(started, None) {
        thread_recorder().count_dropped()
    }
}
