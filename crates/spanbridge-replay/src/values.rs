//! Values that no code can compute again: the time, random numbers, ids. A replay gives back those that were recorded.
//!
//! ```
//! use spanbridge::observe;
//! use spanbridge_replay::values;
//! # fn random() -> u64 { 7 }
//!
//! observe::span("place order").in_scope_value(|| {
//!     let placed_at = values::now();
//!     let number = values::value("order number", || random());
//!     # let _ = (placed_at, number);
//! });
//! ```
//!
//! Where a span is recorded, each value is recorded with it, as an event `spanbridge.value`. In a replay, a span gets the values
//! back that the span had which it stands for: those of one name in order, whatever runs beside it. If the record has none (left),
//! that is a divergence, and the value is made anew. Where nothing is recorded, the value is made, and that is all.
//!
//! A value is recorded as text, at most 4 KiB. It is content: an exporter that is not told to show content leaves it out, and then a
//! replay does not have it. Do not use this for secrets.

use spanbridge::adapter::{OutboundCall, Reply, ask};
use spanbridge::{Primitive, Value, observe, semconv};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The operation by which a value is asked for.
pub(crate) const VALUE: &str = "custom.value";

/// The most bytes of a value that are recorded. A longer one is recorded without its text.
const MAX_TEXT: usize = 4096;

/// A value that can be recorded: text that says all of it.
///
/// ```
/// use spanbridge_replay::values::RecordedValue;
///
/// struct OrderId([u8; 2]);
///
/// impl RecordedValue for OrderId {
///     fn to_text(&self) -> String {
///         self.0.map(|byte| byte.to_string()).join("-")
///     }
///
///     fn from_text(text: &str) -> Option<Self> {
///         let (a, b) = text.split_once('-')?;
///         Some(OrderId([a.parse().ok()?, b.parse().ok()?]))
///     }
/// }
/// assert!(OrderId::from_text(&OrderId([3, 4]).to_text()).is_some_and(|id| id.0 == [3, 4]));
/// ```
pub trait RecordedValue: Sized {
    /// The value as text.
    fn to_text(&self) -> String;

    /// The value that was written so. `None` if the text is of none.
    fn from_text(text: &str) -> Option<Self>;
}

/// Makes a value and records it, or gives back the one that was recorded. `name` says which one it is, to you and to a replay.
pub fn value<T: RecordedValue>(name: &str, make: impl FnOnce() -> T) -> T {
    let context = observe::current_context();
    let asked = || OutboundCall::new(const { Primitive::new(VALUE) }, name).with_body(&b""[..]);
    let then = match ask(&context, asked) {
        Reply::Recorded(then) => then.text(semconv::VALUE_TEXT).and_then(T::from_text),
        _ => None,
    };
    let value = then.unwrap_or_else(make);
    if let Some(span) = observe::active_span() {
        let text = value.to_text();
        let attributes = [(semconv::VALUE_NAME, Value::Str(name)), (semconv::VALUE_TEXT, Value::Str(&text))];
        let known = if text.len() <= MAX_TEXT { attributes.len() } else { 1 };
        span.event(semconv::VALUE, &attributes[..known])
    }
    value
}

/// The time, by the system's clock: the value `clock`.
pub fn now() -> SystemTime {
    value("clock", SystemTime::now)
}

/// In nanoseconds since the Unix epoch.
impl RecordedValue for SystemTime {
    fn to_text(&self) -> String {
        match self.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos().to_string(),
            Err(before) => format!("-{}", before.duration().as_nanos()),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let duration = |digits: &str| {
            let nanos: u128 = digits.parse().ok()?;
            let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
            Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
        };
        match text.strip_prefix('-') {
            Some(digits) => UNIX_EPOCH.checked_sub(duration(digits)?),
            None => UNIX_EPOCH.checked_add(duration(text)?),
        }
    }
}

impl RecordedValue for String {
    fn to_text(&self) -> String {
        self.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// As hexadecimal digits.
impl RecordedValue for Vec<u8> {
    fn to_text(&self) -> String {
        self.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_text(text: &str) -> Option<Self> {
        crate::case::Content::new("hex", Some(text.to_owned())).bytes().map(std::borrow::Cow::into_owned)
    }
}

impl<const N: usize> RecordedValue for [u8; N] {
    fn to_text(&self) -> String {
        self.to_vec().to_text()
    }

    fn from_text(text: &str) -> Option<Self> {
        Vec::from_text(text)?.try_into().ok()
    }
}

/// As they are written in Rust, so that they read the same.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl RecordedValue for $number {
            fn to_text(&self) -> String {
                self.to_string()
            }

            fn from_text(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

numbers!(bool, char, f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same<T: RecordedValue + PartialEq>(value: &T) -> bool {
        T::from_text(&value.to_text()).as_ref() == Some(value)
    }

    proptest! {
        #[test]
        fn values_come_back_as_they_were(
            text: String,
            bytes: Vec<u8>,
            id: [u8; 16],
            n: i128,
            float in any::<f64>(),
            seconds in -8_000_000_000i64..8_000_000_000,
            nanos in 0..1_000_000_000u32,
        ) {
            let distance = Duration::new(seconds.unsigned_abs(), nanos);
            let time = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
            prop_assert!(same(&text) && same(&bytes) && same(&id) && same(&n) && same(&float) && same(&time));
        }

        #[test]
        fn no_text_is_a_panic(text: String, digits in "-?[0-9]{0,45}") {
            for text in [text, digits] {
                let _ = (SystemTime::from_text(&text), Vec::<u8>::from_text(&text), <[u8; 4]>::from_text(&text));
                let _ = (u8::from_text(&text), char::from_text(&text), bool::from_text(&text));
            }
        }
    }

    #[test]
    fn where_nothing_is_recorded_values_are_made() {
        assert_eq!(value("n", || 7), 7);
        assert!(now() > UNIX_EPOCH);
    }
}
