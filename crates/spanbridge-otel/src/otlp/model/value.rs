//! Attributes, and the values that they can have.

use std::borrow::Cow;

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyValue<'a> {
    /// Its name.
    pub key: Cow<'a, str>,
    /// Its value.
    pub value: AnyValue<'a>,
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyValue<'a> {
    /// No value, as JSON's `null`.
    Empty,
    /// Text.
    Str(Cow<'a, str>),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A list.
    Array(Vec<AnyValue<'a>>),
    /// A map, in the order in which it was written.
    Map(Vec<KeyValue<'a>>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

/// The last value of this key. OTLP says that keys do not repeat; where they do, the last counts, as everywhere here.
pub fn get<'v, 'a>(attributes: &'v [KeyValue<'a>], key: &str) -> Option<&'v AnyValue<'a>> {
    attributes.iter().rev().find(|attribute| attribute.key == key).map(|attribute| &attribute.value)
}

/// Whether these are the same attributes. Other than `==` has it, a number that is none is the same as itself.
pub(crate) fn all_same(one: &[KeyValue<'_>], other: &[KeyValue<'_>]) -> bool {
    let same = |(one, other): (&KeyValue<'_>, &KeyValue<'_>)| one.key == other.key && one.value.is_same(&other.value);
    one.len() == other.len() && one.iter().zip(other).all(same)
}

impl<'a> KeyValue<'a> {
    /// An attribute.
    pub fn new(key: impl Into<Cow<'a, str>>, value: impl Into<AnyValue<'a>>) -> Self {
        KeyValue { key: key.into(), value: value.into() }
    }

    /// About how many bytes it takes up if it borrows nothing.
    pub(crate) fn size(&self) -> usize {
        24 + self.key.len() + self.value.size()
    }

    /// The same attribute, borrowing nothing.
    pub fn into_owned(self) -> KeyValue<'static> {
        KeyValue { key: Cow::Owned(self.key.into_owned()), value: self.value.into_owned() }
    }
}

impl AnyValue<'_> {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            AnyValue::Str(text) => Some(text),
            _ => None,
        }
    }

    fn is_same(&self, other: &AnyValue<'_>) -> bool {
        match (self, other) {
            (AnyValue::F64(one), AnyValue::F64(other)) => one.to_bits() == other.to_bits(),
            (AnyValue::Map(one), AnyValue::Map(other)) => all_same(one, other),
            (AnyValue::Array(one), AnyValue::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
            }
            (one, other) => one == other,
        }
    }

    fn size(&self) -> usize {
        32 + match self {
            AnyValue::Str(text) => text.len(),
            AnyValue::Bytes(bytes) => bytes.len(),
            AnyValue::Array(values) => values.iter().map(AnyValue::size).sum(),
            AnyValue::Map(pairs) => pairs.iter().map(KeyValue::size).sum(),
            AnyValue::Empty | AnyValue::Bool(_) | AnyValue::I64(_) | AnyValue::F64(_) => 0,
        }
    }

    /// The same value, borrowing nothing.
    pub fn into_owned(self) -> AnyValue<'static> {
        match self {
            AnyValue::Empty => AnyValue::Empty,
            AnyValue::Str(v) => AnyValue::Str(Cow::Owned(v.into_owned())),
            AnyValue::Bool(v) => AnyValue::Bool(v),
            AnyValue::I64(v) => AnyValue::I64(v),
            AnyValue::F64(v) => AnyValue::F64(v),
            AnyValue::Array(v) => AnyValue::Array(v.into_iter().map(AnyValue::into_owned).collect()),
            AnyValue::Map(v) => AnyValue::Map(v.into_iter().map(KeyValue::into_owned).collect()),
            AnyValue::Bytes(v) => AnyValue::Bytes(Cow::Owned(v.into_owned())),
        }
    }
}

macro_rules! from {
    ($($type:ty => $kind:ident),*) => { $(
        impl<'a> From<$type> for AnyValue<'a> {
            fn from(value: $type) -> Self {
                AnyValue::$kind(value.into())
            }
        }
    )* };
}

from!(&'a str => Str, String => Str, Cow<'a, str> => Str, bool => Bool, i64 => I64, u32 => I64, f64 => F64);
