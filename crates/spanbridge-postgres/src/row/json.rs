//! Attributes and fields as JSON, which SQL can look into.
//!
//! The type of the columns is `json`: it keeps the text as it is, with the order of the keys. What JSON cannot say exactly (a number that
//! is none, a key or a text with a NUL, which PostgreSQL's own functions refuse) is written as nearly as it can, and the caller stores
//! the exact lists beside it.

use crate::text::without_nul;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use spanbridge_query::engine::row::{Attribute, value};
use std::borrow::Cow;
use std::fmt;

/// A JSON object, and whether it says everything exactly.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) is_exact: bool,
}

impl Written {
    fn new() -> Self {
        Self { text: "{".to_owned(), is_exact: true }
    }

    /// `None`: nothing was written.
    fn finish(mut self) -> Option<Self> {
        if self.text.len() == 1 {
            return None;
        }
        self.text.push('}');
        Some(self)
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.string(key);
        self.text.push(':');
    }

    fn string(&mut self, text: &str) {
        self.is_exact &= !text.contains('\0');
        // Writing a text to memory cannot fail.
        self.text.push_str(&serde_json::to_string(&*without_nul(text)).unwrap_or_default());
    }

    fn value(&mut self, kind: u8, text: &str) {
        match kind {
            value::I64 | value::BOOL => self.text.push_str(text),
            value::F64 => match text.parse::<f64>() {
                // With a point or an exponent: without, it would be an integer.
                Ok(number) if number.is_finite() => self.text.push_str(&format!("{number:?}")),
                _ => {
                    self.is_exact = false;
                    self.string(text);
                }
            },
            value::JSON if is_kept(text) => self.text.push_str(text),
            _ => {
                self.is_exact &= kind == value::STR;
                self.string(text);
            }
        }
    }
}

/// Whether JSON text is read back as it is, and PostgreSQL's functions take it: `\u` may be a NUL, or half of a character.
fn is_kept(text: &str) -> bool {
    matches!(text.as_bytes(), [b'{', .., b'}'] | [b'[', .., b']'])
        && !text.contains("\\u")
        && depth(text) <= MAX_DEPTH
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|all| all.get() == text)
}

/// PostgreSQL refuses JSON that is nested deeper than its stack allows, which is some thousand levels.
const MAX_DEPTH: usize = 100;

/// How deep JSON is nested.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest, mut is_in_text, mut is_escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_in_text = !is_in_text,
            b'[' | b'{' if !is_in_text => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !is_in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Attributes as an object. `None`: there are none.
pub(super) fn of_attributes(attributes: &[Attribute<'_>]) -> Option<Written> {
    let mut written = Written::new();
    for (key, kind, text) in attributes {
        written.key(key);
        written.value(*kind, text);
    }
    written.finish()
}

/// Fields as an object. `None`: there are none.
pub(super) fn of_fields(fields: &[(Cow<'_, str>, Cow<'_, str>)]) -> Option<Written> {
    let mut written = Written::new();
    for (key, text) in fields {
        written.key(key);
        written.string(text);
    }
    written.finish()
}

/// The attributes of an object.
pub(super) fn read_attributes(text: &str) -> Option<Vec<Attribute<'static>>> {
    pairs(text)?.into_iter().map(|(key, value)| attribute(key, value.get())).collect()
}

fn attribute(key: String, text: &str) -> Option<Attribute<'static>> {
    let kept = |kind| Some((Cow::Owned(key.clone()), kind, Cow::Owned(text.to_owned())));
    match text.as_bytes().first()? {
        b'"' => Some((key.into(), value::STR, serde_json::from_str::<String>(text).ok()?.into())),
        b't' | b'f' => kept(value::BOOL),
        b'{' | b'[' => kept(value::JSON),
        _ if text.contains(['.', 'e', 'E']) => kept(value::F64),
        _ => kept(value::I64),
    }
}

/// The fields of an object.
pub(super) fn read_fields(text: &str) -> Option<Vec<(Cow<'static, str>, Cow<'static, str>)>> {
    let field = |(key, value): (String, Box<RawValue>)| {
        Some((key.into(), serde_json::from_str::<String>(value.get()).ok()?.into()))
    };
    pairs(text)?.into_iter().map(field).collect()
}

/// The members of an object, in order; a key may occur several times.
fn pairs(text: &str) -> Option<Vec<(String, Box<RawValue>)>> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(pair) = map.next_entry()? {
                all.push(pair);
            }
            Ok(all)
        }
    }

    serde_json::Deserializer::from_str(text).deserialize_map(Pairs).ok()
}
