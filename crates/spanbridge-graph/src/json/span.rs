//! A span as JSON.

use super::parts::{List, Object, Time, is_empty, milliseconds};
use crate::model::{Category, Event, Link, LinkSource, Span, SpanStatus, SpanTimes};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::Value;
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId, family};

/// The spans with their times, in the same order.
pub(super) struct Spans<'a> {
    pub(super) spans: &'a [Span],
    pub(super) times: &'a [SpanTimes],
    /// Whether these are all spans of the run.
    pub(super) is_whole: bool,
}

impl Serialize for Spans<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.spans.len()))?;
        for (span, times) in self.spans.iter().zip(self.times) {
            let mut view = SpanView::of(span, times);
            if !self.is_whole {
                let above = span.parent.and_then(|above| self.spans.get(above)).map(|above| above.span_id);
                view.below_span_id = above.filter(|above| Some(*above) != span.parent_span_id);
            }
            seq.serialize_element(&view)?;
        }
        seq.end()
    }
}

impl Span {
    /// The span as it is in the JSON of its graph. The times are its own of [`SpanTimes::of`].
    pub fn to_json(&self, times: &SpanTimes) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(SpanView::of(self, times)).unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanView<'a> {
    span_id: SpanId,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    orphan: bool,
    trace_id: TraceId,
    run_id: RunId,
    segment_id: SegmentId,
    service: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    start_missing: bool,
    family: &'a str,
    primitive: &'a str,
    category: Category,
    kind: Kind,
    status: SpanStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    started_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_ms: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    clock_skew: bool,
    attributes: Object<'a>,
    links: List<'a, Link, LinkView<'a>>,
    #[serde(skip_serializing_if = "List::is_empty")]
    linked_from: List<'a, LinkSource, SourceView>,
    events: List<'a, Event, EventView<'a>>,
}

impl<'a> SpanView<'a> {
    fn of(span: &'a Span, times: &SpanTimes) -> Self {
        let nanos = |time: u64| time as f64 / 1e6;
        Self {
            span_id: span.span_id,
            parent_span_id: span.parent_span_id,
            below_span_id: None,
            orphan: span.orphan,
            trace_id: span.trace_id,
            run_id: span.run_id,
            segment_id: span.segment_id,
            service: &span.service,
            name: &span.name,
            start_missing: !span.has_start,
            family: family(&span.primitive),
            primitive: &span.primitive,
            category: span.category(),
            kind: span.kind,
            status: span.status,
            error: span.error.as_deref(),
            started_at: Time(span.started_at),
            ended_at: span.ended_at.map(Time),
            duration_ms: milliseconds(span.started_at, span.ended_at),
            self_ms: times.self_time.map(nanos),
            queued_ms: times.queued.map(nanos),
            suspended_ms: Some(times.suspended).filter(|time| *time > 0).map(nanos),
            clock_skew: times.clock_skew,
            attributes: Object(&span.attributes),
            links: List(&span.links, LinkView::of),
            linked_from: List(&span.linked_from, SourceView::of),
            events: List(&span.events, EventView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkView<'a> {
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

/// A span that links to this one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceView {
    run_id: RunId,
    trace_id: TraceId,
    span_id: SpanId,
}

impl SourceView {
    fn of(source: &LinkSource) -> Self {
        let LinkSource { run_id, trace_id, span_id } = *source;
        Self { run_id, trace_id, span_id }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventView<'a> {
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
