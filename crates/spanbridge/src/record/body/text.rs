//! Texts of a record that borrow nothing.

use std::borrow::Cow;

/// The same text, borrowing nothing.
pub(super) fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}
