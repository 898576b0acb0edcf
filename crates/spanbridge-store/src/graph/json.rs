//! The graph as JSON: camelCase names, RFC 3339 times with nanoseconds in UTC, absent fields left out.
//!
//! These views borrow from the model. They only name and order the fields.

use super::model::{
    Artifact, Diagnostic, Edge, Event, Graph, Link, LinkDirection, LinkedRun, Run, RunStatus, RunSummary, Segment,
    Span, SpanStatus, Suspension,
};
use serde::ser::{SerializeMap, Serializer};
use serde::{Serialize, ser::SerializeSeq};
use serde_json::Value;
use spanbridge::record::{Endpoint, SCHEMA_VERSION, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId, family};

impl Graph {
    /// The graph as JSON, the same as `spanbridge trace --format json`.
    pub fn to_json(&self) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// In camelCase, with RFC 3339 times. Absent fields are left out.
impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        GraphView {
            schema_version: SCHEMA_VERSION,
            run: RunView::of(&self.run),
            spans: List(&self.spans, SpanView::of),
            edges: List(&self.edges, EdgeView::of),
            artifacts: List(&self.artifacts, ArtifactView::of),
            child_runs: List(&self.child_runs, SummaryView::of),
            related_runs: List(&self.related_runs, SummaryView::of),
            linked_runs: List(&self.linked_runs, LinkedView::of),
            diagnostics: List(&self.diagnostics, DiagnosticView::of),
        }
        .serialize(serializer)
    }
}

/// A list of views. Each is made when it is written.
struct List<'a, T, V>(&'a [T], fn(&'a T) -> V);

impl<T, V: Serialize> Serialize for List<'_, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|item| seq.serialize_element(&(self.1)(item)))?;
        seq.end()
    }
}

/// Attributes as an object.
struct Object<'a>(&'a [(String, Value)]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// Nanoseconds since the epoch.
struct Time(u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // 64 bits of nanoseconds reach the year 2554, which the format can write.
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or_default();
        serializer.collect_str(&format_args!("{time:.9}"))
    }
}

