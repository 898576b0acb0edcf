//! Records to spans of OTLP, and spans of OTLP to records: each rule of the mapping, and the way there and back.

mod assembled;
mod file;
mod imported;
mod many;
mod there_and_back;

use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_otel::otlp::model::Span;
use spanbridge_otel::spans::Assembler;

const TRACE: u128 = 7;

fn trace() -> TraceId {
    TraceId::new(TRACE).unwrap()
}

fn id(number: u64) -> SpanId {
    SpanId::new(number).unwrap()
}

/// A record of the trace's own run.
fn record(body: impl Into<Body<'static>>) -> Record<'static> {
    Record::new(SegmentId::new(1).unwrap(), 1, "orders", body).of_run(RunId::new(TRACE), Some(trace()))
}

/// The spans that have ended with these records.
fn push(assembler: &mut Assembler, records: &[Record<'_>]) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    assembler.push_records(records.iter().map(Record::view), |_, span| spans.push(span.into_owned()));
    spans
}
