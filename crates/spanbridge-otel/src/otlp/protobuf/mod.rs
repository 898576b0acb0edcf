//! OTLP as protobuf (`application/x-protobuf`).

mod read;
mod tags;
mod wire;
mod write;

pub(super) use read::looks_like_a_request;
pub use read::read;
pub use write::{write_request, write_span};
