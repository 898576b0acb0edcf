//! The graph as programs read it. Times are nanoseconds since the Unix epoch here, and RFC 3339 text in JSON.
//!
//! These types will get more fields, so they are built with `new` and changed field by field.

use serde::Serialize;
use spanbridge::record::{Endpoint, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId};

/// One run, with everything that is known about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Graph {
    /// The run itself.
    pub run: Run,
    /// Its spans: parents before children, siblings by start.
    pub spans: Vec<Span>,
    /// Relations that are not part of the tree.
    pub edges: Vec<Edge>,
    /// Payload previews and references.
    pub artifacts: Vec<Artifact>,
    /// Runs that were started by this one.
    pub child_runs: Vec<RunSummary>,
    /// The other runs of its traces.
    pub related_runs: Vec<RunSummary>,
    /// Runs connected by links: those that spans of this run link to, and those whose spans link to this run. A run that is
    /// among the related ones is not repeated here.
    pub linked_runs: Vec<LinkedRun>,
    /// What started it, if another run did.
    pub trigger: Option<Trigger>,
    /// What you should know about the recording, such as lost or contradictory records.
    pub diagnostics: Vec<Diagnostic>,
}

impl Graph {
    /// The graph of a run that has nothing but itself.
    pub fn new(run: Run) -> Self {
        Graph {
            run,
            spans: Vec::new(),
            edges: Vec::new(),
            artifacts: Vec::new(),
            child_runs: Vec::new(),
            related_runs: Vec::new(),
            linked_runs: Vec::new(),
            trigger: None,
            diagnostics: Vec::new(),
        }
    }
}

/// The status of a run: the first of these that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Records contradict each other.
    Conflicted,
    /// It failed. A run without an owner failed if a span without a parent did.
    Error,
    /// It was cancelled.
    Cancelled,
    /// It waits to be resumed.
    Suspended,
    /// It has no end.
    Open,
    /// It succeeded.
    Ok,
}

impl RunStatus {
    /// All of them, most common first.
    pub const ALL: [RunStatus; 6] = [
        RunStatus::Ok,
        RunStatus::Error,
        RunStatus::Open,
        RunStatus::Suspended,
        RunStatus::Cancelled,
        RunStatus::Conflicted,
    ];

    /// Its name in JSON and on the command line, such as `suspended`.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Conflicted => "conflicted",
            RunStatus::Error => "error",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Suspended => "suspended",
            RunStatus::Open => "open",
            RunStatus::Ok => "ok",
        }
    }
}

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

/// A run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub run_id: RunId,
    /// The operation. For a run without an owner: the name of its first span.
    pub name: String,
    /// Its status.
    pub status: RunStatus,
    /// Whether code of the application declared it and says when it begins and ends. Other runs consist of their spans.
    pub owned: bool,
    /// When it began.
    pub started_at: u64,
    /// When it ended. For a run without an owner: the end of its last span, once all have ended.
    pub ended_at: Option<u64>,
    /// Why it failed, if its owner said so.
    pub error: Option<String>,
    /// The run that started it.
    pub parent_run_id: Option<RunId>,
    /// The span that started it.
    pub triggered_by_span_id: Option<SpanId>,
    /// Every trace in which it has spans.
    pub trace_ids: Vec<TraceId>,
    /// The recorders that worked on it.
    pub segments: Vec<Segment>,
    /// When it was suspended, in order.
    pub suspensions: Vec<Suspension>,
    /// How long it waited, in nanoseconds: the time in which it was suspended and no span of it ran.
    pub waited: u64,
}

impl Run {
    /// A run with an owner, without an end.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        Run {
            run_id,
            name: name.into(),
            status,
            owned: true,
            started_at,
            ended_at: None,
            error: None,
            parent_run_id: None,
            triggered_by_span_id: None,
            trace_ids: Vec::new(),
            segments: Vec::new(),
            suspensions: Vec::new(),
            waited: 0,
        }
    }

    /// How long it did not wait, from its start until this time, in nanoseconds.
    pub fn worked(&self, until: u64) -> u64 {
        until.saturating_sub(self.started_at).saturating_sub(self.waited)
    }
}

/// One recorder that worked on the run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Segment {
    /// Its id.
    pub segment_id: SegmentId,
    /// The service.
    pub service: String,
    /// How the run got there.
    pub via: Option<Via>,
    /// When it began.
    pub started_at: Option<u64>,
    /// Service, host and process.
    pub resource: Vec<(String, serde_json::Value)>,
    /// The suspension that it ended.
    pub suspension_id: Option<String>,
}

