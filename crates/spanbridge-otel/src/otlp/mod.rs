//! The OTLP wire: what it carries, and how that is written and read as protobuf and as JSON
//! ([specification](https://opentelemetry.io/docs/specs/otlp/)).
//!
//! Both forms are written and read by hand, one span at a time:
//!
//! ```
//! use spanbridge::{SpanId, TraceId};
//! use spanbridge_otel::otlp::model::{KeyValue, Resource, Scope, Span};
//! use spanbridge_otel::otlp::{json, protobuf};
//!
//! let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
//! span.name = "import".into();
//! let resource = Resource { attributes: vec![KeyValue::new("service.name", "orders")] };
//!
//! // Spans that are written one after the other are the body of a request.
//! let (mut spans, mut request) = (Vec::new(), Vec::new());
//! protobuf::write_span(&span, &mut spans);
//! protobuf::write_request(&resource, &Scope::default(), &spans, &mut request);
//!
//! let report = protobuf::read(&request, |resource, _, span| {
//!     assert_eq!((resource.attributes.len(), &*span.name), (1, "import"));
//! })?;
//! assert_eq!((report.spans, report.rejected), (1, 0));
//! # Ok::<(), spanbridge_otel::Error>(())
//! ```
//!
//! Readers give one span after the other, so what they hold is bounded by the largest span, not by the request; and a span
//! whose ids are none is left out and counted, so that it costs no other span.

mod budget;
mod file;
pub mod json;
pub mod model;
mod partial;
pub mod protobuf;

pub use budget::{MAX_DEPTH, MAX_ITEMS};
pub use file::{FilePart, read_file, read_file_scopes};

/// The largest request that is read, in bytes before compression: the limit of the specification.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadReport {
    /// The spans that were read.
    pub spans: u64,
    /// The spans that were left out: their trace id, span id or parent id has a wrong length or is zero.
    pub rejected: u64,
}

impl ReadReport {
    /// Counts what another reader read.
    pub fn add(&mut self, other: ReadReport) {
        self.spans += other.spans;
        self.rejected += other.rejected;
    }
}
