//! How a value says whether the work went well.

use std::fmt::Display;
use std::task::Poll;

/// How the result of a piece of work says whether it went well, so that an `Err` is never recorded as ok.
///
/// Implemented for `()`, for `Result<T, E>` where `E: Display`, for `Option<T>` (`None` is an answer, not an error),
/// `Poll<T>`, and `!`. For anything else there are `run_value` and `in_scope_value`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether the work went well",
    note = "implement `spanbridge::Outcome` for it, or use `run_value` / `in_scope_value`",
    note = "for `Result<T, E>` the error must be `Display`"
)]
pub trait Outcome {
    /// What went wrong, if something did.
    fn failure(&self) -> Option<&dyn Display>;
}

impl Outcome for () {
    #[inline(always)]
    fn failure(&self) -> Option<&dyn Display> {
        None
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    #[inline(always)]
    fn failure(&self) -> Option<&dyn Display> {
        self.as_ref().err().map(|e| e as &dyn Display)
    }
}

impl<T> Outcome for Option<T> {
    #[inline(always)]
    fn failure(&self) -> Option<&dyn Display> {
        None
    }
}

impl<T: Outcome> Outcome for Poll<T> {
    fn failure(&self) -> Option<&dyn Display> {
        match self {
            Poll::Ready(v) => v.failure(),
            Poll::Pending => None,
        }
    }
}

/// A way to name `!`, which the language does not let one write here yet. It goes through a trait of the language: behind
/// one of ours, no other crate could implement [`Outcome`] for its types, lest they turn out to be this one.
#[expect(type_alias_bounds, reason = "the bound only says whose `Output` is meant")]
type Returned<F: FnOnce()> = F::Output;
impl Outcome for Returned<fn() -> !> {
    fn failure(&self) -> Option<&dyn Display> {
        *self
    }
}

/// How a finished piece of work is judged.
#[doc(hidden)]
pub trait Judge<T> {
    /// Hands the error's text to `f`, if there is an error.
    fn failed(self, value: &T, f: impl FnOnce(&dyn Display));
}

/// By what the value says of itself.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ByOutcome;

impl<T: Outcome> Judge<T> for ByOutcome {
    #[inline(always)]
    fn failed(self, value: &T, f: impl FnOnce(&dyn Display)) {
        if let Some(e) = value.failure() {
            f(e)
        }
    }
}

/// Not at all: it is ok.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Anything;

impl<T> Judge<T> for Anything {
    #[inline(always)]
    fn failed(self, _: &T, _: impl FnOnce(&dyn Display)) {}
}

/// By a function that gives what is to be said of the error; nothing where it has no text.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub F);

impl<T, F: for<'a> FnOnce(&'a T) -> Option<&'a dyn Display>> Judge<T> for By<F> {
    #[inline(always)]
    fn failed(self, value: &T, f: impl FnOnce(&dyn Display)) {
        if let Some(e) = (self.0)(value) {
            f(e)
        }
    }
}
