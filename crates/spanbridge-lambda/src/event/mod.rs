//! What came with an event: its source, the context of the invocation, and the context of each record.

mod content;
mod envelope;
mod http;
mod kafka;
mod mq;
mod notices;
mod parse;
#[cfg(feature = "runtime")]
mod raw;
mod recognize;
mod record;
mod sns;
mod source;
mod sqs;
mod streams;
mod values;

pub use parse::{Event, InvocationMetadata};
#[cfg(feature = "runtime")]
pub use raw::bodies;
#[cfg(feature = "runtime")]
pub(crate) use raw::{RawRecord, raw_records, request_headers};
pub use record::Record;
pub use source::Source;
