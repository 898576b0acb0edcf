//! Other runs that a run is connected with.

use super::failed::FailedWork;
use super::run::{RunStatus, Suspension};
use serde::Serialize;
use spanbridge::{RunId, SpanId};

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
    /// Messages that failed for good, although the run succeeded.
    pub failed_work: FailedWork,
    /// When it waited. Known of child runs that are shown [inline](super::Graph::inline); elsewhere empty.
    pub suspensions: Vec<Suspension>,
}

impl RunSummary {
    /// A run without failed spans.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        let (failed_work, suspensions) = (FailedWork::default(), Vec::new());
        RunSummary { run_id, name: name.into(), started_at, status, errors: 0, failed_work, suspensions }
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

/// A run that is connected with the shown one and was removed from the store by `spanbridge prune`. Nothing else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PrunedRun {
    /// Its id.
    pub run_id: RunId,
    /// How it is connected with the shown run.
    pub relation: Relation,
}

impl PrunedRun {
    /// A run that was pruned.
    pub fn new(run_id: RunId, relation: Relation) -> Self {
        PrunedRun { run_id, relation }
    }
}

/// How another run is connected with the one that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Relation {
    /// It started the shown run.
    Parent,
    /// The shown run started it.
    Child,
    /// It is in the same trace.
    Related,
    /// A link leads from one to the other.
    Linked,
}

/// The span behind [`Run::triggered_by_span_id`](super::Run::triggered_by_span_id), if it is recorded.
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
    /// When that span began.
    pub started_at: Option<u64>,
    /// When it ended.
    pub ended_at: Option<u64>,
}

impl Trigger {
    /// A span of another run, by names.
    pub fn new(run_name: impl Into<String>, span_name: impl Into<String>) -> Self {
        let (run_name, span_name) = (run_name.into(), span_name.into());
        Trigger {
            run_name,
            span_name,
            primitive: String::new(),
            service: String::new(),
            started_at: None,
            ended_at: None,
        }
    }
}
