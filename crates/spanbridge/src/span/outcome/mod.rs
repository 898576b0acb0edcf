//! How a value says whether the work failed.

mod boxed;
mod class;
mod failure;
#[cfg(feature = "http")]
mod http;

pub use failure::Failure;

use crate::panics;
use std::fmt::Display;
use std::task::Poll;

/// Says whether the work failed, so that an `Err` is never recorded as ok.
///
/// Implemented for `()`, `Result<T, E>` with `E: Display`, `Option<T>` (`None` is a value, not an error), `Poll<T>` and `!`. For
/// other types, implement it or use `run_value` and `in_scope_value`.
///
/// An error is recorded with its causes if the type shows them: reports of `anyhow` and `eyre` and boxed errors do. For error
/// types of your own, use [`#[observe]`](macro@crate::observe) or [`Failure::of`].
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
    message = "`{Self}` does not say whether the work failed",
    note = "implement `spanbridge::Outcome` for it, or use `run_value` / `in_scope_value`",
    note = "for `Result<T, E>` the error must be `Display`"
)]
pub trait Outcome {
    /// The failure, if the work failed.
    fn failure(&self) -> Option<Failure<'_>>;

    /// What adapters call: as [`failure`](Outcome::failure), and if that panics, a failure that says so. What a type of the
    /// application says must not change what the application does. There is no reason to write one.
    fn judged(&self) -> Option<Failure<'_>> {
        panics::caught(|| self.failure()).unwrap_or_else(|panic| Some(Failure::unknown(panic)))
    }
}

/// For types whose `failure` cannot panic.
macro_rules! judged_by_failure {
    () => {
        #[inline(always)]
        fn judged(&self) -> Option<Failure<'_>> {
            self.failure()
        }
    };
}

/// A failure is one.
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

/// Names the type `!`, which cannot be written here yet. It has to be a trait of the language: behind one of ours, no other crate
/// could implement [`Outcome`], because its type might be this one.
#[expect(type_alias_bounds, reason = "the bound only says whose `Output` is meant")]
type Returned<F: FnOnce()> = F::Output;
impl Outcome for Returned<fn() -> !> {
    fn failure(&self) -> Option<Failure<'_>> {
        *self
    }
}

/// Decides whether finished work failed. Sealed: only the three types below do.
pub trait Judge<T> {
    /// Calls `f` with the failure, if the work failed.
    fn failed(self, value: &T, f: impl FnOnce(Failure<'_>));
}

/// How the span of an [`InSpan`](crate::observe::InSpan) ends: by the value's [`Outcome`].
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

/// How the span of an [`InSpan`](crate::observe::InSpan) ends: as ok, whatever the value is.
#[derive(Clone, Copy, Debug)]
pub struct Anything;

impl<T> Judge<T> for Anything {
    #[inline(always)]
    fn failed(self, _: &T, _: impl FnOnce(Failure<'_>)) {}
}

/// How the span of an [`InSpan`](crate::observe::InSpan) ends: by what a function says of the value.
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub(crate) F);

impl<T, F: for<'a> FnOnce(&'a T) -> Option<Failure<'a>>> Judge<T> for By<F> {
    #[inline(always)]
    fn failed(self, value: &T, f: impl FnOnce(Failure<'_>)) {
        if let Some(failure) = (self.0)(value) {
            f(failure)
        }
    }
}