impl Segment {
    /// A segment of which nothing else is known.
    pub fn new(segment_id: SegmentId, service: impl Into<String>) -> Self {
        let service = service.into();
        Segment { segment_id, service, via: None, started_at: None, resource: Vec::new(), suspension_id: None }
    }
}

/// A time in which the run waited.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Suspension {
    /// Its id.
    pub suspension_id: String,
    /// What the run waited for.
    pub reason: Option<String>,
    /// The segment that suspended the run. `None` if that was not recorded.
    pub segment_id: Option<SegmentId>,
    /// When the wait began.
    pub suspended_at: Option<u64>,
    /// When the wait ended. If several segments resumed the run: when the first of them did. Each names the suspension.
    pub resumed_at: Option<u64>,
}

impl Suspension {
    /// A suspension of which nothing else is known.
    pub fn new(suspension_id: impl Into<String>) -> Self {
        let suspension_id = suspension_id.into();
        Suspension { suspension_id, reason: None, segment_id: None, suspended_at: None, resumed_at: None }
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
    /// The index of the parent in [`Graph::spans`]. `None` for a root and for an orphan.
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
    /// Its name. Empty if its start is missing.
    pub name: String,
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
            primitive: String::new(),
            kind: Kind::Internal,
            status: SpanStatus::Open,
            error: None,
            started_at: 0,
            ended_at: None,
            attributes: Vec::new(),
            links: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// The trace that has the id of this run.
pub(super) fn trace_of(run_id: RunId) -> TraceId {
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

/// A relation that is not part of the tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edge {
    /// The kind of relation.
    pub edge_type: String,
    /// One end.
    pub from: Endpoint<'static>,
    /// The other end.
    pub to: Endpoint<'static>,
    /// Whether the graph concluded it, rather than a process recorded it.
    pub derived: bool,
}

impl Edge {
    /// A recorded relation.
    pub fn new(edge_type: impl Into<String>, from: Endpoint<'static>, to: Endpoint<'static>) -> Self {
        Edge { edge_type: edge_type.into(), from, to, derived: false }
    }
}

/// A payload preview or reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Artifact {
    /// The span it belongs to.
    pub span_id: SpanId,
    /// Its id.
    pub artifact_id: String,
    /// What it is to the span.
    pub kind: String,
    /// Its media type.
    pub content_type: String,
    /// How the preview is encoded.
    pub encoding: String,
    /// The size of the whole payload, in bytes.
    pub size_bytes: u64,
    /// A hash of the whole payload.
    pub hash: Option<String>,
    /// The beginning of the payload.
    pub preview: Option<String>,
}

/// Another run, in one line.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunSummary {
    /// Its id.
    pub run_id: RunId,
    /// Its name.
    pub name: String,
    /// When it began.
    pub started_at: u64,
    /// Its status.
    pub status: RunStatus,
    /// How many of its spans failed. A run can succeed although spans of it failed.
    pub errors: u64,
}

impl RunSummary {
    /// A run without failed spans.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        RunSummary { run_id, name: name.into(), started_at, status, errors: 0 }
    }
}

/// A run that is connected by links.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LinkedRun {
    /// The run. In JSON its fields stand beside the others.
    pub run: RunSummary,
    /// Which of the two runs has the links.
    pub direction: LinkDirection,
    /// The spans of the shown run that spans of the other run link to, if they are recorded. Also empty if more than 500
    /// runs link to the shown one.
    pub linked_span_ids: Vec<SpanId>,
}

impl LinkedRun {
    /// A run whose links lead in this direction.
    pub fn new(run: RunSummary, direction: LinkDirection) -> Self {
        LinkedRun { run, direction, linked_span_ids: Vec::new() }
    }
}

/// Where links lead, seen from the run that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkDirection {
    /// From this run to the other.
    To,
    /// From the other run to this one.
    From,
    /// Both ways.
    Both,
}

/// The span behind [`Run::triggered_by_span_id`], if it is recorded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trigger {
    /// The name of the run that started this one.
    pub run_name: String,
    /// The name of the span that started it.
    pub span_name: String,
    /// The kind of step which that is.
    pub primitive: String,
    /// The service that recorded that span.
    pub service: String,
}

impl Trigger {
    /// A span of another run, by names.
    pub fn new(run_name: impl Into<String>, span_name: impl Into<String>) -> Self {
        let (run_name, span_name) = (run_name.into(), span_name.into());
        Trigger { run_name, span_name, primitive: String::new(), service: String::new() }
    }
}

/// Something you should know about the recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// A stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// How often it happened.
    pub count: Option<u64>,
    /// The span it is about.
    pub span_id: Option<SpanId>,
}

impl Diagnostic {
    /// A diagnostic about the run as a whole.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Diagnostic { code: code.into(), message: message.into(), count: None, span_id: None }
    }
}
