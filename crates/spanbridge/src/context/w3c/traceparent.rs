//! `traceparent`: trace id, parent span id and flags in 55 characters.

use super::header::{Malformed, TRACEPARENT, trim};
use super::hex;
use crate::{SpanId, TraceId};
use std::fmt;

/// The flag of a trace that the caller may have recorded
/// ([section 3.2.2.5.1](https://www.w3.org/TR/trace-context-2/#sampled-flag)).
pub const SAMPLED: u8 = 1;
/// The flag of a trace id whose last seven bytes are random
/// ([section 3.2.2.5.2](https://www.w3.org/TR/trace-context-2/#random-trace-id-flag)).
pub const RANDOM: u8 = 2;

/// A `traceparent` header ([Trace Context, section 3.2](https://www.w3.org/TR/trace-context-2/#traceparent-header)).
///
/// ```
/// # use spanbridge::w3c::{SAMPLED, TraceParent};
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let parent = TraceParent::parse(text.as_bytes())?;
/// assert_eq!(parent.flags, SAMPLED);
/// assert_eq!(parent.to_string(), text);
/// # Ok::<(), spanbridge::w3c::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace id.
    pub trace_id: TraceId,
    /// The parent of the next span.
    pub span_id: SpanId,
    /// [`SAMPLED`], [`RANDOM`], and any others that were set.
    pub flags: u8,
}

impl TraceParent {
    /// The length of the header that is written, in bytes.
    pub const LEN: usize = 55;

    /// Reads a header by fixed width. White space around it is ignored.
    ///
    /// Version 00 has exactly 55 bytes. Of a higher version, the first 55 bytes are read, and anything after them must begin with
    /// a dash. `ff` is not a version ([section 3.2.2.1](https://www.w3.org/TR/trace-context-2/#version) and
    /// [section 3.2.4](https://www.w3.org/TR/trace-context-2/#versioning-of-traceparent)). Any flags are
    /// accepted.
    pub fn parse(header: &[u8]) -> Result<Self, Malformed> {
        const fn malformed<T>(reason: &'static str) -> Result<T, Malformed> {
            Err(Malformed::new(TRACEPARENT, reason))
        }
        let text = trim(header);
        let Some(fixed) = text.first_chunk::<{ Self::LEN }>() else {
            return malformed("shorter than 55 characters");
        };
        let version = field::<0, 2>(fixed);
        match version {
            [b'0', b'0'] if text.len() != Self::LEN => return malformed("version 00 is longer than 55 characters"),
            [b'0', b'0'] => {}
            [b'f', b'f'] => return malformed("version ff is not allowed"),
            _ if hex::read_u8(version).is_none() => return malformed("the version is not two lower-case digits"),
            _ if text.get(Self::LEN).is_some_and(|b| *b != b'-') => {
                return malformed("no dash after the flags of a higher version");
            }
            _ => {}
        }
        if [fixed[2], fixed[35], fixed[52]] != [b'-'; 3] {
            return malformed("no dash where one must be");
        }
        let (trace, wrong_trace) = hex::read_u128(&field::<3, 32>(fixed));
        let (span, wrong_span) = hex::read_u64(&field::<36, 16>(fixed));
        if wrong_trace != 0 {
            return malformed("the trace id is not 32 lower-case digits");
        }
        if wrong_span != 0 {
            return malformed("the parent id is not 16 lower-case digits");
        }
        let Some(flags) = hex::read_u8(field::<53, 2>(fixed)) else {
            return malformed("the flags are not two lower-case digits");
        };
        let Some(trace_id) = TraceId::new(trace) else {
            return malformed("the trace id is zero");
        };
        let Some(span_id) = SpanId::new(span) else {
            return malformed("the parent id is zero");
        };
        Ok(Self { trace_id, span_id, flags })
    }

    /// The header's text in version 00. It has only two flags
    /// ([section 3.2.2.5.3](https://www.w3.org/TR/trace-context-2/#other-flags)); others are left out.
    #[inline]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = *b"00-00000000000000000000000000000000-0000000000000000-00";
        out[3..35].copy_from_slice(&hex::write_u128(self.trace_id.get()));
        out[36..52].copy_from_slice(&hex::write_u64(self.span_id.get()));
        out[53..55].copy_from_slice(&hex::write_u8(self.flags & (SAMPLED | RANDOM)));
        out
    }

    /// The header's text, kept on the stack.
    #[inline]
    pub fn to_text(&self) -> TraceParentText {
        TraceParentText(self.to_bytes())
    }
}

/// The `N` bytes from `AT` on. The compiler checks the bounds.
#[inline(always)]
fn field<const AT: usize, const N: usize>(text: &[u8; TraceParent::LEN]) -> [u8; N] {
    const { assert!(AT + N <= TraceParent::LEN) };
    let mut out = [0; N];
    out.copy_from_slice(&text[AT..AT + N]);
    out
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_text().as_str())
    }
}

/// The text of a `traceparent`, kept on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParentText([u8; TraceParent::LEN]);

impl TraceParentText {
    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Only digits and dashes are ever in there.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text as bytes.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8; TraceParent::LEN] {
        &self.0
    }
}

impl std::ops::Deref for TraceParentText {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for TraceParentText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for TraceParentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for TraceParentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
