//! What a graph of a very large run does not show.

use serde::Serialize;
use spanbridge::SpanId;

/// How large a graph may be. A run with more spans is summarised: see [`LeftOut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphLimit {
    /// Runs with up to this many spans are shown whole. Default: 50,000.
    pub whole: u64,
    /// About how many spans of a larger one are shown. Default: 2,000.
    pub shown: usize,
}

impl Default for GraphLimit {
    fn default() -> Self {
        Self { whole: 50_000, shown: 2_000 }
    }
}

impl GraphLimit {
    /// Every run is shown whole, however much memory that takes: about 1.5 KB for each span.
    pub fn none() -> Self {
        Self { whole: u64::MAX, ..Self::default() }
    }

    /// Runs with up to this many spans are shown whole.
    pub fn whole(self, spans: u64) -> Self {
        Self { whole: spans, ..self }
    }

    /// About how many spans of a larger one are shown.
    pub fn shown(self, spans: usize) -> Self {
        Self { shown: spans, ..self }
    }
}

/// What the graph of a very large run does not show, and the figures of the whole run.
///
/// Failures and the spans above and around them are shown first, then the longest parts of the critical path, the slowest spans,
/// and the first levels of the tree with one or two of each kind of equal siblings. Every other span counts in one of the
/// [groups](LeftOut::groups).
///
/// The run itself (name, status, times, services, failed work) is judged by all of its spans. What can only be computed of the spans
/// that are shown is left out where it would be wrong: a span of which not all children are shown has no
/// [`self_time`](super::SpanTimes::self_time). A critical path goes through the spans that are shown.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LeftOut {
    /// How many spans the run has.
    pub spans: u64,
    /// How many of them failed or panicked.
    pub errors: u64,
    /// How many have no end.
    pub open: u64,
    /// When the last thing that a span did happened, in nanoseconds since the Unix epoch.
    pub last_at: u64,
    /// How many failed spans are not shown.
    pub errors_left_out: u64,
    /// Whether messages failed that are not shown, so that [`failed_work`](super::Run::failed_work) counts too few.
    pub failed_work_left_out: bool,
    /// Whether a span with links is not shown, so that the links and the [linked runs](super::Graph::linked_runs) are not all.
    pub links_left_out: bool,
    /// The spans that are not shown, the largest groups first. Each span counts in one group.
    pub groups: Vec<LeftOutGroup>,
    /// Records that are not shown although they are about the run or a span that is shown, because there are too many: events,
    /// attributes, relations, artifacts.
    pub records: u64,
    /// How many changed rows are not shown.
    pub mutations: u64,
    /// How many spans the list of runs counts: those of which the start is recorded, or the end if there are more of these.
    #[doc(hidden)]
    pub listed: u64,
    /// The spans that are shown, but not all of their children. Sorted.
    pub incomplete: Vec<SpanId>,
    /// The services that worked on the run, at most [`LeftOut::MAX_SERVICES`].
    pub services: Vec<String>,
}

impl LeftOut {
    /// Maximum number of services.
    pub const MAX_SERVICES: usize = 1_000;
    /// Maximum number of groups. The rest of the spans count in the last one.
    pub const MAX_GROUPS: usize = 200;

    /// How many spans are not shown.
    pub fn total(&self) -> u64 {
        self.groups.iter().map(LeftOutGroup::total).sum()
    }
}

/// Spans that are not shown.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LeftOutGroup {
    /// What they have in common.
    pub kind: LeftOutKind,
    /// The shown span below which they are. `None`: they stand at the top, or in several places.
    pub below: Option<SpanId>,
    /// The shown span that they are like. Only for [`Alike`](LeftOutKind::Alike) and [`Orphans`](LeftOutKind::Orphans).
    pub like: Option<SpanId>,
    /// How many there are, without what is below them.
    pub count: u64,
    /// How many more spans are below them and not shown.
    pub deeper: u64,
    /// How many of all these failed.
    pub errors: u64,
    /// The median of their durations, with those that are shown, in nanoseconds. Of spans that have ended.
    pub median: Option<u64>,
    /// The longest duration.
    pub max: Option<u64>,
}

impl LeftOutGroup {
    /// How many spans are in the group, with what is below.
    pub fn total(&self) -> u64 {
        self.count.saturating_add(self.deeper)
    }
}

/// What spans that are not shown have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutKind {
    /// Siblings of a shown span that are like it: the same name, kind of step, service, status and error.
    Alike,
    /// The same without a recorded parent.
    Orphans,
    /// All other spans below a shown one, or at the top.
    Others,
}

impl LeftOutKind {
    /// Its name in JSON, such as `alike`.
    pub fn as_str(self) -> &'static str {
        match self {
            LeftOutKind::Alike => "alike",
            LeftOutKind::Orphans => "orphans",
            LeftOutKind::Others => "others",
        }
    }
}
