//! The graph as it is shown and written as JSON. Field names in JSON are camelCase; times are RFC 3339 in JSON and
//! nanoseconds since the Unix epoch here; absent fields are left out.

use serde::Serialize;
use spanbridge::record::{Endpoint, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId};

/// One run with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The run itself.
    pub run: Run,
    /// Its spans, parents before children, siblings by start.
    pub spans: Vec<Span>,
    /// Relations that are not the tree.
    pub edges: Vec<Edge>,
    /// Payload previews and references.
    pub artifacts: Vec<Artifact>,
    /// Runs that were forked from this one.
    pub child_runs: Vec<RunSummary>,
    /// The other runs of its traces.
    pub related_runs: Vec<RunSummary>,
    /// The runs at the other end of links: those that spans of this one are linked to, and those whose spans are linked to
    /// this one. A run that is among the related ones is not here as well.
    pub linked_runs: Vec<LinkedRun>,
    /// What triggered it, of a run that was forked from another.
    pub trigger: Option<Trigger>,
    /// What a reader should know about the recording.
    pub diagnostics: Vec<Diagnostic>,
}

/// The status of a run: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Records contradict each other.
    Conflicted,
    /// It failed, or a span of a run without an owner did.
    Error,
    /// It was cancelled.
    Cancelled,
    /// It waits.
    Suspended,
    /// It has no end.
    Open,
    /// It ended well.
    Ok,
}

/// The status of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanStatus {
    /// It did what it was for.
    Ok,
    /// It failed and said so.
    Error,
    /// It panicked.
    Panicked,
    /// It was dropped or told to stop.
    Cancelled,
    /// No end is recorded: running, or lost.
    Open,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub run_id: RunId,
    /// The operation; of a run without an owner the name of its first span.
    pub name: String,
    /// Its status.
    pub status: RunStatus,
    /// Somebody declared it, and says when it begins and ends. Other runs consist of their spans.
    pub owned: bool,
    /// When it began.
    pub started_at: u64,
    /// When it ended; of a run without an owner the end of its last span, once all have ended.
    pub ended_at: Option<u64>,
    /// Why it failed, where its owner said so.
    pub error: Option<String>,
    /// The run it was forked from.
    pub parent_run_id: Option<RunId>,
    /// The span that caused it.
    pub triggered_by_span_id: Option<SpanId>,
    /// Every trace it has spans in.
    pub trace_ids: Vec<TraceId>,
    /// Who worked on it.
    pub segments: Vec<Segment>,
    /// When it waited, by start.
    pub suspensions: Vec<Suspension>,
    /// How long it waited, in nanoseconds: it was suspended, and no span of it ran.
    pub waited: u64,
}

impl Run {
    /// How long it did not wait, from its beginning until this time, in nanoseconds.
    pub fn worked(&self, until: u64) -> u64 {
        until.saturating_sub(self.started_at).saturating_sub(self.waited)
    }
}

/// One recorder working on the run.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its id.
    pub segment_id: SegmentId,
    /// The service.
    pub service: String,
    /// How the run came there.
    pub via: Option<Via>,
    /// When.
    pub started_at: Option<u64>,
    /// Service, host and process.
    pub resource: Vec<(String, serde_json::Value)>,
    /// The suspension it continues.
    pub suspension_id: Option<String>,
}

/// A stretch in which the run waited.
#[derive(Clone, Debug)]
pub struct Suspension {
    /// Its id.
    pub suspension_id: String,
    /// What for.
    pub reason: Option<String>,
    /// The segment that suspended the run; `None` where that was not recorded.
    pub segment_id: Option<SegmentId>,
    /// Since when.
    pub suspended_at: Option<u64>,
    /// Until when. Of several segments that resumed it, the first ended the wait; they name the suspension.
    pub resumed_at: Option<u64>,
}

/// A span.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// Its parent as recorded; it may be a span that is not there, or stand for the run itself.
    pub parent_span_id: Option<SpanId>,
    /// The place of the parent among the spans; `None` for a root and for an orphan.
    pub parent: Option<usize>,
    /// How many spans stand above it.
    pub depth: usize,
    /// The parent is named, is not the run, and no record of it is there.
    pub orphan: bool,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its run.
    pub run_id: RunId,
    /// Who recorded it.
    pub segment_id: SegmentId,
    /// The service.
    pub service: String,
    /// Its name. Of a span whose start is missing: empty.
    pub name: String,
    /// What kind of step it is.
    pub primitive: String,
    /// Its role in a remote interaction.
    pub kind: Kind,
    /// How it ended, or that it did not.
    pub status: SpanStatus,
    /// Why, in words.
    pub error: Option<String>,
    /// When it began. Of a span whose start is missing: when it ended.
    pub started_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// Its attributes; the last value of a key counts.
    pub attributes: Vec<(String, serde_json::Value)>,
    /// Spans that belong to it without being its parent.
    pub links: Vec<Link>,
    /// What happened in it.
    pub events: Vec<Event>,
}

/// A link of a span.
#[derive(Clone, Debug)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: Vec<(String, serde_json::Value)>,
}

/// A point in time inside a span.
#[derive(Clone, Debug)]
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

/// A relation that is not the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// What relation.
    pub edge_type: String,
    /// From what.
    pub from: Endpoint<'static>,
    /// To what.
    pub to: Endpoint<'static>,
    /// Concluded by the graph rather than recorded.
    pub derived: bool,
}

/// A payload preview or reference.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The span it belongs to.
    pub span_id: SpanId,
    /// Its id.
    pub artifact_id: String,
    /// What it is to the span.
    pub kind: String,
    /// Its media type.
    pub content_type: String,
    /// How the preview is written.
    pub encoding: String,
    /// The size of the whole payload.
    pub size_bytes: u64,
    /// A hash of the whole payload.
    pub hash: Option<String>,
    /// The beginning of the payload.
    pub preview: Option<String>,
}

/// Another run, in a line.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// Its id.
    pub run_id: RunId,
    /// Its name.
    pub name: String,
    /// When it began.
    pub started_at: u64,
    /// Its status.
    pub status: RunStatus,
    /// How many of its spans failed, also where the run did not.
    pub errors: u64,
}

/// A run at the other end of links.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedRun {
    /// The run. In JSON its fields stand beside the others.
    pub run: RunSummary,
    /// Which of the two has the links.
    pub direction: LinkDirection,
    /// The spans of this run that spans of the other are linked to, as far as they are recorded. Empty, too, where more than
    /// 500 runs are linked to this one.
    pub linked_span_ids: Vec<SpanId>,
}

/// Where links lead, seen from the run that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkDirection {
    /// From this run to the other.
    To,
    /// From the other run to this one.
    From,
    /// Some there, some here.
    Both,
}

/// The other side of [`Run::triggered_by_span_id`], as far as it is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The name of the run that this one was forked from.
    pub run_name: String,
    /// The name of the span that triggered it.
    pub span_name: String,
    /// What kind of step that is.
    pub primitive: String,
    /// The service that recorded that span.
    pub service: String,
}

/// What a reader should know about the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// A stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// How often.
    pub count: Option<u64>,
    /// The span it is about.
    pub span_id: Option<SpanId>,
}
