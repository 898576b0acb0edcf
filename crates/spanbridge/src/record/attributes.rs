//! Attributes and links of a record, packed as they were recorded or as a list.

use crate::{SpanId, TraceId, Value};
use std::borrow::Cow;
use std::fmt;

/// The attributes of a record, in the order in which they were given. A later value of the same key counts.
#[derive(Clone, Default)]
pub struct Attributes<'a>(Vec<(Cow<'a, str>, AttributeValue<'a>)>);

/// An attribute's value that may own its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue<'a> {
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Str(Cow<'a, str>),
    /// JSON text of an array, an object or null.
    Json(Cow<'a, str>),
}

impl<'a> AttributeValue<'a> {
    /// The value, borrowed.
    pub fn borrow(&self) -> Value<'_> {
        match self {
            AttributeValue::I64(v) => Value::I64(*v),
            AttributeValue::F64(v) => Value::F64(*v),
            AttributeValue::Bool(v) => Value::Bool(*v),
            AttributeValue::Str(v) => Value::Str(v),
            AttributeValue::Json(v) => Value::Json(v),
        }
    }
}

impl<'a> From<Value<'a>> for AttributeValue<'a> {
    fn from(v: Value<'a>) -> Self {
        match v {
            Value::I64(v) => AttributeValue::I64(v),
            Value::F64(v) => AttributeValue::F64(v),
            Value::Bool(v) => AttributeValue::Bool(v),
            Value::Static(v) | Value::Str(v) => AttributeValue::Str(v.into()),
            Value::Json(v) => AttributeValue::Json(v.into()),
        }
    }
}

impl<'a> Attributes<'a> {
    /// No attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Every attribute, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.0.iter().map(|(k, v)| (&**k, v.borrow()))
    }

    /// The last value of this key.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.iter().filter(|(k, _)| *k == key).last().map(|(_, v)| v)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, AttributeValue<'a>)> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, AttributeValue<'a>)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A link to a span that is not the parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Link<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: Attributes<'a>,
}
