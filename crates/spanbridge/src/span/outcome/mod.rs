//! How a value says whether the work went well.

mod boxed;
mod class;
mod failure;

pub use failure::Failure;

use crate::panics;
use std::fmt::Display;
use std::task::Poll;

/// How the result of a piece of work says whether it went well, so that an `Err` is never recorded as ok.
///
/// Implemented for `()`, for `Result<T, E>` where `E: Display`, for `Option<T>` (`None` is an answer, not an error),
/// `Poll<T>`, and `!`. For anything else there are `run_value` and `in_scope_value`.
///
/// An error is recorded with its causes where the type says that it has any: a report of `anyhow` or `eyre` and a boxed
/// error do; of an error of your own it is known under [`#[observe]`](macro@crate::observe) and from [`Failure::of`].
///
/// ```
/// use spanbridge::{Failure, Outcome};
///
/// struct Reply { status: u16 }
///
/// impl Outcome for Reply {
///     fn failure(&self) -> Option<Failure<'_>> {
///         (self.status >= 500).then(|| Failure::new(&self.status).class(self.status.to_string()))
///     }
/// }
/// # assert!(Reply { status: 503 }.failure().is_some() && Reply { status: 200 }.failure().is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether the work went well",
    note = "implement `spanbridge::Outcome` for it, or use `run_value` / `in_scope_value`",
    note = "for `Result<T, E>` the error must be `Display`"
)]
pub trait Outcome {
    /// What went wrong, if something did.
    fn failure(&self) -> Option<Failure<'_>>;

    /// The same of a type that is not known: its `failure` may panic, which is nothing that may happen to the application
    /// because it is recorded.
    #[doc(hidden)]
    fn judged(&self) -> Option<Failure<'_>> {
        panics::caught(|| self.failure()).unwrap_or_else(|panic| Some(Failure::unknown(panic)))
    }
}

/// Of types that are known not to panic.
macro_rules! judged_by_failure {
    () => {
        #[inline(always)]
        fn judged(&self) -> Option<Failure<'_>> {
            self.failure()
        }
    };
}

/// For who knows that it went wrong.
impl Outcome for Failure<'_> {
    judged_by_failure!();

    fn failure(&self) -> Option<Failure<'_>> {
        Some(self.clone())
    }
}

impl Outcome for () {
    judged_by_failure!();

    #[inline(always)]
    fn failure(&self) -> Option<Failure<'_>> {
        None
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    judged_by_failure!();

    #[inline(always)]
    fn failure(&self) -> Option<Failure<'_>> {
        self.as_ref().err().map(Failure::new)
    }
}

impl<T> Outcome for Option<T> {
    judged_by_failure!();

    #[inline(always)]
    fn failure(&self) -> Option<Failure<'_>> {
        None
    }
}

impl<T: Outcome> Outcome for Poll<T> {
    fn failure(&self) -> Option<Failure<'_>> {
        match self {
            Poll::Ready(v) => v.failure(),
            Poll::Pending => None,
        }
    }

    fn judged(&self) -> Option<Failure<'_>> {
        match self {
            Poll::Ready(v) => v.judged(),
            Poll::Pending => None,
        }
    }
}

/// A way to name `!`, which the language does not let one write here yet. It goes through a trait of the language: behind
/// one of ours, no other crate could implement [`Outcome`] for its types, lest they turn out to be this one.
#[expect(type_alias_bounds, reason = "the bound only says whose `Output` is meant")]
type Returned<F: FnOnce()> = F::Output;
impl Outcome for Returned<fn() -> !> {
    fn failure(&self) -> Option<Failure<'_>> {
        *self
    }
}

/// How a finished piece of work is judged.
#[doc(hidden)]
pub trait Judge<T> {
    /// Hands what went wrong to `f`, if something did.
    fn failed(self, value: &T, f: impl FnOnce(Failure<'_>));
}

/// By what the value says of itself.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ByOutcome;

impl<T: Outcome> Judge<T> for ByOutcome {
    #[inline(always)]
    fn failed(self, value: &T, f: impl FnOnce(Failure<'_>)) {
        if let Some(failure) = value.judged() {
            f(failure)
        }
    }
}

/// Not at all: it is ok.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Anything;

impl<T> Judge<T> for Anything {
    #[inline(always)]
    fn failed(self, _: &T, _: impl FnOnce(Failure<'_>)) {}
}

/// By a function that says what went wrong.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub F);

impl<T, F: for<'a> FnOnce(&'a T) -> Option<Failure<'a>>> Judge<T> for By<F> {
    #[inline(always)]
    fn failed(self, value: &T, f: impl FnOnce(Failure<'_>)) {
        if let Some(failure) = (self.0)(value) {
            f(failure)
        }
    }
}
