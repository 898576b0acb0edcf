//! A failure, as it is recorded.

use super::boxed;
use super::class::{OTHER, class_of};
use crate::text;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};

/// A failure: the text of an error, and its class. The class is recorded with the end of the span, as its
/// [`error.type`](crate::semconv::ERROR_TYPE). An attribute of that name that the span was given counts more.
///
/// The text is made only if it is recorded.
#[derive(Clone)]
pub struct Failure<'a> {
    what: What<'a>,
    class: Cow<'a, str>,
}

#[derive(Clone)]
enum What<'a> {
    Shown(&'a dyn Display),
    Error(&'a (dyn Error + 'a)),
    Text(String),
}

impl<'a> Failure<'a> {
    /// From an error. The class is the name of its type; for text, boxed errors and reports such as `anyhow`'s it is `_OTHER`,
    /// as in OpenTelemetry's conventions.
    ///
    /// The text is the alternate form, `{:#}`: reports of `anyhow` and `eyre` show their causes there. The causes of a boxed
    /// error are recorded as well. For error types of your own, use [`Failure::of`].
    #[inline]
    pub fn new<E: Display>(error: &'a E) -> Self {
        let what = boxed::inside(error).map_or(What::Shown(error), What::Error);
        Failure { what, class: Cow::Borrowed(class_of::<E>()) }
    }

    /// From an error with its causes ([`Error::source`]): `outer: inner: root`, without repetition.
    pub fn of<E: Error>(error: &'a E) -> Self {
        Failure { what: What::Error(error), class: Cow::Borrowed(class_of::<E>()) }
    }

    /// The same for an error whose type is not known: its class is `_OTHER`.
    pub fn of_any(error: &'a (dyn Error + 'a)) -> Self {
        Failure { what: What::Error(error), class: Cow::Borrowed(OTHER) }
    }

    /// From the error in a box of the standard library, with its causes: for adapters whose client says nothing of `E`, not
    /// even that it has `Display`. `None` if `E` is no such box.
    pub fn in_box<E>(error: &'a E) -> Option<Self> {
        boxed::inside(error).map(Failure::of_any)
    }

    /// From an error of which only the type is known. It has no text.
    #[inline]
    pub fn of_type<E>() -> Self {
        Failure { what: What::Shown(&""), class: Cow::Borrowed(class_of::<E>()) }
    }

    /// From a text alone: its class is `_OTHER`.
    #[cfg(feature = "http")]
    pub(super) fn of_text(text: String) -> Self {
        Failure { what: What::Text(text), class: Cow::Borrowed(OTHER) }
    }

    /// The outcome is not known, because `Outcome::failure` panicked with this message.
    pub(super) fn unknown(panic: String) -> Self {
        let text = format!("how it went is not known: `Outcome::failure` has panicked: {panic}");
        Failure { what: What::Text(text), class: Cow::Borrowed(OTHER) }
    }

    /// Sets the class: a name or a code out of a small set, never a value that differs each time.
    pub fn class(self, class: impl Into<Cow<'a, str>>) -> Self {
        Failure { class: class.into(), ..self }
    }

    /// The text to record: the error and its causes, cut at 4 KiB while it is made. If making it panics, it is what was made
    /// until then.
    pub fn message(&self) -> String {
        match &self.what {
            What::Shown(value) => text::told(value),
            What::Error(error) => text::chain(*error),
            What::Text(text) => text.clone(),
        }
    }

    /// The class.
    pub fn error_type(&self) -> &str {
        &self.class
    }
}

impl fmt::Debug for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("text", &self.message()).field("class", &self.class).finish()
    }
}
