//! Attributes of a record: as they lie in a batch, or as a list.

use super::words::Items;
use crate::Value;
use std::borrow::Cow;
use std::fmt;

/// The attributes of a record, in the order in which they were given. If a key repeats, its last value counts.
#[derive(Clone)]
pub struct Attributes<'a>(Repr<'a>);

pub(crate) type Pair<'a> = (Cow<'a, str>, AttributeValue<'a>);

#[derive(Clone)]
enum Repr<'a> {
    View(AttributesView<'a>),
    List(Vec<Pair<'a>>),
}

/// The attributes of a record, borrowed: decoded one by one as they are iterated, in the order in which they were given.
/// If a key repeats, its last value counts.
///
/// Within one batch, equal addresses of two keys mean equal keys, and a key that is written in the source of the
/// application has one address each time. So an encoder may look keys up by address and length before it compares text,
/// for as long as it works on that batch.
#[derive(Clone, Copy)]
pub struct AttributesView<'a>(View<'a>);

#[derive(Clone, Copy)]
enum View<'a> {
    Packed(Items<'a>),
    List(&'a [Pair<'a>]),
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
    #[inline]
    pub fn borrow(&self) -> Value<'_> {
        match self {
            AttributeValue::I64(v) => Value::I64(*v),
            AttributeValue::F64(v) => Value::F64(*v),
            AttributeValue::Bool(v) => Value::Bool(*v),
            AttributeValue::Str(v) => Value::Str(v),
            AttributeValue::Json(v) => Value::Json(v),
        }
    }

    /// The value, borrowing nothing but what lives for ever.
    fn owned(value: Value<'_>) -> AttributeValue<'static> {
        match value {
            Value::I64(v) => AttributeValue::I64(v),
            Value::F64(v) => AttributeValue::F64(v),
            Value::Bool(v) => AttributeValue::Bool(v),
            Value::Static(v) => AttributeValue::Str(v.into()),
            Value::Str(v) => AttributeValue::Str(Cow::Owned(v.to_owned())),
            Value::Json(v) => AttributeValue::Json(Cow::Owned(v.to_owned())),
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

    /// The attributes, borrowed.
    #[inline]
    pub fn view(&self) -> AttributesView<'_> {
        match &self.0 {
            Repr::View(view) => *view,
            Repr::List(list) => AttributesView::list(list),
        }
    }

    /// Every attribute, in order.
    #[inline]
    pub fn iter(&self) -> AttributesIter<'_> {
        self.view().iter()
    }

    /// The last value of this key.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.view().get(key)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.view().is_empty()
    }

    /// The same attributes, borrowing nothing.
    pub(super) fn into_owned(self) -> Attributes<'static> {
        self.iter().map(|(key, value)| (Cow::Owned(key.to_owned()), AttributeValue::owned(value))).collect()
    }
}

impl<'a> From<AttributesView<'a>> for Attributes<'a> {
    fn from(view: AttributesView<'a>) -> Self {
        Self(Repr::View(view))
    }
}

impl<'a> FromIterator<(Cow<'a, str>, AttributeValue<'a>)> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, AttributeValue<'a>)>>(items: I) -> Self {
        Self(Repr::List(items.into_iter().collect()))
    }
}

/// No attributes.
impl Default for AttributesView<'_> {
    fn default() -> Self {
        Self::list(&[])
    }
}

impl<'a> AttributesView<'a> {
    #[inline(always)]
    pub(super) fn packed(items: Items<'a>) -> Self {
        Self(View::Packed(items))
    }

    #[inline(always)]
    pub(crate) fn list(pairs: &'a [Pair<'a>]) -> Self {
        Self(View::List(pairs))
    }

    /// Every attribute, in order.
    #[inline(always)]
    pub fn iter(self) -> AttributesIter<'a> {
        AttributesIter(match self.0 {
            View::Packed(items) => Iter::Packed(items),
            View::List(pairs) => Iter::List(pairs.iter()),
        })
    }

    /// The last value of this key.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.iter().filter(|(k, _)| *k == key).last().map(|(_, v)| v)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> IntoIterator for AttributesView<'a> {
    type Item = (&'a str, Value<'a>);
    type IntoIter = AttributesIter<'a>;

    #[inline(always)]
    fn into_iter(self) -> AttributesIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a Attributes<'_> {
    type Item = (&'a str, Value<'a>);
    type IntoIter = AttributesIter<'a>;

    fn into_iter(self) -> AttributesIter<'a> {
        self.iter()
    }
}

/// Iterates over the attributes of a record.
#[derive(Clone)]
pub struct AttributesIter<'a>(Iter<'a>);

#[derive(Clone)]
enum Iter<'a> {
    Packed(Items<'a>),
    List(std::slice::Iter<'a, Pair<'a>>),
}

impl<'a> Iterator for AttributesIter<'a> {
    type Item = (&'a str, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Iter::Packed(items) => items.attribute(),
            Iter::List(pairs) => pairs.next().map(|(key, value)| (&**key, value.borrow())),
        }
    }
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

impl PartialEq for AttributesView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl fmt::Debug for AttributesView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
