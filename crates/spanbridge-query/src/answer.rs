//! What you can ask a store, and what it answers.

use spanbridge::{RunId, SpanId, TraceId};

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
    /// Records that came too late: their run was [pruned](crate::keeping::prune_store), or would have been by now. They are not stored, so
    /// no half of a run comes back. Their position in the input, from 0. A directory does not do that.
    pub late: Vec<u64>,
}

impl ImportReport {
    /// Why a record is late, for people.
    pub const LATE: &str = "it is late: its run was pruned, or is older than what is kept";
}

/// What became of a record that was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Imported {
    /// It is stored now, and was not before.
    New,
    /// It was already stored, with the same content.
    Repeated,
    /// It is stored now, and its id already belonged to a record with different content.
    Conflict,
    /// It can never be stored. [`ImportReport::rejected`] says why.
    Rejected,
    /// It is not stored: its run was pruned, or would have been by now. See [`ImportReport::late`].
    Late,
}
