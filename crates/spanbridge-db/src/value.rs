//! Values of a database, and how they are recorded: as JSON in mutations, as text in the parameters of a query.

use std::borrow::Cow;
use std::fmt::Write;

/// Bytes that are recorded of a blob.
const MAX_BLOB: usize = 64;

/// Bytes that are recorded of a text in a key.
const MAX_KEY: usize = 8192;

/// How much is recorded of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Bytes of a text.
    text: usize,
    /// What is cut has a hash of all of it, since two rows must not become one.
    hashes: bool,
}

impl Limit {
    /// Of a value: so many bytes of a text.
    pub(crate) fn of_values(text: usize) -> Self {
        Limit { text, hashes: false }
    }

    /// Of a column in a key.
    pub(crate) const KEYS: Limit = Limit { text: MAX_KEY, hashes: true };
}

/// A value of a column or of a parameter.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DbValue<'a> {
    /// `NULL`.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// Text, and everything that is recorded as text: decimal numbers, times, JSON.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> From<&'a str> for DbValue<'a> {
    fn from(text: &'a str) -> Self {
        DbValue::Text(Cow::Borrowed(text))
    }
}

impl From<String> for DbValue<'_> {
    fn from(text: String) -> Self {
        DbValue::Text(Cow::Owned(text))
    }
}

impl From<i64> for DbValue<'_> {
    fn from(number: i64) -> Self {
        DbValue::Integer(number)
    }
}

impl DbValue<'_> {
    /// Writes it as JSON. A text beyond the limit is `{"cut":"beginning…","bytes":N}`; a blob is `{"hex":"…"}`, and beyond 64
    /// bytes `{"hex":"…","bytes":N}`; what is no finite number is text. What is cut in a key has `"hash":"…"`, too.
    pub(crate) fn write_json(&self, limit: Limit, out: &mut String) {
        self.write_json_of(None, limit, out)
    }

    /// The same for a text or a blob of which this may be the beginning only: then `whole` is the number of bytes of all of it.
    pub(crate) fn write_json_of(&self, whole: Option<usize>, limit: Limit, out: &mut String) {
        let max = limit.text;
        let cut = |length: usize, bytes: &[u8], out: &mut String| {
            write!(out, ",\"bytes\":{length}")?;
            match limit.hashes {
                true => write!(out, ",\"hash\":\"{:016x}\"}}", hash(bytes)),
                false => out.write_str("}"),
            }
        };
        // Writing to a string does not fail.
        let _ = match self {
            DbValue::Null => write!(out, "null"),
            DbValue::Bool(value) => write!(out, "{value}"),
            DbValue::Integer(value) => write!(out, "{value}"),
            DbValue::Float(value) if value.is_finite() => write!(out, "{value:?}"),
            DbValue::Float(value) => write!(out, "\"{value}\""),
            DbValue::Text(text) if text.len() <= max && whole.is_none() => {
                quote(text, out);
                Ok(())
            }
            DbValue::Text(text) => {
                out.push_str("{\"cut\":");
                quote(beginning(text, max), out);
                cut(whole.unwrap_or(text.len()), text.as_bytes(), out)
            }
            DbValue::Bytes(bytes) => {
                out.push_str("{\"hex\":\"");
                hex(bytes, out);
                out.push('"');
                match whole.unwrap_or(bytes.len()) {
                    length if length > MAX_BLOB => cut(length, bytes, out),
                    _ => out.write_str("}"),
                }
            }
        };
    }

    /// As a parameter is recorded: text as it is, everything else as in JSON.
    pub(crate) fn shown(&self, max: usize) -> Cow<'_, str> {
        match self {
            DbValue::Text(text) if text.len() <= max => Cow::Borrowed(text),
            DbValue::Text(text) => Cow::Owned(format!("{}…", beginning(text, max))),
            DbValue::Bytes(bytes) => {
                let mut shown = String::from("0x");
                hex(bytes, &mut shown);
                if bytes.len() > MAX_BLOB {
                    shown.push('…')
                }
                Cow::Owned(shown)
            }
            other => {
                let mut shown = String::new();
                other.write_json(Limit::of_values(max), &mut shown);
                Cow::Owned(shown)
            }
        }
    }
}

/// At most so many bytes, in whole characters.
fn beginning(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or("")
}

fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes.iter().take(MAX_BLOB) {
        let _ = write!(out, "{byte:02x}");
    }
}

/// FNV-1a. It is in keys, so it stays what it is.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// Writes text in quotes, with JSON's escapes ([RFC 8259, section 7](https://www.rfc-editor.org/rfc/rfc8259#section-7)).
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (clean, from) = rest.split_at(at);
        out.push_str(clean);
        match from.as_bytes().first() {
            Some(byte @ (b'"' | b'\\')) => out.extend(['\\', char::from(*byte)]),
            Some(byte) => {
                let _ = write!(out, "\\u{byte:04x}");
            }
            None => {}
        }
        rest = from.get(1..).unwrap_or("")
    }
    out.push_str(rest);
    out.push('"')
}

/// A JSON object in the making: column → value.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonObject(String);

impl JsonObject {
    /// Adds a column.
    pub(crate) fn push(&mut self, name: &str, value: &DbValue<'_>, limit: Limit) {
        self.push_of(None, name, value, limit)
    }

