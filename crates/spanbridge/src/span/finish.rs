//! What a builder becomes: a call, an open span, or a future.

use super::builder::SpanBuilder;
#[cfg(feature = "macros")]
use super::entered::Entered;
use super::handle::Span;
use super::in_span::InSpan;
use super::open::Open;
use super::place::{self, Place};
use super::scope::{self, Scope};
use crate::current;
use crate::encoder::{Started, thread_recorder};
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
        let (started, place) = self.into_parts();
        let mut scope = match place {
            Place::Nowhere => return f(),
            Place::Below(_) => Scope::enter(started),
            Place::Root(root) => Scope::of_root(started, root),
        };
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
        InSpan::begun(context, open, work, judge)
    }

    /// The finished span and its context. If nothing is recorded, that is the current context.
    #[inline(always)]
    fn finish(self) -> (Open, Context) {
        let (started, place) = self.into_parts();
        match place {
            Place::Nowhere => (Open::Nothing, current::context()),
            Place::Below(_) => {
                thread_recorder().publish(&started);
                (Open::Span(started), current::with_span(started.id))
            }
            Place::Root(root) => {
                let (started, root) = place::finish_root(started, root);
                (Open::span(started), root)
            }
        }
    }
}
