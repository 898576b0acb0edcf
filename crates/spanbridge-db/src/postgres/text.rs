//! What a value in PostgreSQL's text form, or as text out of its JSON, is recorded as.

use crate::value::DbValue;
use std::borrow::Cow;

/// Types with a record form that is not their text, by the number that the server's catalog gives them.
mod oid {
    pub(super) const BOOL: u32 = 16;
    pub(super) const BYTEA: u32 = 17;
    pub(super) const INT8: u32 = 20;
    pub(super) const INT2: u32 = 21;
    pub(super) const INT4: u32 = 23;
    pub(super) const OID: u32 = 26;
    pub(super) const FLOAT4: u32 = 700;
    pub(super) const FLOAT8: u32 = 701;
    pub(super) const TIMESTAMP: u32 = 1114;
    pub(super) const TIMESTAMPTZ: u32 = 1184;
}

/// A value of this type. What cannot be read as its type stays text.
pub(crate) fn value(type_oid: u32, text: &str) -> DbValue<'_> {
    let read = match type_oid {
        oid::BOOL => match text {
            "t" | "true" => Some(DbValue::Bool(true)),
            "f" | "false" => Some(DbValue::Bool(false)),
            _ => None,
        },
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID => text.parse().ok().map(DbValue::Integer),
        oid::FLOAT4 | oid::FLOAT8 => text.parse().ok().filter(|value: &f64| value.is_finite()).map(DbValue::Float),
        oid::BYTEA => text.strip_prefix("\\x").and_then(bytes).map(|bytes| DbValue::Bytes(Cow::Owned(bytes))),
        oid::TIMESTAMP => Some(DbValue::Text(spaced(text))),
        oid::TIMESTAMPTZ => Some(DbValue::Text(short_zone(spaced(text)))),
        _ => None,
    };
    read.unwrap_or(DbValue::Text(Cow::Borrowed(text)))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    digits.chunks_exact(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?)).collect()
}

/// JSON has a `T` between date and time, the text form a space.
fn spaced(text: &str) -> Cow<'_, str> {
    match text.split_once('T') {
        Some((date, time)) if date.ends_with(|last: char| last.is_ascii_digit()) => {
            Cow::Owned(format!("{date} {time}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// JSON has minutes in the offset from UTC, the text form only if they are not zero.
fn short_zone(text: Cow<'_, str>) -> Cow<'_, str> {
    let without = text.strip_suffix(":00").filter(|rest| {
        let (sign, hours) = rest.split_at(rest.len().saturating_sub(3));
        !sign.is_empty() && hours.starts_with(['+', '-']) && hours.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    });
    match without.map(str::to_owned) {
        Some(short) => Cow::Owned(short),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_have_their_types() {
        assert_eq!(value(oid::BOOL, "t"), DbValue::Bool(true));
        assert_eq!(value(oid::BOOL, "false"), DbValue::Bool(false));
        assert_eq!(value(oid::INT8, "-9223372036854775808"), DbValue::Integer(i64::MIN));
        assert_eq!(value(oid::FLOAT8, "1e300"), DbValue::Float(1e300));
        assert_eq!(value(oid::FLOAT8, "NaN"), "NaN".into());
        assert_eq!(value(oid::FLOAT4, "-Infinity"), "-Infinity".into());
        assert_eq!(value(oid::BYTEA, "\\x01fF"), DbValue::Bytes(vec![1, 255].into()));
        assert_eq!(value(oid::BYTEA, "\\x01f"), "\\x01f".into());
        // A decimal number keeps its digits.
        assert_eq!(value(1700, "12.50"), "12.50".into());
    }

    /// As JSON has them and as the text form has them, they are the same.
    #[test]
    fn times_have_one_form() {
        for (json, text) in [
            ("2026-11-30T15:12:56.5+00:00", "2026-11-30 15:12:56.5+00"),
            ("2026-11-30T15:12:56-03:30", "2026-11-30 15:12:56-03:30"),
            ("infinity", "infinity"),
        ] {
            assert_eq!((value(oid::TIMESTAMPTZ, json), value(oid::TIMESTAMPTZ, text)), (text.into(), text.into()));
        }
        assert_eq!(value(oid::TIMESTAMP, "2026-11-30T15:12:00"), "2026-11-30 15:12:00".into());
        assert_eq!(value(oid::TIMESTAMPTZ, "2026-11-30 15:00:00+05"), "2026-11-30 15:00:00+05".into());
    }

    proptest! {
        #[test]
        fn any_text_may_be_a_value(text in ".*", oid in prop::sample::select(vec![16u32, 17, 20, 701, 1114, 1184, 25])) {
            let _ = value(oid, &text);
        }
    }
}
