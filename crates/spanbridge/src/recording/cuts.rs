//! What had no room in a record, as a diagnostic of its span tells it.

use super::items::{self, Item, Key};
use super::layout::{Field, MAX_TEXT};
use crate::{Value, semconv};

/// Bytes of a key that are shown: keys are the user's, and as long as they like.
const SHOWN: usize = 100;

/// What was cut of one record, or left out of it.
#[derive(Default)]
pub(super) struct Cuts {
    pub(super) count: u64,
    first: Option<(Key, Option<usize>)>,
}

impl Cuts {
    /// The value as it has room, noted if that is not all of it.
    pub(super) fn cut<'v>(&mut self, key: Key, value: Value<'v>) -> Value<'v> {
        match value {
            Value::Str(text) | Value::Json(text) if items::is_too_long(&value) => self.note(key, Some(text.len())),
            _ => {}
        }
        items::cut(value)
    }

    /// An item found no room at all.
    pub(super) fn left_out(&mut self, key: Key) {
        self.note(key, None)
    }

    fn note(&mut self, key: Key, length: Option<usize>) {
        self.count += 1;
        self.first.get_or_insert((key, length));
    }

    /// What happened to the first of them.
    pub(super) fn message(&self) -> String {
        let Some((key, length)) = self.first else { return String::new() };
        let what = match key {
            Key::Attribute(key) => {
                format!("attribute {}", crate::text::cut(key, SHOWN))
            }
            Key::Field(Field::Name) => "its name".to_owned(),
            Key::Field(Field::Error) => "the text of its error".to_owned(),
            Key::Field(_) => "a text".to_owned(),
        };
        match length {
            // It is not written to its end, so nobody knows how long it is.
            Some(_) if matches!(key, Key::Field(Field::Error)) => {
                format!("{what}: its first {MAX_TEXT} bytes are kept")
            }
            Some(bytes) => format!("{what}: of {bytes} bytes {MAX_TEXT} are kept"),
            None => format!("{what}: left out, its record was full"),
        }
    }

    /// The items of the diagnostic that says so.
    pub(super) fn items<'m>(&self, message: &'m str) -> [Item<'m>; 3] {
        [
            (Key::Field(Field::Name), Value::Static(semconv::ATTRIBUTES_CUT)),
            (Key::Field(Field::Message), Value::Str(message)),
            (Key::Field(Field::Count), Value::from(self.count)),
        ]
    }
}
