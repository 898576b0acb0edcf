//! What a span of OTLP is made of, record by record.

use super::values;
use crate::otlp::model::{Event, KeyValue, Link, Span, StatusCode};
use spanbridge::record::{ArtifactView, BodyView, DiagnosticView, EndView, EndpointView, RecordView, SpanView};
use spanbridge::{Primitive, RunId, Status, TraceId, semconv};
use std::borrow::Cow;

/// The event that says why a span failed.
const EXCEPTION: &str = "exception";

/// What a link is called that was delivered after its span's start.
const LATE_LINK: &str = "custom.link";

/// The flag of W3C Trace Context: recorded, so sampled.
const SAMPLED: u32 = 1;

/// A span as it begins.
pub(super) fn begun<'a>(trace: TraceId, run: RunId, view: SpanView<'a>) -> Span<'a> {
    let mut span = Span::new(trace, view.span_id());
    span.parent_span_id = view.parent_span_id();
    span.flags = SAMPLED;
    span.name = Cow::Borrowed(view.name());
    span.kind = Some(view.kind());
    span.start_time = view.started_at();
    span.attributes = values::all(view.attributes());
    let primitive = view.primitive();
    if primitive != Primitive::OPERATION.name() {
        span.attributes.push(KeyValue::new(semconv::PRIMITIVE, primitive));
    }
    if run.get() != trace.get() {
        span.attributes.push(KeyValue::new(semconv::RUN_ID, run.to_string()));
    }
    for link in view.links() {
        span.links.push(Link { attributes: values::all(link.attributes), ..Link::new(link.trace_id, link.span_id) });
    }
    span
}

/// Adds what another record says about the span. `false`: OTLP has no place for it. Afterwards, keys of attributes may repeat.
pub(super) fn add<'a>(span: &mut Span<'a>, record: RecordView<'a>) -> bool {
    match record.body() {
        BodyView::SpanAttributes(more) => values::add(&mut span.attributes, more.attributes()),
        BodyView::Event(event) => {
            let attributes = values::all(event.attributes());
            let (time, name) = (event.timestamp(), Cow::Borrowed(event.name()));
            span.events.push(Event { time, name, attributes, dropped_attributes: 0 });
        }
        BodyView::Artifact(artifact) => span.events.push(artifact_event(artifact, span.start_time)),
        BodyView::Diagnostic(diagnostic) => span.events.push(diagnostic_event(diagnostic, span.start_time)),
        BodyView::Edge(edge) => {
            let EndpointView::Span { trace_id, span_id } = edge.to() else { return false };
            let mut link = Link::new(trace_id, span_id);
            if edge.edge_type() != LATE_LINK {
                link.attributes.push(KeyValue::new(semconv::EDGE_TYPE, edge.edge_type()));
            }
            span.links.push(link);
        }
        _ => return false,
    }
    true
}

/// Ends a span, once everything else is there.
pub(super) fn end<'a>(span: &mut Span<'a>, end: EndView<'a>) {
    values::unique(&mut span.attributes);
    span.end_time = end.ended_at();
    if let (Some(class), None) = (end.error_type(), span.attribute(semconv::ERROR_TYPE)) {
        span.attributes.push(KeyValue::new(semconv::ERROR_TYPE, class));
    }
    if let Status::Panicked | Status::Cancelled = end.status() {
        span.attributes.push(KeyValue::new(semconv::SPAN_STATUS, end.status().name()));
    }
    if let Status::Error | Status::Panicked = end.status() {
        span.status.code = StatusCode::Error;
        span.status.message = Cow::Borrowed(end.error().unwrap_or_default());
        if span.events.iter().all(|event| event.name != EXCEPTION) {
            span.events.push(exception(span));
        }
    }
    // In order of time, as they happened; those of one time as they were recorded.
    span.events.sort_by_key(|event| event.time);
}

/// Why the span failed, as an event.
fn exception<'a>(span: &Span<'a>) -> Event<'a> {
    let mut attributes = Vec::new();
    if let Some(class) = span.attribute(semconv::ERROR_TYPE) {
        attributes.push(KeyValue { key: Cow::Borrowed(semconv::EXCEPTION_TYPE), value: class.clone() });
    }
    if !span.status.message.is_empty() {
        attributes.push(KeyValue::new(semconv::EXCEPTION_MESSAGE, span.status.message.clone()));
    }
    Event { time: span.end_time, name: Cow::Borrowed(EXCEPTION), attributes, dropped_attributes: 0 }
}

/// The event that [`end`] adds. One like it is no record of its own.
pub(super) fn derived<'a>(span: &Span<'a>) -> Option<Event<'a>> {
    (span.status.code == StatusCode::Error).then(|| exception(span))
}

fn artifact_event(artifact: ArtifactView<'_>, time: u64) -> Event<'_> {
    let mut attributes = vec![
        KeyValue::new(semconv::ARTIFACT_ID, artifact.artifact_id().to_text()),
        KeyValue::new(semconv::ARTIFACT_KIND, artifact.kind()),
        KeyValue::new(semconv::ARTIFACT_CONTENT_TYPE, artifact.content_type()),
        KeyValue::new(semconv::ARTIFACT_ENCODING, artifact.encoding()),
        KeyValue::new(semconv::ARTIFACT_SIZE, integer(artifact.size_bytes())),
    ];
    attributes.extend(artifact.hash().map(|hash| KeyValue::new(semconv::ARTIFACT_HASH, hash)));
    attributes.extend(artifact.preview().map(|preview| KeyValue::new(semconv::ARTIFACT_PREVIEW, preview)));
    Event { time, name: Cow::Borrowed(semconv::ARTIFACT), attributes, dropped_attributes: 0 }
}

fn diagnostic_event(diagnostic: DiagnosticView<'_>, time: u64) -> Event<'_> {
    let mut attributes = vec![
        KeyValue::new(semconv::DIAGNOSTIC_CODE, diagnostic.code()),
        KeyValue::new(semconv::DIAGNOSTIC_MESSAGE, diagnostic.message()),
    ];
    attributes.extend(diagnostic.count().map(|count| KeyValue::new(semconv::DIAGNOSTIC_COUNT, integer(count))));
    values::add(&mut attributes, diagnostic.attributes());
    Event { time, name: Cow::Borrowed(semconv::DIAGNOSTIC), attributes, dropped_attributes: 0 }
}

/// OTLP has no integers beyond this.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
