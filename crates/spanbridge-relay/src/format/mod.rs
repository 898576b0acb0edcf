//! How records are in messages.
//!
//! | part | content |
//! |---|---|
//! | key | the run's id, 32 hexadecimal digits in lower case; none if the records are of no run |
//! | value | one or more records of that run as JSON ([`Record::to_json`]), each on a line |
//! | header `spanbridge-format` | `1` |
//!
//! A value has at most [`MAX_VALUE_BYTES`]; a larger record goes alone. So all records of a run are in one partition, in order,
//! and any other program can read a message as lines of JSON.
//!
//! Whoever reads must expect a message more than once, and messages of anybody: what is no record is named, and the others of
//! the message are read.
//!
//! [`Record::to_json`]: spanbridge::record::Record::to_json

mod decode;
mod encode;

pub use decode::{Decoded, Fault, decode};
pub use encode::{Encoder, Message, encode};

/// The header with the number of the format.
pub const FORMAT_HEADER: &str = "spanbridge-format";

/// The number of the format, as the header has it.
pub const FORMAT: &str = "1";

/// The header of a message that was set aside: why.
pub const ERROR_HEADER: &str = "spanbridge-error";

/// The header of a message that was set aside: where it was, `TOPIC/PARTITION/OFFSET`.
pub const SOURCE_HEADER: &str = "spanbridge-source";

/// The largest value of a message with several records, in bytes. A record alone may be larger: up to 8 MiB and what JSON adds,
/// while a broker takes 1 MB unless it is configured otherwise (`max.message.bytes`).
pub const MAX_VALUE_BYTES: usize = 256 << 10;
