//! Values that hold no others, read as what a field wants. What cannot be read so counts as absent.

use super::base64;
use spanbridge::{SpanId, TraceId};
use std::borrow::Cow;

/// A value.
pub(super) enum Leaf<'a> {
    Null,
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    Str(Cow<'a, str>),
    /// An object or an array, which has been stepped over.
    Nested,
}

impl<'a> Leaf<'a> {
    /// Text; a number counts as its digits.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Leaf::Str(text) => text,
            Leaf::Number(number) => Cow::Borrowed(number),
            Leaf::Null | Leaf::Bool(_) | Leaf::Nested => Cow::Borrowed(""),
        }
    }

    fn digits(&self) -> Option<&str> {
        match self {
            Leaf::Str(text) => Some(text.trim()),
            Leaf::Number(number) => Some(number),
            Leaf::Null | Leaf::Bool(_) | Leaf::Nested => None,
        }
    }

    /// A number without a sign. One with an exponent or a fraction of zeros is one, too.
    pub(super) fn u64(&self) -> Option<u64> {
        let digits = self.digits()?;
        digits.parse().ok().or_else(|| {
            let number: f64 = digits.parse().ok()?;
            // 2^64, which is the first that is too large.
            (number.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&number)).then_some(number as u64)
        })
    }

    pub(super) fn u32(&self) -> Option<u32> {
        self.u64().and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn i64(&self) -> Option<i64> {
        let digits = self.digits()?;
        digits.parse().ok().or_else(|| {
            let number: f64 = digits.parse().ok()?;
            let range = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
            (number.fract() == 0.0 && range.contains(&number)).then_some(number as i64)
        })
    }

    /// A number, or one of `NaN`, `Infinity` and `-Infinity`.
    pub(super) fn f64(&self) -> Option<f64> {
        self.digits()?.parse().ok()
    }

    pub(super) fn bool(&self) -> Option<bool> {
        match self {
            Leaf::Bool(value) => Some(*value),
            _ => self.digits()?.parse().ok(),
        }
    }

    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Leaf::Str(text) => base64::read(text),
            Leaf::Null | Leaf::Bool(_) | Leaf::Number(_) | Leaf::Nested => None,
        }
    }

    pub(super) fn trace_id(&self) -> Option<TraceId> {
        TraceId::new(u128::from_be_bytes(self.id()?))
    }

    pub(super) fn span_id(&self) -> Option<SpanId> {
        SpanId::new(u64::from_be_bytes(self.id()?))
    }

    /// No parent: absent, empty or zero. `None`: it is no id.
    pub(super) fn parent(&self) -> Option<Option<SpanId>> {
        match self {
            Leaf::Null => Some(None),
            Leaf::Str(text) if text.is_empty() => Some(None),
            _ => Some(SpanId::new(u64::from_be_bytes(self.id()?))),
        }
    }

    /// The number of digits says whether they are hexadecimal or base64.
    fn id<const N: usize>(&self) -> Option<[u8; N]> {
        let Leaf::Str(text) = self else { return None };
        if text.len() != 2 * N {
            return base64::read(text)?.try_into().ok();
        }
        let mut id = [0; N];
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = (digit(digits[0])? << 4 | digit(digits[1])?) as u8;
        }
        Some(id)
    }
}
