//! The three standard headers: `traceparent`, `tracestate` ([W3C Trace Context]) and `baggage` ([W3C Baggage]).
//!
//! This module parses and writes the text of headers. How a transport names headers, how it holds duplicates, and which value
//! counts is up to the [carrier](crate::carrier). What a missing or malformed header means for a message is up to the receiver.
//! Nothing here panics, whatever the bytes are.
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context-2/
//! [W3C Baggage]: https://www.w3.org/TR/baggage/

mod baggage;
mod header;
mod hex;
mod traceparent;
mod tracestate;

pub use baggage::{Baggage, DroppedMembers, Member};
pub(crate) use header::place_named;
pub use header::{BAGGAGE, HEADERS, Malformed, TRACEPARENT, TRACESTATE, header_named, is_other_case};
pub use traceparent::{RANDOM, SAMPLED, TraceParent, TraceParentText};
pub(crate) use tracestate::StateText;
pub use tracestate::TraceState;
