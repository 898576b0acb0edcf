//! What had no room in a record, as a diagnostic of its span tells it.

use super::items::{self, Item, Key};
use super::layout::Field;
use crate::cut::{MAX_TEXT, cut};
use crate::{Value, semconv};

/// Bytes of a key that are shown: keys are the user's, and as long as they like.
const SHOWN: usize = 100;

/// What was cut of one record, or left out of it.
#[derive(Default)]
pub(super) struct Cuts {
    pub(super) count: u64,
    /// The first of them, and whether nothing of it was kept.
    first: Option<(Key, bool)>,
}

impl Cuts {
    /// The value as it has room, noted if that is not all of it.
    pub(super) fn cut<'v>(&mut self, key: Key, value: Value<'v>) -> Value<'v> {
        if items::is_too_long(&value) {
            self.note(key, false)
        }
        items::cut(value)
    }

    /// An item found no room at all.
    pub(super) fn left_out(&mut self, key: Key) {
        self.note(key, true)
    }

    fn note(&mut self, key: Key, whole: bool) {
        self.count += 1;
        self.first.get_or_insert((key, whole));
    }

    /// What happened to the first of them: in the same words whenever it happens to that.
    pub(super) fn message(&self) -> String {
        let Some((key, whole)) = self.first else { return String::new() };
        let what = match key {
            Key::Attribute(key) => {
                format!("attribute {}", cut(key, SHOWN))
            }
            Key::Field(Field::Name) => "its name".to_owned(),
            Key::Field(Field::Error) => "the text of its error".to_owned(),
            Key::Field(Field::ErrorType) => "the type of its error".to_owned(),
            Key::Field(_) => "a text".to_owned(),
        };
        match whole {
            false => format!("{what}: cut after {MAX_TEXT} bytes"),
            true => format!("{what}: left out, the record was full"),
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