/// Milliseconds, with a fraction. Negative if clocks disagree.
fn milliseconds(from: u64, to: Option<u64>) -> Option<f64> {
    to.map(|to| (i128::from(to) - i128::from(from)) as f64 / 1e6)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GraphView<'a> {
    schema_version: u32,
    run: RunView<'a>,
    spans: List<'a, Span, SpanView<'a>>,
    edges: List<'a, Edge, EdgeView<'a>>,
    artifacts: List<'a, Artifact, ArtifactView<'a>>,
    child_runs: List<'a, RunSummary, SummaryView<'a>>,
    related_runs: List<'a, RunSummary, SummaryView<'a>>,
    linked_runs: List<'a, LinkedRun, LinkedView<'a>>,
    diagnostics: List<'a, Diagnostic, DiagnosticView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunView<'a> {
    run_id: RunId,
    name: &'a str,
    status: RunStatus,
    started_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worked_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_by_span_id: Option<SpanId>,
    trace_ids: &'a [TraceId],
    segments: List<'a, Segment, SegmentView<'a>>,
    suspensions: List<'a, Suspension, SuspensionView<'a>>,
}

impl<'a> RunView<'a> {
    fn of(run: &'a Run) -> Self {
        // If clocks contradict each other, nobody knows how long a wait was.
        let known =
            run.suspensions.iter().all(|s| s.resumed_at.is_none_or(|to| s.suspended_at.is_none_or(|at| at <= to)));
        let waits = !run.suspensions.is_empty() && known;
        Self {
            run_id: run.run_id,
            name: &run.name,
            status: run.status,
            started_at: Time(run.started_at),
            ended_at: run.ended_at.map(Time),
            duration_ms: milliseconds(run.started_at, run.ended_at),
            waited_ms: waits.then(|| run.waited as f64 / 1e6),
            worked_ms: run.ended_at.filter(|_| waits).map(|end| run.worked(end) as f64 / 1e6),
            error: run.error.as_deref(),
            parent_run_id: run.parent_run_id,
            triggered_by_span_id: run.triggered_by_span_id,
            trace_ids: &run.trace_ids,
            segments: List(&run.segments, SegmentView::of),
            suspensions: List(&run.suspensions, SuspensionView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentView<'a> {
    segment_id: SegmentId,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    resource: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension_id: Option<&'a str>,
}

impl<'a> SegmentView<'a> {
    fn of(segment: &'a Segment) -> Self {
        Self {
            segment_id: segment.segment_id,
            service: &segment.service,
            via: segment.via,
            started_at: segment.started_at.map(Time),
            resource: Object(&segment.resource),
            suspension_id: segment.suspension_id.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SuspensionView<'a> {
    suspension_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_id: Option<SegmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_at: Option<Time>,
}

impl<'a> SuspensionView<'a> {
    fn of(suspension: &'a Suspension) -> Self {
        Self {
            suspension_id: &suspension.suspension_id,
            reason: suspension.reason.as_deref(),
            segment_id: suspension.segment_id,
            suspended_at: suspension.suspended_at.map(Time),
            resumed_at: suspension.resumed_at.map(Time),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanView<'a> {
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
    fn of(span: &'a Span) -> Self {
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
struct LinkView<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Object<'a>,
}

fn is_empty(object: &Object<'_>) -> bool {
    object.0.is_empty()
}

impl<'a> LinkView<'a> {
    fn of(link: &'a Link) -> Self {
        Self { trace_id: link.trace_id, span_id: link.span_id, attributes: Object(&link.attributes) }
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
    fn of(event: &'a Event) -> Self {
        Self {
            event_id: &event.event_id,
            name: &event.name,
            timestamp: Time(event.timestamp),
            attributes: Object(&event.attributes),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EdgeView<'a> {
    edge_type: &'a str,
    from: EndpointView<'a>,
    to: EndpointView<'a>,
    derived: bool,
}

/// `{traceId, spanId}`, `{runId}` or `{artifactId}`.
#[derive(Serialize)]
#[serde(untagged)]
enum EndpointView<'a> {
    #[serde(rename_all = "camelCase")]
    Span { trace_id: TraceId, span_id: SpanId },
    #[serde(rename_all = "camelCase")]
    Run { run_id: RunId },
    #[serde(rename_all = "camelCase")]
    Artifact { artifact_id: &'a str },
}

impl<'a> EndpointView<'a> {
    fn of(endpoint: &'a Endpoint<'static>) -> Self {
        match endpoint {
            Endpoint::Span { trace_id, span_id } => Self::Span { trace_id: *trace_id, span_id: *span_id },
            Endpoint::Run(run_id) => Self::Run { run_id: *run_id },
            Endpoint::Artifact(id) => Self::Artifact { artifact_id: id },
            // Kinds of a newer core, which the graph does not hold.
            _ => Self::Artifact { artifact_id: "" },
        }
    }
}

impl<'a> EdgeView<'a> {
    fn of(edge: &'a Edge) -> Self {
        Self {
            edge_type: &edge.edge_type,
            from: EndpointView::of(&edge.from),
            to: EndpointView::of(&edge.to),
            derived: edge.derived,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactView<'a> {
    span_id: SpanId,
    artifact_id: &'a str,
    kind: &'a str,
    content_type: &'a str,
    encoding: &'a str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<&'a str>,
}

impl<'a> ArtifactView<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        Self {
            span_id: artifact.span_id,
            artifact_id: &artifact.artifact_id,
            kind: &artifact.kind,
            content_type: &artifact.content_type,
            encoding: &artifact.encoding,
            size_bytes: artifact.size_bytes,
            hash: artifact.hash.as_deref(),
            preview: artifact.preview.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryView<'a> {
    run_id: RunId,
    name: &'a str,
    started_at: Time,
    status: RunStatus,
    errors: u64,
}

impl<'a> SummaryView<'a> {
    fn of(run: &'a RunSummary) -> Self {
        let RunSummary { run_id, name, started_at, status, errors } = run;
        Self { run_id: *run_id, name, started_at: Time(*started_at), status: *status, errors: *errors }
    }
}

/// A summary, and which way the links lead.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkedView<'a> {
    #[serde(flatten)]
    run: SummaryView<'a>,
    direction: LinkDirection,
    linked_span_ids: &'a [SpanId],
}

impl<'a> LinkedView<'a> {
    fn of(linked: &'a LinkedRun) -> Self {
        let LinkedRun { run, direction, linked_span_ids } = linked;
        Self { run: SummaryView::of(run), direction: *direction, linked_span_ids }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiagnosticView<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
}

impl<'a> DiagnosticView<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            code: &diagnostic.code,
            message: &diagnostic.message,
            count: diagnostic.count,
            span_id: diagnostic.span_id,
        }
    }
}
