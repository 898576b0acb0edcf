//! What you can ask a store, and what it answers.

use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::RunStatus;

/// What an id, or the beginning of one, stands for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Found {
    /// Exactly one thing.
    One {
        /// What was found.
        what: Id,
        /// The runs to show for it, at least one: a run itself; the run that holds a span; a trace's own run or, if it has
        /// none, the runs with spans in it, by start.
        run_ids: Vec<RunId>,
    },
    /// Several ids begin with these digits: all of them, or the first [`Found::MAX_CANDIDATES`].
    Ambiguous(Vec<Candidate>),
    /// No id begins with these digits.
    Nothing,
}

impl Found {
    /// Maximum number of candidates in [`Found::Ambiguous`].
    pub const MAX_CANDIDATES: usize = 20;
}

/// An id, and what it is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Id {
    /// A run. If its trace has the same id, only the run is listed.
    Run(RunId),
    /// A trace that has no run of its own.
    Trace(TraceId),
    /// A span.
    Span(SpanId),
}

impl Id {
    /// What it is the id of: `run`, `trace` or `span`.
    pub fn kind(&self) -> &'static str {
        match self {
            Id::Run(_) => "run",
            Id::Trace(_) => "trace",
            Id::Span(_) => "span",
        }
    }
}

/// The id alone, in full.
impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Id::Run(id) => id.fmt(f),
            Id::Trace(id) => id.fmt(f),
            Id::Span(id) => id.fmt(f),
        }
    }
}

/// One of several things whose ids begin with the same digits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// Its id.
    pub id: Id,
    /// The run that would be shown for it.
    pub run_id: RunId,
    /// The name of the run or the span. For a trace: the name of its first run.
    pub name: String,
}

/// Which runs to list. The default lists all. A run must match everything that is set.
///
/// ```
/// use spanbridge_query::RunFilter;
/// use spanbridge_graph::RunStatus;
/// let filter = RunFilter::default().status(RunStatus::Error).service("billing");
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    pub(crate) status: Option<RunStatus>,
    pub(crate) service: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) since: Option<u64>,
}

impl RunFilter {
    /// Only runs with this status.
    pub fn status(self, status: RunStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Only runs that this service worked on. The name must match exactly.
    pub fn service(self, service: impl Into<String>) -> Self {
        Self { service: Some(service.into()), ..self }
    }

    /// Only runs with this text in their name. Upper and lower case differ.
    pub fn name(self, text: impl Into<String>) -> Self {
        Self { name: Some(text.into()), ..self }
    }

    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub fn since(self, time: u64) -> Self {
        Self { since: Some(time), ..self }
    }
}

/// A run in the list of runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunRow {
    /// Its id.
    pub run_id: RunId,
    /// The operation. For a run without an owner: the name of its first span.
    pub name: String,
    /// Its status.
    pub status: RunStatus,
    /// The services that worked on it, in alphabetical order.
    pub services: Vec<String>,
    /// How many spans it has.
    pub spans: u64,
    /// How many of them ended in an error or a panic.
    pub errors: u64,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// When it ended. `None` while it is open or suspended.
    pub ended_at: Option<u64>,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImportReport {
    /// Records that were read.
    pub read: u64,
    /// Records that are stored now and were not before.
    pub stored: u64,
    /// Records that were already stored, with the same content.
    pub repeated: u64,
    /// Stored records whose id already belonged to a record with different content. Both are kept. The graph shows the
    /// first and marks the run as conflicted.
    pub conflicts: u64,
    /// Records that can never be stored: their position in the input, from 0, and the reason.
    pub rejected: Vec<(u64, String)>,
}
