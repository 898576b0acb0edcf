//! Attributes and links of a record, packed as they were recorded or as a list.

use super::packed::Items;
use crate::{SpanId, TraceId, Value};
use std::borrow::Cow;
use std::fmt;

/// The attributes of a record, in the order in which they were given. A later value of the same key counts.
#[derive(Clone)]
pub struct Attributes<'a>(Repr<'a>);

pub(crate) type Pair<'a> = (Cow<'a, str>, AttributeValue<'a>);

#[derive(Clone)]
enum Repr<'a> {
    /// As they were recorded.
    Packed(Items<'a>),
    Slice(&'a [Pair<'static>]),
    List(Vec<Pair<'a>>),
}

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
        Self(Repr::List(Vec::new()))
    }

    pub(crate) fn packed(items: Items<'a>) -> Self {
        Self(Repr::Packed(items))
    }

    pub(crate) fn slice(pairs: &'a [Pair<'static>]) -> Self {
        Self(Repr::Slice(pairs))
    }

    /// Every attribute, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        match &self.0 {
            Repr::Packed(items) => Iter::Packed(*items),
            Repr::List(list) => Iter::Pairs(list.iter()),
            Repr::Slice(slice) => Iter::Static(slice.iter()),
        }
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
        Self(Repr::List(items.into_iter().collect()))
    }
}

enum Iter<'p, 'a> {
    Packed(Items<'a>),
    Pairs(std::slice::Iter<'p, Pair<'a>>),
    Static(std::slice::Iter<'p, Pair<'static>>),
}

impl<'p, 'a: 'p> Iterator for Iter<'p, 'a> {
    type Item = (&'p str, Value<'p>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Packed(items) => items.attribute(),
            Iter::Pairs(pairs) => pairs.next().map(borrow),
            Iter::Static(pairs) => pairs.next().map(borrow),
        }
    }
}

fn borrow<'p>((key, value): &'p Pair<'_>) -> (&'p str, Value<'p>) {
    (key, value.borrow())
}

impl Default for Attributes<'_> {
    fn default() -> Self {
        Self::new()
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
