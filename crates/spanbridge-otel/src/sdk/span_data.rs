//! Spans of OTLP as spans of OpenTelemetry's SDK.

use super::{context, value};
use crate::otlp::model::{AnyValue, Event, Link, Resource, Span, Status, StatusCode};
use opentelemetry_0_33::trace as otel;
use opentelemetry_0_33::{InstrumentationScope, SpanId};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use spanbridge::Kind;

/// A span as the SDK has it, with the same ids.
///
/// The SDK knows less than OTLP, so these become something else:
///
/// | OTLP | SDK |
/// |---|---|
/// | a map, a list of several types, an empty value | JSON as text |
/// | bytes | base64 as text |
/// | a member of a `tracestate` that is not valid | nothing |
/// | kind unspecified | internal |
/// | it is not known whether the parent is remote | it is not remote |
/// | a message with status `Ok` or unset | nothing |
pub fn span_data(span: Span<'_>, scope: &InstrumentationScope) -> SpanData {
    let mut events = SpanEvents::default();
    events.events = span.events.into_iter().map(event).collect();
    events.dropped_count = span.dropped_events;
    let mut links = SpanLinks::default();
    links.links = Vec::with_capacity(span.links.len());
    links.dropped_count = span.dropped_links;
    for it in span.links {
        links.links.push(link(it))
    }
    SpanData {
        span_context: context::context(span.trace_id, span.span_id, span.flags, false, &span.trace_state),
        parent_span_id: span.parent_span_id.map_or(SpanId::INVALID, context::span_id),
        parent_span_is_remote: span.flags & Span::IS_REMOTE != 0,
        span_kind: kind(span.kind),
        name: span.name.into_owned().into(),
        start_time: context::time(span.start_time),
        end_time: context::time(span.end_time),
        attributes: value::all(span.attributes),
        dropped_attributes_count: span.dropped_attributes,
        events,
        links,
        status: status(span.status),
        instrumentation_scope: scope.clone(),
    }
}

pub(super) fn event(event: Event<'_>) -> otel::Event {
    let (name, time) = (event.name.into_owned(), context::time(event.time));
    otel::Event::new(name, time, value::all(event.attributes), event.dropped_attributes)
}

pub(super) fn link(link: Link<'_>) -> otel::Link {
    let context = context::of_link(&link);
    otel::Link::new(context, value::all(link.attributes), link.dropped_attributes)
}

pub(super) fn kind(kind: Option<Kind>) -> otel::SpanKind {
    match kind {
        Some(Kind::Server) => otel::SpanKind::Server,
        Some(Kind::Client) => otel::SpanKind::Client,
        Some(Kind::Producer) => otel::SpanKind::Producer,
        Some(Kind::Consumer) => otel::SpanKind::Consumer,
        Some(Kind::Internal) | None => otel::SpanKind::Internal,
    }
}

pub(super) fn status(status: Status<'_>) -> otel::Status {
    match status.code {
        StatusCode::Unset => otel::Status::Unset,
        StatusCode::Ok => otel::Status::Ok,
        StatusCode::Error => otel::Status::error(status.message.into_owned()),
    }
}

/// What recorded the spans.
pub(super) fn resource(resource: &Resource<'_>) -> opentelemetry_sdk::Resource {
    let named = |key: &str, value: &AnyValue<'_>| {
        opentelemetry_0_33::KeyValue::new(key.to_owned(), value::value(value.clone().into_owned()))
    };
    let attributes = resource.attributes.iter().map(|it| named(&it.key, &it.value));
    opentelemetry_sdk::Resource::builder_empty().with_attributes(attributes).build()
}
