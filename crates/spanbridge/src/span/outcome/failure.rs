//! What went wrong, as it is recorded.

use super::boxed;
use super::class::{OTHER, class_of};
use crate::text;
use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display};

/// What went wrong: the error's text, and its class, which is recorded as
/// [`error.type`](crate::semconv::ERROR_TYPE) of a span that does not have one already.
///
/// The text is made when it is recorded, and not otherwise.
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
    /// Of an error, whose class is the name of its type. Text, boxed errors and reports such as `anyhow`'s have no name that
    /// says anything: theirs is `_OTHER`, as the conventions have it.
    ///
    /// Its text is what it shows in the alternate form, `{:#}`: a report of `anyhow` or `eyre` tells its causes then. Those
    /// of a boxed error are told as well; for an error of one's own there is [`Failure::of`].
    #[inline]
    pub fn new<E: Display>(error: &'a E) -> Self {
        let what = boxed::inside(error).map_or(What::Shown(error), What::Error);
        Failure { what, class: Cow::Borrowed(class_of::<E>()) }
    }

    /// Of an error with its causes ([`Error::source`]): `outer: inner: root`, where nothing is said twice.
    pub fn of<E: Error>(error: &'a E) -> Self {
        Failure { what: What::Error(error), class: Cow::Borrowed(class_of::<E>()) }
    }

    /// The same of one whose type is not known; so its class is `_OTHER`.
    pub fn of_any(error: &'a (dyn Error + 'a)) -> Self {
        Failure { what: What::Error(error), class: Cow::Borrowed(OTHER) }
    }

    /// The error in a box of the standard library, with its causes, where nothing is known of `E`: not even that it is `Display`.
    #[doc(hidden)]
    pub fn inside<E>(error: &'a E) -> Option<Self> {
        boxed::inside(error).map(Failure::of_any)
    }

    /// An error of which nothing but its type is known.
    #[doc(hidden)]
    #[inline]
    pub fn untold<E>() -> Self {
        Failure { what: What::Shown(&""), class: Cow::Borrowed(class_of::<E>()) }
    }

    /// Nobody knows: whoever was asked has panicked, and said this.
    pub(super) fn unknown(panic: String) -> Self {
        let text = format!("how it went is not known: `Outcome::failure` has panicked: {panic}");
        Failure { what: What::Text(text), class: Cow::Borrowed(OTHER) }
    }

    /// Its class, one of few: a name or a code, never something that is different each time.
    pub fn class(self, class: impl Into<Cow<'a, str>>) -> Self {
        Failure { class: class.into(), ..self }
    }

    /// The text of the error and its causes, as it is recorded. It is cut at 4 KiB while it is made; and however that goes, by
    /// a panic even, this is what came of it.
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
