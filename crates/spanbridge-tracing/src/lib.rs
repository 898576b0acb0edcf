//! The spans and events of `tracing` in spanbridge's run graph, and run, trace and span ids in your log lines.
//!
//! # Ids in log lines
//!
//! With the feature `fmt`, the lines of `tracing-subscriber`'s formatters name the trace, the span and the run that they belong
//! to. One word switches it on: `tracing_subscriber::fmt().json().with_ids().init()`. See [`fmt`].

mod fields;
#[cfg(feature = "fmt")]
pub mod fmt;
mod layer;
mod spans;

pub use layer::{Layer, layer};
