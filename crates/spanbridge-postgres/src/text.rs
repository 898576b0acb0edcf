//! Texts in columns of the type `text`.

use std::borrow::Cow;

/// A text that PostgreSQL can hold: it knows no NUL.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}
