//! spanbridge in the world of OpenTelemetry: records to OTLP and back.
//!
//! Rooms form layers, and each uses only what stands before it: [`otlp`] is the wire, [`spans`] is how records and the spans
//! of OTLP become each other.

mod error;
pub mod otlp;
pub mod spans;

pub use error::{Error, ErrorKind};
