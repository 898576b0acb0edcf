//! What calls send, so that two of them can be compared by what they mean.

use serde_json::{Number, Value};
use xxhash_rust::xxh3::xxh3_128;

/// A body, by what it means.
#[derive(Debug)]
pub(super) enum Body {
    /// An object or an array: the order of keys and the spelling of numbers do not count.
    Json(Value),
    /// Fields of a form, sorted.
    Form(Vec<(String, String)>),
    Bytes(Vec<u8>),
}

/// What two equal bodies have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum BodyKey {
    /// Of what it means.
    Meaning(u128),
    /// Of its bytes: all that was recorded is a hash of them.
    Bytes(u128),
    /// It was not recorded, or only its beginning was.
    Unknown,
}

impl Body {
    pub(super) fn of(content_type: Option<&str>, bytes: &[u8]) -> Self {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'['))
            && let Ok(value) = serde_json::from_slice(bytes)
        {
            return Body::Json(value);
        }
        let media_type = content_type.and_then(|all| all.split(';').next()).unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Body::Form(fields(bytes));
        }
        Body::Bytes(bytes.to_vec())
    }

    pub(super) fn key(&self) -> BodyKey {
        let mut canonical = vec![];
        match self {
            Body::Json(value) => write(value, &mut canonical),
            Body::Form(fields) => {
                for (name, value) in fields {
                    canonical.extend_from_slice(b"&");
                    quoted(name, &mut canonical);
                    quoted(value, &mut canonical)
                }
            }
            Body::Bytes(bytes) => return BodyKey::Meaning(xxh3_128(bytes)),
        }
        BodyKey::Meaning(xxh3_128(&canonical))
    }
}

impl BodyKey {
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        BodyKey::Bytes(xxh3_128(bytes))
    }

    /// From a hash as capture writes it.
    pub(super) fn of_hash(hash: &str) -> Self {
        let digits = hash.strip_prefix("xxh3:").and_then(|digits| u128::from_str_radix(digits, 16).ok());
        digits.map_or(BodyKey::Unknown, BodyKey::Bytes)
    }
}

/// A number by its value: `1`, `1.0` and `1e0` are the same.
pub(super) fn number(number: &Number) -> String {
    match number.as_f64() {
        // Integers that a double has exactly.
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => (value as i64).to_string(),
        _ => number.to_string(),
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            out.push(b'{');
            // Sorted, whatever order the map keeps.
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            for (name, member) in members {
                quoted(name, out);
                write(member, out)
            }
            out.push(b'}')
        }
        Value::Array(items) => {
            out.push(b'[');
            items.iter().for_each(|item| {
                write(item, out);
                out.push(b',')
            });
            out.push(b']')
        }
        Value::String(text) => quoted(text, out),
        Value::Number(n) => out.extend_from_slice(number(n).as_bytes()),
        Value::Bool(yes) => out.push(if *yes { b't' } else { b'f' }),
        Value::Null => out.push(b'n'),
    }
}

/// Text with its length, so that where it ends is no question.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes())
}

fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<_> = bytes
        .split(|byte| *byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| match field.iter().position(|byte| *byte == b'=') {
            Some(place) => (decoded(&field[..place]), decoded(&field[place + 1..])),
            None => (decoded(field), String::new()),
        })
        .collect();
    fields.sort_unstable();
    fields
}

/// A name or a value of a form. What is no escape stays as it is.
fn decoded(text: &[u8]) -> String {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (vec![], 0);
    while let Some(byte) = text.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'+', ..) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2
            }
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn key(text: &str) -> BodyKey {
        Body::of(None, text.as_bytes()).key()
    }

    #[test]
    fn bodies_are_equal_by_what_they_mean() {
        assert_eq!(key(r#"{"b": [1.0, "x"], "a": 1e2}"#), key(r#" {"a":100,"b":[1,"x"]}"#));
        for other in [r#"{"a":100,"b":["x",1]}"#, r#"{"a":100,"b":[1]}"#, r#"{"a":"100","b":[1,"x"]}"#, "{", ""] {
            assert_ne!(key(r#"{"a":100,"b":[1,"x"]}"#), key(other), "{other}");
        }
        // Neighbours do not flow into each other.
        assert_ne!(key(r#"["ab","c"]"#), key(r#"["a","bc"]"#));
        assert_ne!(key("[[1],2]"), key("[[1,2]]"));
        let form =
            |text: &str| Body::of(Some("application/x-www-form-urlencoded; charset=utf-8"), text.as_bytes()).key();
        assert_eq!(form("b=2&a=x%20y"), form("a=x+y&b=2&"));
        assert_ne!(form("a=1&b=2"), form("a=2&b=1"));
        assert_ne!(key("a=1&b=2"), key("b=2&a=1"));
    }

    #[test]
    fn large_integers_keep_their_last_digit() {
        assert_ne!(key("[9007199254740993]"), key("[9007199254740992]"));
        assert_ne!(key("[18446744073709551615]"), key("[18446744073709551614]"));
        assert_eq!(key("[-0.0]"), key("[0]"));
    }

    #[test]
    fn a_hash_is_that_of_capture() {
        assert_eq!(BodyKey::of_hash(&format!("xxh3:{:032x}", xxh3_128(b"{}"))), BodyKey::of_bytes(b"{}"));
        assert_eq!(BodyKey::of_hash("sha256:00"), BodyKey::Unknown);
    }

    proptest! {
        /// No bytes are a panic, and equal bytes are equal.
        #[test]
        fn any_bytes_have_a_key(bytes in prop::collection::vec(any::<u8>(), 0..60), form: bool) {
            let of = || Body::of(form.then_some("application/x-www-form-urlencoded"), &bytes).key();
            prop_assert_eq!(of(), of());
        }

        #[test]
        fn spelling_does_not_count(pairs in prop::collection::btree_map("[a-c]{0,2}", any::<i32>(), 0..5)) {
            let forward = json!(pairs).to_string();
            let members: Vec<_> = pairs.iter().rev().map(|(name, n)| format!("{} : {n}.0", json!(name))).collect();
            prop_assert_eq!(key(&forward), key(&format!("{{{}}}", members.join(" , "))));
        }
    }
}
