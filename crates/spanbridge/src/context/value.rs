//! Attribute values as they are given and as they are read.

/// The value of an attribute, borrowed.
///
/// A short `&'static str` known at compile time is best given as [`Value::Static`]: then only its address is recorded.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
    /// Text that lives as long as the program; recorded by its address up to 128 bytes, else like [`Value::Str`].
    Static(&'static str),
    /// Text; copied when it is recorded, and cut at 4 KiB.
    Str(&'a str),
    /// JSON text of an array or an object, as records of others may carry it; recorded like [`Value::Str`].
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// The text, for the textual kinds (JSON text is not one of them).
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Value::Static(s) | Value::Str(s) => Some(s),
            _ => None,
        }
    }
}

/// Equal in kind and content; where text is kept does not matter, and a NaN equals itself.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Value::I64(a), Value::I64(b)) => a == b,
            (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => a == b,
            (a, b) => matches!((a.as_str(), b.as_str()), (Some(a), Some(b)) if a == b),
        }
    }
}

macro_rules! from {
    ($($t:ty => $kind:ident as $as:ty),* $(,)?) => { $(
        impl From<$t> for Value<'_> {
            #[inline(always)]
            fn from(v: $t) -> Self { Value::$kind(v as $as) }
        }
    )* };
}
from! {
    i8 => I64 as i64, i16 => I64 as i64, i32 => I64 as i64, i64 => I64 as i64, isize => I64 as i64,
    u8 => I64 as i64, u16 => I64 as i64, u32 => I64 as i64,
    f32 => F64 as f64, f64 => F64 as f64, bool => Bool as bool,
}
/// An integer outside `i64` is recorded as the nearest one.
macro_rules! from_large {
    ($($t:ty),*) => { $(
        impl From<$t> for Value<'_> {
            #[inline(always)]
            fn from(v: $t) -> Self {
                Value::I64(i64::try_from(v).unwrap_or(if v > 0 { i64::MAX } else { i64::MIN }))
            }
        }
    )* };
}
from_large!(i128, u128);
/// Integers over `i64::MAX` are recorded as `i64::MAX`: attributes have no unsigned kind in OpenTelemetry.
impl From<u64> for Value<'_> {
    #[inline(always)]
    fn from(v: u64) -> Self {
        Value::I64(v.min(i64::MAX as u64) as i64)
    }
}
impl From<usize> for Value<'_> {
    #[inline(always)]
    fn from(v: usize) -> Self {
        Value::from(v as u64)
    }
}
impl<'a> From<&'a str> for Value<'a> {
    #[inline(always)]
    fn from(v: &'a str) -> Self {
        Value::Str(v)
    }
}
impl<'a> From<&'a String> for Value<'a> {
    #[inline(always)]
    fn from(v: &'a String) -> Self {
        Value::Str(v)
    }
}
