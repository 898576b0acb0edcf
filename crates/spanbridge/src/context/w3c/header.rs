//! What the headers have in common: names, white space around values, and the error for malformed ones.

use std::fmt;

/// The name of the header with trace id, parent span id and flags.
pub const TRACEPARENT: &str = "traceparent";
/// The name of the header with what tracing systems add to the trace, among it the run id.
pub const TRACESTATE: &str = "tracestate";
/// The name of the header with what the application adds.
pub const BAGGAGE: &str = "baggage";

/// The names of all three, in the order in which they are written.
pub const HEADERS: [&str; 3] = [TRACEPARENT, TRACESTATE, BAGGAGE];

/// Which of the three headers this name means, in any case. For transports with case-sensitive names: other senders may write
/// them differently (Go's canonical form, Java frameworks).
#[inline]
pub fn header_named(name: impl AsRef<[u8]>) -> Option<&'static str> {
    place_named(name.as_ref()).map(|place| HEADERS[place])
}

/// The same, as its place in [`HEADERS`].
#[inline]
pub(crate) fn place_named(name: &[u8]) -> Option<usize> {
    // By their lengths, which are all different: it is asked of every header of a message.
    let place = match name.len() {
        11 => 0,
        10 => 1,
        7 => 2,
        _ => return None,
    };
    let ours = HEADERS[place].as_bytes();
    (name == ours || name.eq_ignore_ascii_case(ours)).then_some(place)
}

/// Whether a name is one of the three in another case.
#[inline]
pub fn is_other_case(name: impl AsRef<[u8]>) -> bool {
    let name = name.as_ref();
    header_named(name).is_some_and(|header| header.as_bytes() != name)
}

/// Why a header does not conform to its specification. The text continues "failed to …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    header: &'static str,
    reason: &'static str,
}

impl Malformed {
    pub(super) const fn new(header: &'static str, reason: &'static str) -> Self {
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
pub(super) const fn is_ows(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// A field value without the white space around it, which does not belong to it
/// ([RFC 9110, section 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
#[inline]
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
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
pub(super) fn trim_str(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
