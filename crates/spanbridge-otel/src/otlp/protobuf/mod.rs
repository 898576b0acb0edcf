//! OTLP as protobuf (`application/x-protobuf`).

mod answer;
mod plain;
mod read;
#[cfg(feature = "export")]
mod response;
mod tags;
mod wire;
mod write;

pub use answer::{write_response, write_status};
pub(super) use read::looks_like_a_request;
pub use read::{read, read_scopes};
#[cfg(feature = "export")]
pub(crate) use response::{read_partial_success, read_status_message};
pub use write::{write_request, write_span};
