//! How a value says whether the work went well.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::task::Poll;

/// How the result of a piece of work says whether it went well, so that an `Err` is never recorded as ok.
///
/// Implemented for `()`, for `Result<T, E>` where `E: Display`, for `Option<T>` (`None` is an answer, not an error),
/// `Poll<T>`, and `!`. For anything else there are `run_value` and `in_scope_value`.
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
}

/// What went wrong: the error's text, and its class, which is recorded as
/// [`error.type`](crate::semconv::ERROR_TYPE) of a span that does not have one already.
#[derive(Clone)]
pub struct Failure<'a> {
    text: &'a dyn Display,
    class: Cow<'a, str>,
}

impl<'a> Failure<'a> {
    /// Of an error, whose class is the name of its type. Text and boxed errors have no name that says anything: theirs is
    /// `_OTHER`, as the conventions have it.
    #[inline]
    pub fn new<E: Display>(error: &'a E) -> Self {
        Failure { text: error, class: Cow::Borrowed(class_of::<E>()) }
    }

    /// An error of which nothing but its type is known.
    #[doc(hidden)]
    #[inline]
    pub fn untold<E>() -> Self {
        Failure { text: &"", class: Cow::Borrowed(class_of::<E>()) }
    }

    /// Its class, one of few: a name or a code, never something that is different each time.
    pub fn class(self, class: impl Into<Cow<'a, str>>) -> Self {
        Failure { class: class.into(), ..self }
    }

    /// The error's text.
    pub fn text(&self) -> &'a dyn Display {
        self.text
    }

    /// The class.
    pub fn error_type(&self) -> &str {
        &self.class
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("text", &format_args!("{}", self.text)).field("class", &self.class).finish()
    }
}

/// For who knows that it went wrong.
impl Outcome for Failure<'_> {
    fn failure(&self) -> Option<Failure<'_>> {
        Some(self.clone())
    }
}

/// The class of what nothing else is known of.
const OTHER: &str = "_OTHER";

/// The class of errors of this type.
fn class_of<E>() -> &'static str {
    let mut name = type_name::<E>();
    while let Some(inner) = pointed_at(name) {
        name = inner
    }
    let says_nothing = TEXT.contains(&name.split('<').next().unwrap_or_default());
    if says_nothing || name.contains("dyn ") { OTHER } else { name }
}

/// Types of errors that are nothing but text, if that.
const TEXT: [&str; 5] = ["()", "str", "alloc::string::String", "alloc::borrow::Cow", "core::fmt::Arguments"];

/// What a pointer of the language points at, by their types' names.
fn pointed_at(name: &str) -> Option<&str> {
    let boxes = ["alloc::boxed::Box<", "alloc::sync::Arc<", "alloc::rc::Rc<"];
    let boxed = boxes.iter().find_map(|start| name.strip_prefix(start)?.strip_suffix('>'));
    name.strip_prefix('&').or(boxed)
}

impl Outcome for () {
    #[inline(always)]
    fn failure(&self) -> Option<Failure<'_>> {
        None
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    #[inline(always)]
    fn failure(&self) -> Option<Failure<'_>> {
        self.as_ref().err().map(Failure::new)
    }
}

impl<T> Outcome for Option<T> {
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
        if let Some(failure) = value.failure() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_class_of_an_error_is_its_type_if_that_says_something() {
        assert_eq!(class_of::<fmt::Error>(), "core::fmt::Error");
        assert_eq!(class_of::<&fmt::Error>(), "core::fmt::Error");
        assert_eq!([class_of::<Box<fmt::Error>>(), class_of::<Arc<Box<fmt::Error>>>()], ["core::fmt::Error"; 2]);
        assert_eq!(class_of::<std::num::ParseIntError>(), "core::num::error::ParseIntError");
        assert_eq!(class_of::<Box<dyn std::error::Error + Send + Sync>>(), OTHER);
        assert_eq!([class_of::<&str>(), class_of::<String>(), class_of::<Cow<'static, str>>()], [OTHER; 3]);
        assert_eq!([class_of::<Box<str>>(), class_of::<&Arc<str>>(), class_of::<fmt::Arguments<'_>>()], [OTHER; 3]);
    }
}
