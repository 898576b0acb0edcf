//! A span as JSON.

use super::parts::{List, Object, Time, is_empty, milliseconds};
use crate::model::{Event, Link, Span, SpanStatus};
use serde::Serialize;
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId, family};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpanView<'a> {
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    orphan: bool,
    trace_id: TraceId,
    run_id: RunId,
    segment_id: SegmentId,
    service: &'a str,
    name: &'a str,
    family: &'a str,
    primitive: &'a str,
    kind: Kind,
    status: SpanStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    started_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    attributes: Object<'a>,
    links: List<'a, Link, LinkView<'a>>,
    events: List<'a, Event, EventView<'a>>,
}

impl<'a> SpanView<'a> {
    pub(super) fn of(span: &'a Span) -> Self {
        Self {
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            orphan: span.orphan,
            trace_id: span.trace_id,
            run_id: span.run_id,
            segment_id: span.segment_id,
            service: &span.service,
            name: &span.name,
            family: family(&span.primitive),
            primitive: &span.primitive,
            kind: span.kind,
            status: span.status,
            error: span.error.as_deref(),
            started_at: Time(span.started_at),
            ended_at: span.ended_at.map(Time),
            duration_ms: milliseconds(span.started_at, span.ended_at),
            attributes: Object(&span.attributes),
            links: List(&span.links, LinkView::of),
            events: List(&span.events, EventView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkView<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Object<'a>,
}

impl<'a> LinkView<'a> {
    pub(super) fn of(link: &'a Link) -> Self {
        Self { trace_id: link.trace_id, span_id: link.span_id, attributes: Object(&link.attributes) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventView<'a> {
    event_id: &'a str,
    name: &'a str,
    timestamp: Time,
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Object<'a>,
}

impl<'a> EventView<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        Self {
            event_id: &event.event_id,
            name: &event.name,
            timestamp: Time(event.timestamp),
            attributes: Object(&event.attributes),
        }
    }
}
