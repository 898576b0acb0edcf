//! OTLP as JSON (`application/json`).
//!
//! Ids are hexadecimal, enums are integers, names are in `lowerCamelCase`, and integers of 64 bits are strings, since JavaScript
//! has none. The reader takes more than that: ids in either case or in base64 (as protobuf's own JSON has them), numbers as
//! strings and strings as numbers, enums by their names, `null` for what is absent, halves of surrogate pairs (as JavaScript
//! leaves them where it cuts a text), and values of a wrong type, which count as absent.

mod answer;
mod base64;
mod leaf;
mod parser;
mod plain;
mod read;
mod write;

pub use answer::{write_response, write_status};
pub(crate) use plain::{from_value, to_base64, to_value};
pub use read::{read, read_scopes};
pub use write::{write_request, write_span};
