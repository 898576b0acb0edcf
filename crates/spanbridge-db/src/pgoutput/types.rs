//! Values of columns: which type, and what that is in a record.

use super::message::TypeName;
use super::tuple::TupleValue;
use crate::DbValue;
use std::borrow::Cow;

/// How the values of a type are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Bool,
    Integer,
    Float,
    Bytes,
    Text,
}

impl ValueType {
    /// Of a type that is built in, by its object id. These never change
    /// ([`pg_type.dat`](https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat)).
    pub(super) fn of_oid(oid: u32) -> Self {
        match oid {
            16 => ValueType::Bool,
            20 | 21 | 23 | 26 => ValueType::Integer,
            700 | 701 => ValueType::Float,
            17 => ValueType::Bytes,
            _ => ValueType::Text,
        }
    }

    /// Of a type that is not built in. A domain has the names of the type below it.
    pub(super) fn of_name(name: &TypeName<'_>) -> Self {
        match (&*name.namespace, &*name.name) {
            ("pg_catalog", "bool") => ValueType::Bool,
            ("pg_catalog", "int2" | "int4" | "int8" | "oid") => ValueType::Integer,
            ("pg_catalog", "float4" | "float8") => ValueType::Float,
            ("pg_catalog", "bytea") => ValueType::Bytes,
            _ => ValueType::Text,
        }
    }

    /// The value of a column, unless it is one that did not change. What its type does not explain is text.
    pub(super) fn value<'a>(self, value: TupleValue<'a>) -> Option<DbValue<'a>> {
        let text = match value {
            TupleValue::Unchanged => return None,
            TupleValue::Null => return Some(DbValue::Null),
            TupleValue::Binary(bytes) => return Some(DbValue::Bytes(Cow::Borrowed(bytes))),
            TupleValue::Text(text) => String::from_utf8_lossy(text),
        };
        let typed = match self {
            ValueType::Text => None,
            ValueType::Bool => match &*text {
                "t" => Some(DbValue::Bool(true)),
                "f" => Some(DbValue::Bool(false)),
                _ => None,
            },
            ValueType::Integer => text.parse().ok().map(DbValue::Integer),
            ValueType::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(DbValue::Float),
            ValueType::Bytes => text.strip_prefix("\\x").and_then(unhex).map(|bytes| DbValue::Bytes(bytes.into())),
        };
        Some(typed.unwrap_or(DbValue::Text(text)))
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::try_from(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_their_type() {
        let cases = [
            (16, "t", DbValue::Bool(true)),
            (23, "-7", DbValue::Integer(-7)),
            (20, "9223372036854775807", DbValue::Integer(i64::MAX)),
            (701, "1e+300", DbValue::Float(1e300)),
            (701, "NaN", "NaN".into()),
            (700, "-Infinity", "-Infinity".into()),
            (1700, "12.50", "12.50".into()),
            (17, "\\x00ff", DbValue::Bytes(vec![0, 255].into())),
            (17, "\\x", DbValue::Bytes(vec![].into())),
            // Not what the server writes for these types.
            (17, "\\x0", "\\x0".into()),
            (17, "ab", "ab".into()),
            (16, "yes", "yes".into()),
            (23, "", "".into()),
        ];
        for (oid, text, value) in cases {
            assert_eq!(ValueType::of_oid(oid).value(TupleValue::Text(text.as_bytes())), Some(value), "{oid} {text}");
        }
        assert_eq!(ValueType::Text.value(TupleValue::Null), Some(DbValue::Null));
        assert_eq!(ValueType::Text.value(TupleValue::Unchanged), None);
        assert_eq!(ValueType::Text.value(TupleValue::Text(b"a\xff")), Some("a\u{fffd}".into()));
    }

    #[test]
    fn domains_are_what_is_below_them() {
        let name = |namespace: &'static str, name: &'static str| TypeName {
            oid: 1,
            namespace: namespace.into(),
            name: name.into(),
        };
        assert_eq!(ValueType::of_name(&name("pg_catalog", "int4")), ValueType::Integer);
        assert_eq!(ValueType::of_name(&name("public", "int4")), ValueType::Text);
    }
}
