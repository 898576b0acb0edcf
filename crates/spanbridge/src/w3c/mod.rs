//! The three standard headers: `traceparent`, `tracestate` ([W3C Trace Context]) and `baggage` ([W3C Baggage]).
//!
//! Text in, values out, and back. What a transport calls a header, how it holds duplicates and which value counts is
//! the carrier's business; what a missing or malformed header means for a message is the receiving side's. Nothing
//! here panics, whatever the bytes are.
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context-2/
//! [W3C Baggage]: https://www.w3.org/TR/baggage/

mod baggage;
mod hex;
mod traceparent;
mod tracestate;

pub use baggage::{Baggage, DroppedMembers, Member};
pub use traceparent::{RANDOM, SAMPLED, TraceParent, TraceParentText};
pub use tracestate::TraceState;

use std::fmt;

/// The name of the header that carries trace id, parent span id and flags.
pub const TRACEPARENT: &str = "traceparent";
/// The name of the header that carries what vendors add to the trace, our run id among it.
pub const TRACESTATE: &str = "tracestate";
/// The name of the header that carries what the application adds.
pub const BAGGAGE: &str = "baggage";

/// Why a header is not what its specification says. Reads on after "failed to …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    header: &'static str,
    reason: &'static str,
}

impl Malformed {
    const fn new(header: &'static str, reason: &'static str) -> Self {
        Self { header, reason }
    }

    /// Which header: [`TRACEPARENT`], [`TRACESTATE`] or [`BAGGAGE`].
    pub const fn header(&self) -> &'static str {
        self.header
    }

    /// What is wrong, in a few words.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read {}: {}", self.header, self.reason)
    }
}

impl std::error::Error for Malformed {}

/// Optional white space ([RFC 9110, section 5.6.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3)).
#[inline]
const fn is_ows(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// A field value without the white space around it, which is not part of it
/// ([RFC 9110, section 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
#[inline]
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// [`trim`] for text.
#[inline]
fn trim_str(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
