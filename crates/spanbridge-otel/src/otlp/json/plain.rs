//! Values as JSON has them, not as OTLP wraps them: `[1]` is a list.

use super::base64;
use super::leaf::Leaf;
use super::parser::Parser;
use super::write::{number, put_list, put_text};
use crate::error::{Error, Result};
use crate::otlp::budget::MAX_DEPTH;
use crate::otlp::model::{AnyValue, KeyValue};
use std::borrow::Cow;

/// The value that JSON text is; `None` if it is none, or nested too deep.
pub(crate) fn to_value(text: &str) -> Option<AnyValue<'_>> {
    let mut parser = Parser::new(text.as_bytes());
    let value = read(&mut parser, 0).ok()?;
    parser.is_at_end().then_some(value)
}

fn read<'a>(parser: &mut Parser<'a>, depth: usize) -> Result<AnyValue<'a>> {
    let is_object = parser.is_at_object();
    if is_object || parser.is_at_array() {
        if depth == MAX_DEPTH {
            return Err(Error::json("a value is nested too deep", parser.at()));
        }
        if is_object {
            let mut pairs = Vec::new();
            parser.object(|parser, key| {
                let key = Cow::Owned(key.to_owned());
                pairs.push(KeyValue { key, value: read(parser, depth + 1)? });
                Ok(())
            })?;
            return Ok(AnyValue::Map(pairs));
        }
        let mut values = Vec::new();
        parser.array(|parser| {
            values.push(read(parser, depth + 1)?);
            Ok(())
        })?;
        return Ok(AnyValue::Array(values));
    }
    Ok(match parser.leaf()? {
        Leaf::Str(text) => AnyValue::Str(text),
        Leaf::Bool(value) => AnyValue::Bool(value),
        Leaf::Number(digits) => match digits.parse() {
            Ok(number) => AnyValue::I64(number),
            Err(_) => digits.parse().map_or(AnyValue::Empty, AnyValue::F64),
        },
        Leaf::Null | Leaf::Nested => AnyValue::Empty,
    })
}

/// A value as JSON text.
pub(crate) fn from_value(value: &AnyValue<'_>) -> String {
    let mut out = Vec::new();
    write(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

fn write(out: &mut Vec<u8>, value: &AnyValue<'_>) {
    match value {
        AnyValue::Empty => out.extend_from_slice(b"null"),
        AnyValue::Str(text) => put_text(out, text),
        AnyValue::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        AnyValue::I64(v) => out.extend_from_slice(v.to_string().as_bytes()),
        AnyValue::F64(v) => number(out, *v),
        AnyValue::Array(values) => put_list(out, values, write),
        AnyValue::Map(pairs) => {
            out.push(b'{');
            for (i, pair) in pairs.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put_text(out, &pair.key);
                out.push(b':');
                write(out, &pair.value);
            }
            out.push(b'}');
        }
        AnyValue::Bytes(bytes) => put_text(out, &to_base64(bytes)),
    }
}

/// Bytes as text.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    base64::put(&mut out, bytes);
    String::from_utf8(out).unwrap_or_default()
}
