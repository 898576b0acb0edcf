//! What the store answers.

use crate::graph::RunStatus;
use spanbridge::{RunId, SpanId, TraceId};

/// What an id, or the beginning of one, stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// One thing. The runs to show for it, never none: the run itself; of a span the run that holds it; of a trace its
    /// own run, or where it has none the runs with spans in it, by start.
    One {
        /// What was found.
        what: Id,
        /// The runs to show.
        run_ids: Vec<RunId>,
    },
    /// Several things begin with these digits: all of them, or the first [`Found::MAX_CANDIDATES`].
    Ambiguous(Vec<Candidate>),
    /// Nothing begins with these digits.
    Nothing,
}

impl Found {
    /// How many candidates are listed at most.
    pub const MAX_CANDIDATES: usize = 20;
}

/// An id and what kind of thing it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// A run; where its id is its trace's too, the trace is not listed beside it.
    Run(RunId),
    /// A trace that has no run of its own.
    Trace(TraceId),
    /// A span.
    Span(SpanId),
}

impl Id {
    /// The word for the kind of thing: `run`, `trace` or `span`.
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

/// One of the things that begin with the same digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which.
    pub id: Id,
    /// The run that would be shown for it.
    pub run_id: RunId,
    /// The name of the run, the span, or of the first run of the trace.
    pub name: String,
}

/// Which runs to list. The default lists all; what is set must all hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    /// Only runs in this state.
    pub status: Option<RunStatus>,
    /// Only runs that this service (its whole name) worked on.
    pub service: Option<String>,
    /// Only runs with this text in their name; case counts.
    pub name: Option<String>,
    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
}

/// A run in the list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub run_id: RunId,
    /// The operation; of a run without an owner the name of its first span.
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
    /// Records that were offered.
    pub read: u64,
    /// Records that were not there before and now are.
    pub stored: u64,
    /// Records that were there already, word for word: nothing was done.
    pub repeated: u64,
    /// Of the stored ones, those whose id was taken by a record that says something else. Both are kept; the graph
    /// shows the first and marks the run as conflicted.
    pub conflicts: u64,
    /// Records that can never be stored, by their place in what was offered (from 0), and why.
    pub rejected: Vec<(u64, String)>,
}
