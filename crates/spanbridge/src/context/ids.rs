//! Identifiers: trace, run, span and segment ids, and their fixed-width hexadecimal form.

use std::fmt;
use std::str::FromStr;

/// The text is not an identifier: it does not have exactly the right number of lower-case hexadecimal digits, or is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError(());

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("parse an id: expected a fixed number of lower-case hexadecimal digits, not all zero")
    }
}

impl std::error::Error for ParseIdError {}

/// The value of one lower-case hexadecimal digit, or 255. W3C Trace Context allows no upper case.
const HEX: [u8; 256] = {
    let mut t = [255; 256];
    let mut i = 0;
    while i < 16 {
        t[b"0123456789abcdef"[i] as usize] = i as u8;
        i += 1;
    }
    t
};

/// Exactly `N` bytes from `2 * N` lower-case digits.
#[inline]
pub(crate) fn parse_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    let mut bad = 0;
    for (o, d) in out.iter_mut().zip(text.chunks_exact(2)) {
        let (a, b) = (HEX[d[0] as usize], HEX[d[1] as usize]);
        bad |= a | b;
        *o = a << 4 | b & 15;
    }
    (bad < 16).then_some(out)
}

/// Writes `bytes` as lower-case digits into the front of `out`, which must hold twice as many.
#[inline]
pub(crate) fn put_hex(bytes: &[u8], out: &mut [u8]) {
    for (b, o) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        o[0] = b"0123456789abcdef"[(b >> 4) as usize];
        o[1] = b"0123456789abcdef"[(b & 15) as usize];
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $int:ty, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) $int);

        impl $name {
            /// The id with this big-endian value. `None` for zero, which is not an id.
            pub const fn new(value: $int) -> Option<Self> {
                if value == 0 { None } else { Some(Self(value)) }
            }

            /// The id as a big-endian number. Never zero.
            pub const fn get(self) -> $int {
                self.0
            }

            /// Reads exactly the right number of lower-case hexadecimal digits, not all zero.
            pub fn from_hex(text: &[u8]) -> Option<Self> {
                parse_hex::<$bytes>(text).and_then(|b| Self::new(<$int>::from_be_bytes(b)))
            }

            pub(crate) fn put(self, out: &mut [u8]) {
                put_hex(&self.0.to_be_bytes(), out);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $bytes];
                self.put(&mut text);
                f.pad(std::str::from_utf8(&text).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::from_hex(text.as_bytes()).ok_or(ParseIdError(()))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct V;
                impl serde::de::Visitor<'_> for V {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "{} lower-case hexadecimal digits, not all zero", 2 * $bytes)
                    }
                    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<$name, E> {
                        $name::from_hex(v.as_bytes()).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(v), &self))
                    }
                }
                d.deserialize_str(V)
            }
        }
    };
}

id! {
    /// The W3C trace id: 16 bytes, 32 hexadecimal digits
    /// ([Trace Context, section 3.2.2.3](https://www.w3.org/TR/trace-context-2/#trace-id)).
    TraceId, u128, 16
}
id! {
    /// The id of a run: 16 bytes, 32 hexadecimal digits. A run that starts its trace has the trace's id.
    RunId, u128, 16
}
id! {
    /// The id of a span: 8 bytes, 16 hexadecimal digits
    /// ([Trace Context, section 3.2.2.4](https://www.w3.org/TR/trace-context-2/#parent-id)).
    SpanId, u64, 8
}
id! {
    /// The id of a segment, which is the part of a run that one recorder records: 8 bytes, 16 hexadecimal digits.
    SegmentId, u64, 8
}

impl RunId {
    /// The run of the trace itself: the one that starts it.
    pub const fn of_trace(trace: TraceId) -> Self {
        Self(trace.0)
    }

    /// The last eight bytes of the id, in place of a parent span id. A run is not a span, but `traceparent` requires a parent, so
    /// outside any span the run takes its place.
    pub const fn as_parent(self) -> SpanId {
        let low = self.0 as u64;
        SpanId(if low == 0 { 1 } else { low })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_width_lower_case_not_zero() {
        let text = "4bf92f3577b34da6a3ce929d0e0e4736";
        let id: TraceId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(format!("{id:.8}"), "4bf92f35");
        for bad in [
            "",
            "0",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            "00000000000000000000000000000000",
            "4bf92f3577b34da6a3ce929d0e0e473",
            "4bf92f3577b34da6a3ce929d0e0e47366",
            "+bf92f3577b34da6a3ce929d0e0e4736",
            "4bf92f3577b34da6a3ce929d0e0e473\u{e9}",
        ] {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
        assert_eq!("00f067aa0ba902b7".parse::<SpanId>().unwrap().get(), 0x00f0_67aa_0ba9_02b7);
    }
}
