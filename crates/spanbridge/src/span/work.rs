//! Work inside a span or a run that is open already.

use super::builder::span;
use super::handle::{ActiveSpan, Span};
use super::in_span::{InSpan, Inside};
use super::run::Run;
use crate::Status;
use crate::current::{self, WithContext};
use crate::span::outcome::{Anything, By, ByOutcome, Failure, Outcome};
use std::borrow::Cow;
use std::future::Future;

/// Work inside that ends nothing.
macro_rules! can_be_entered {
    ($type:ty) => {
        impl $type {
            /// Calls `work` inside, and returns the future that it makes: every poll is inside as well. It ends nothing.
            ///
            /// `work` is called once, now, so whatever it makes belongs here:
            ///
            /// ```
            /// # use spanbridge::observe;
            /// # async fn decide() {}
            /// # async fn work() {
            /// let run = observe::run("approval").open();
            /// run.with_context(|| observe::span("decide").run(decide)).await;
            /// run.end();
            /// # }
            /// ```
            ///
            /// A ready-made future does not compile here. For a future, stream or sink that exists already there is
            /// [`in_context`](crate::ContextExt::in_context).
            ///
            /// ```compile_fail,E0277
            /// # use spanbridge::observe;
            /// # async fn decide() {}
            /// # async fn work() {
            /// let run = observe::run("approval").open();
            /// run.with_context(decide()).await; // write `run.with_context(|| decide())`
            /// # }
            /// ```
            pub fn with_context<F, Fut>(&self, work: F) -> WithContext<Fut>
            where
                F: FnOnce() -> Fut,
                Fut: Future,
            {
                WithContext::made(self.context().clone(), work)
            }
        }
    };
}

macro_rules! can_be_called_in {
    ($type:ty) => {
        impl $type {
            /// Calls `f` inside. It ends nothing.
            pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
                current::in_scope(self.context(), f)
            }
        }
    };
}

impl Span {
    /// Calls `f` inside. It ends nothing.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        current::in_scope(self.context(), || self.restored().in_scope(f))
    }
}
can_be_called_in!(ActiveSpan);
can_be_called_in!(Run);
can_be_entered!(Span);
can_be_entered!(ActiveSpan);
can_be_entered!(Run);

/// Work that says how it ends.
macro_rules! ends_with_its_work {
    ($type:ty) => {
        impl $type {
            /// Calls `work` inside, and returns the future that it makes: every poll is inside as well. Its output says how this
            /// ends.
            ///
            /// Dropped before it is ready, this ends as cancelled. A panic of `work` or of its future ends it, and goes on.
            pub fn run<F, Fut>(self, work: F) -> InSpan<Fut>
            where
                F: FnOnce() -> Fut,
                Fut: Future,
                Fut::Output: Outcome,
            {
                let (context, open) = self.into_parts();
                InSpan::new(context, open, work, ByOutcome)
            }

            /// As [`run`](Self::run), for a value that cannot fail.
            pub fn run_value<F, Fut>(self, work: F) -> InSpan<Fut, Anything>
            where
                F: FnOnce() -> Fut,
                Fut: Future,
            {
                let (context, open) = self.into_parts();
                InSpan::new(context, open, work, Anything)
            }
        }
    };
}
ends_with_its_work!(Span);
ends_with_its_work!(Run);

impl Span {
    /// As [`run`](Span::run), for an output that is no [`Outcome`]: `judge` says from it whether the work failed.
    pub fn run_by<F, Fut, J>(self, work: F, judge: J) -> InSpan<Fut, By<J>>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        J: for<'a> FnOnce(&'a Fut::Output) -> Option<Failure<'a>>,
    {
        let (context, open) = self.into_parts();
        InSpan::new(context, open, work, By(judge))
    }
}

macro_rules! has_children {
    ($type:ty) => {
        impl $type {
            /// Opens a child span.
            pub fn start_child(&self, name: impl Into<Cow<'static, str>>) -> Span {
                current::in_scope(self.context(), || span(name).open())
            }
        }
    };
}
has_children!(Span);
has_children!(ActiveSpan);

/// Calls `f` inside an open span that goes on afterwards: for futures, streams and bodies of yours that are polled many times.
/// Only a panic of `f` ends the span, as panicked, and goes on.
///
/// ```
/// use spanbridge::{adapter, observe};
///
/// let mut span = observe::span("GET /orders").open();
/// let first = adapter::in_open_span(&mut span, || 1);
/// let second = adapter::in_open_span(&mut span, || 2);
/// span.end();
/// # assert_eq!(first + second, 3);
/// ```
#[inline]
pub fn in_open_span<R>(span: &mut Span, f: impl FnOnce() -> R) -> R {
    let (context, open) = span.parts();
    let inside = Inside::enter(context, open);
    let result = inside.open.restored().in_scope(f);
    inside.leave();
    result
}

/// Calls `f` inside an open span, and ends the span: `judge` says from what `f` returns whether it failed. A panic of `f`
/// ends the span as panicked, and goes on.
pub fn in_scope_with_span<R>(
    span: Span,
    f: impl FnOnce() -> R,
    judge: impl for<'a> FnOnce(&'a R) -> Option<Failure<'a>>,
) -> R {
    let (mut context, mut open) = span.into_parts();
    let guard = Inside::enter(&mut context, &mut open);
    let result = guard.open.restored().in_scope(f);
    guard.leave();
    if let Some(failure) = judge(&result) {
        open.fail(&context, &failure)
    }
    open.end(&context, Status::Ok);
    result
}
