//! Hashes of what was called, and of values.

use super::attributes::is_outcome;
use super::mask::masked;
use crate::hash::{join, quick};
use crate::model::Span;
use serde_json::Value;

/// The same for two calls of the same thing: name, kind of step, service, and all attributes that do not say how it went.
pub(crate) fn same_call(span: &Span) -> u64 {
    let text = |text: &str| quick(text.as_bytes());
    let head = join(join(text(&span.name), text(&span.primitive)), text(&span.service));
    // The order of attributes does not matter.
    let attributes = span.attributes.iter().filter(|(key, _)| !is_outcome(key));
    attributes.fold(head, |sum, (key, value)| sum.wrapping_add(join(text(key), exact_print(value))))
}

/// A hash of a value. Text is [masked] first.
pub(crate) fn value_print(value: &Value) -> u64 {
    match value {
        Value::String(text) => join(1, quick(masked(text).as_bytes())),
        other => exact_print(other),
    }
}

fn exact_print(value: &Value) -> u64 {
    match value {
        Value::String(text) => join(2, quick(text.as_bytes())),
        other => join(3, quick(other.to_string().as_bytes())),
    }
}