    /// Adds a column, of whose value this may be the beginning only: see [`DbValue::write_json_of`].
    pub(crate) fn push_of(&mut self, whole: Option<usize>, name: &str, value: &DbValue<'_>, limit: Limit) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        quote(name, &mut self.0);
        self.0.push(':');
        value.write_json_of(whole, limit, &mut self.0)
    }

    /// What was added behind this length, without the sign between columns.
    fn since(&self, length: usize) -> &str {
        self.0.get(length + 1..).unwrap_or("")
    }

    /// The JSON text.
    pub(crate) fn finish(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{')
        }
        self.0.push('}');
        self.0
    }
}

/// Columns that changed: before and after.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sides {
    pub(crate) before: JsonObject,
    pub(crate) after: JsonObject,
}

impl Sides {
    /// Adds a column to each side. If a hook has made the same of both, neither is told: they would say that nothing changed.
    /// (Of what was cut, readers know that it may be the same.)
    pub(crate) fn push(&mut self, before: impl FnOnce(&mut JsonObject), after: impl FnOnce(&mut JsonObject)) {
        let (old, new) = (self.before.0.len(), self.after.0.len());
        before(&mut self.before);
        after(&mut self.after);
        let told = self.before.since(old);
        let is_cut = told.ends_with('}') && told.contains("\"bytes\":");
        if !is_cut && told == self.after.since(new) {
            self.before.0.truncate(old);
            self.after.0.truncate(new)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(value: DbValue<'_>, max: usize) -> Value {
        let mut text = String::new();
        value.write_json(Limit::of_values(max), &mut text);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[test]
    fn values_as_json() {
        assert_eq!(read(DbValue::Integer(i64::MIN), 9), json!(i64::MIN));
        assert_eq!(read(DbValue::Float(1e300), 9), json!(1e300));
        assert_eq!(read(DbValue::Float(2.0), 9), json!(2.0));
        assert_eq!(read(DbValue::Float(f64::NAN), 9), json!("NaN"));
        assert_eq!(read(DbValue::Float(f64::NEG_INFINITY), 9), json!("-inf"));
        assert_eq!(read("0123456789".into(), 9), json!({"cut": "012345678", "bytes": 10}));
        assert_eq!(read("éé".into(), 3), json!({"cut": "é", "bytes": 4}));
        assert_eq!(read(DbValue::Bytes(vec![1, 255].into()), 9), json!({"hex": "01ff"}));
        let long = read(DbValue::Bytes(vec![7; 65].into()), 9);
        assert_eq!(long, json!({"hex": "07".repeat(64), "bytes": 65}));
    }

    /// As a trigger has cut them.
    #[test]
    fn beginnings_tell_their_size() {
        let read = |value: DbValue<'_>, whole| {
            let mut object = JsonObject::default();
            object.push_of(Some(whole), "a", &value, Limit::of_values(256));
            serde_json::from_str::<Value>(&object.finish()).unwrap()
        };
        assert_eq!(read("012".into(), 1000), json!({"a": {"cut": "012", "bytes": 1000}}));
        assert_eq!(read(DbValue::Bytes(vec![7; 2].into()), 99), json!({"a": {"hex": "0707", "bytes": 99}}));
    }

    /// Two rows whose keys begin alike are two.
    #[test]
    fn what_is_cut_of_a_key_has_a_hash() {
        let key = |value: DbValue<'_>| {
            let mut text = String::new();
            value.write_json(Limit::KEYS, &mut text);
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let long = |last: u8| key(DbValue::Bytes([&[7; 64][..], &[last]].concat().into()));
        assert_eq!(long(1), json!({"hex": "07".repeat(64), "bytes": 65, "hash": long(1)["hash"]}));
        assert_ne!(long(1), long(2));
        assert_eq!(key(DbValue::Bytes(vec![7; 64].into())), json!({"hex": "07".repeat(64)}));
        assert_eq!(key("a".repeat(8192).into()), json!("a".repeat(8192)));
        assert_ne!(key(format!("{}b", "a".repeat(8192)).into()), key(format!("{}c", "a".repeat(8192)).into()));
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn parameters_as_text() {
        assert_eq!(DbValue::from("it's").shown(9), "it's");
        assert_eq!(DbValue::from("0123456789").shown(4), "0123…");
        assert_eq!(DbValue::Bytes(vec![1, 255].into()).shown(9), "0x01ff");
        assert_eq!((DbValue::Null.shown(9), DbValue::Bool(true).shown(9)), ("null".into(), "true".into()));
    }

    proptest! {
        #[test]
        fn objects_read_back(columns in prop::collection::btree_map(".*", ".*", 0..5), number in any::<f64>()) {
            let mut object = JsonObject::default();
            for (name, text) in &columns {
                object.push(name, &text.as_str().into(), Limit::of_values(usize::MAX))
            }
            let expected: serde_json::Map<_, _> = columns.into_iter().map(|(k, v)| (k, v.into())).collect();
            prop_assert_eq!(serde_json::from_str::<Value>(&object.finish()).ok(), Some(Value::Object(expected)));
            let float = read(DbValue::Float(number), 9);
            prop_assert!(!number.is_finite() || float.as_f64() == Some(number), "{float}");
        }
    }
}
