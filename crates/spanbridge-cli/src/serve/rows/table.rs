//! Texts that occur often, each once.

use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;

/// Texts, and the number of each.
#[derive(Default)]
pub(super) struct Table<'g> {
    texts: Vec<Cow<'g, str>>,
    numbers: HashMap<Cow<'g, str>, usize>,
}

impl<'g> Table<'g> {
    /// The number of a text.
    pub(super) fn number(&mut self, text: &'g str) -> usize {
        self.insert(text.into())
    }

    /// The number of what is left of a text if it is cut to this many characters. The last one is then an ellipsis.
    pub(super) fn number_of_cut(&mut self, text: &'g str, max: usize) -> usize {
        self.insert(cut(text, max))
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    fn insert(&mut self, text: Cow<'g, str>) -> usize {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.texts.push(text.clone());
        self.numbers.insert(text, self.texts.len() - 1);
        self.texts.len() - 1
    }
}

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.texts.serialize(serializer)
    }
}

/// The text, if it has no more than this many characters; otherwise its beginning and an ellipsis.
fn cut(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => text.into(),
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}
