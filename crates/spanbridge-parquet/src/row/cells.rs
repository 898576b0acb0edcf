//! The cells of a row.

use crate::columns::{NUMBERS, Number, TEXTS, Text};
use std::borrow::Cow;

/// What the columns of a row have.
pub(crate) struct Row<'r> {
    pub(crate) texts: [Option<Cow<'r, str>>; TEXTS],
    /// Bits of `i64` and `u64` alike.
    pub(crate) numbers: [Option<u64>; NUMBERS],
    pub(crate) attributes: Pairs<'r>,
    pub(crate) changed_columns: Vec<Cow<'r, str>>,
    pub(crate) links: Vec<LinkRow<'r>>,
}

/// The entries of a map: keys and values, in their order.
pub(crate) type Pairs<'r> = Vec<(Cow<'r, str>, Cow<'r, str>)>;

/// A link in a row.
#[derive(Default)]
pub(crate) struct LinkRow<'r> {
    pub(crate) trace_id: Cow<'r, str>,
    pub(crate) span_id: Cow<'r, str>,
    pub(crate) attributes: Pairs<'r>,
    pub(crate) attribute_types: Option<Cow<'r, str>>,
}

impl Default for Row<'_> {
    fn default() -> Self {
        let (attributes, changed_columns, links) = (Vec::new(), Vec::new(), Vec::new());
        Row { texts: [const { None }; TEXTS], numbers: [None; NUMBERS], attributes, changed_columns, links }
    }
}

impl<'r> Row<'r> {
    pub(super) fn set(&mut self, column: Text, text: impl Into<Cow<'r, str>>) {
        self.texts[column as usize] = Some(text.into());
    }

    pub(super) fn set_number(&mut self, column: Number, number: u64) {
        self.numbers[column as usize] = Some(number);
    }

    pub(super) fn take(&mut self, column: Text) -> Option<Cow<'r, str>> {
        self.texts[column as usize].take()
    }

    pub(super) fn number(&self, column: Number) -> Option<u64> {
        self.numbers[column as usize]
    }
}
