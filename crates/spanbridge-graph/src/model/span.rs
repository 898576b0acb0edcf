//! A span, its links and its events.

use serde::Serialize;
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId};

/// The status of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SpanStatus {
    /// It succeeded.
    Ok,
    /// It failed with an error.
    Error,
    /// It panicked.
    Panicked,
    /// It was dropped or told to stop.
    Cancelled,
    /// No end is recorded: it is still running, or its end was lost.
    Open,
}

impl SpanStatus {
    /// Its name in JSON, such as `panicked`.
    pub fn as_str(self) -> &'static str {
        match self {
            SpanStatus::Ok => "ok",
            SpanStatus::Error => "error",
            SpanStatus::Panicked => "panicked",
            SpanStatus::Cancelled => "cancelled",
            SpanStatus::Open => "open",
        }
    }
}

/// A span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// Its parent as recorded. That span may be missing, or stand for the run itself.
    pub parent_span_id: Option<SpanId>,
    /// The index of the parent in [`Graph::spans`](super::Graph::spans). `None` for a root and for an orphan.
    pub parent: Option<usize>,
    /// How many spans stand above it.
    pub depth: usize,
    /// Whether it names a parent that is not the run and is not recorded.
    pub orphan: bool,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its run.
    pub run_id: RunId,
    /// The segment that recorded it.
    pub segment_id: SegmentId,
    /// The service.
    pub service: String,
    /// Its name. Empty if its start is missing; a name can be empty, too.
    pub name: String,
    /// Whether its start is recorded. Otherwise it is known only from its end, or from what happened during it.
    pub has_start: bool,
    /// The kind of step.
    pub primitive: String,
    /// Its role in a remote interaction.
    pub kind: Kind,
    /// How it ended, or that it did not.
    pub status: SpanStatus,
    /// The error, in words.
    pub error: Option<String>,
    /// When it began. If its start is missing: when it ended.
    pub started_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Its attributes, each key once with its last value.
    pub attributes: Vec<(String, serde_json::Value)>,
    /// Related spans that are not its parent.
    pub links: Vec<Link>,
    /// Spans that link to it: of the same run, and of other runs if these were read.
    pub linked_from: Vec<LinkSource>,
    /// What happened during it.
    pub events: Vec<Event>,
}

impl Span {
    /// An open root span, in the trace that has the run's id.
    pub fn new(run_id: RunId, segment_id: SegmentId, span_id: SpanId, name: impl Into<String>) -> Self {
        Span {
            span_id,
            parent_span_id: None,
            parent: None,
            depth: 0,
            orphan: false,
            trace_id: trace_of(run_id),
            run_id,
            segment_id,
            service: String::new(),
            name: name.into(),
            has_start: true,
            primitive: String::new(),
            kind: Kind::Internal,
            status: SpanStatus::Open,
            error: None,
            started_at: 0,
            ended_at: None,
            attributes: Vec::new(),
            links: Vec::new(),
            linked_from: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// The trace that has the id of this run.
pub(crate) fn trace_of(run_id: RunId) -> TraceId {
    /// Never used: a run id is not zero, so it is a trace id.
    const ANY: TraceId = match TraceId::new(1) {
        Some(id) => id,
        None => unreachable!(),
    };
    TraceId::new(run_id.get()).unwrap_or(ANY)
}

/// A link of a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: Vec<(String, serde_json::Value)>,
}

impl Link {
    /// A link without attributes.
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Link { trace_id, span_id, attributes: Vec::new() }
    }
}

/// A span that links to another: the other end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LinkSource {
    /// The run of the span that has the link.
    pub run_id: RunId,
    /// Its trace.
    pub trace_id: TraceId,
    /// The span that has the link.
    pub span_id: SpanId,
}

impl LinkSource {
    /// A span of this run.
    pub fn new(run_id: RunId, trace_id: TraceId, span_id: SpanId) -> Self {
        LinkSource { run_id, trace_id, span_id }
    }
}

/// A point in time during a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its id.
    pub event_id: String,
    /// What happened.
    pub name: String,
    /// When.
    pub timestamp: u64,
    /// Attributes of the event.
    pub attributes: Vec<(String, serde_json::Value)>,
}

impl Event {
    /// An event without attributes.
    pub fn new(event_id: impl Into<String>, name: impl Into<String>, timestamp: u64) -> Self {
        Event { event_id: event_id.into(), name: name.into(), timestamp, attributes: Vec::new() }
    }
}
