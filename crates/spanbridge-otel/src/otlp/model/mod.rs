//! What OTLP carries about traces, as plain values that borrow what they can.
//!
//! The names are those of the protocol
//! ([trace.proto](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto)),
//! and so are the meanings. Times are nanoseconds since the Unix epoch.

mod span;
mod value;

pub use span::{Event, Link, Span, Status, StatusCode};
pub(crate) use value::all_same;
pub use value::{AnyValue, KeyValue, get};

use std::borrow::Cow;

/// What recorded spans: a service, its host and process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource<'a> {
    /// What is known of it; `service.name` names the service.
    pub attributes: Vec<KeyValue<'a>>,
}

/// The library that made spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its version.
    pub version: Cow<'a, str>,
    /// Further attributes.
    pub attributes: Vec<KeyValue<'a>>,
}
