//! A run: who worked on it, and when it waited.

use super::failed::FailedWork;
use serde::Serialize;
use spanbridge::record::Via;
use spanbridge::{RunId, SegmentId, SpanId, TraceId};

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
    /// Whether its start is recorded. A run without an owner has none: it begins with its first span.
    pub has_start: bool,
    /// When it began.
    pub started_at: u64,
    /// When it ended. For a run without an owner: the end of its last span, once all have ended.
    pub ended_at: Option<u64>,
    /// Messages that failed for good, although the run succeeded.
    pub failed_work: FailedWork,
    /// Why it failed, if its owner said so.
    pub error: Option<String>,
    /// The run that started it.
    pub parent_run_id: Option<RunId>,
    /// The span that started it.
    pub triggered_by_span_id: Option<SpanId>,
    /// What its owner said of it. The last value of a key counts, also across the processes that worked on it.
    pub attributes: Vec<(String, serde_json::Value)>,
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
            has_start: true,
            started_at,
            ended_at: None,
            failed_work: FailedWork::default(),
            error: None,
            parent_run_id: None,
            triggered_by_span_id: None,
            attributes: Vec::new(),
            trace_ids: Vec::new(),
            segments: Vec::new(),
            suspensions: Vec::new(),
            waited: 0,
        }
    }

    /// The value of this attribute.
    pub fn attribute(&self, key: &str) -> Option<&serde_json::Value> {
        self.attributes.iter().rfind(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The segment that began it, else the first by time.
    pub(crate) fn first_segment(&self) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.via == Some(Via::Start)).or(self.segments.first())
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
#[derive(Clone, Debug, PartialEq)]
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
