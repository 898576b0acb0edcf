//! The critical path of a run, and the times of its spans.

use serde::Serialize;
use spanbridge::{RunId, SpanId};

/// What the duration of a run consists of: from its end back to its start, always what was waited for.
///
/// It crosses queues: before the work on a message comes the time in the queue, before that the step that sent it. So it also
/// covers work that went on after the owner had ended the run. Its stretches are in order and do not overlap, and together they
/// cover the time from `started_at` to `ended_at` without a gap. Where clocks contradict each other, a stretch says
/// [`NotComputed`](StretchKind::NotComputed); a time is never negative.
///
/// ```
/// use spanbridge_graph::{CriticalPath, Graph, StretchKind};
/// # fn show(graph: &Graph) {
/// let path = CriticalPath::of(graph);
/// for stretch in &path.stretches {
///     println!("{:?} {} ns in {:?}", stretch.kind, stretch.duration(), stretch.span_id);
/// }
/// println!("{} ns in queues", path.total(StretchKind::Queue));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CriticalPath {
    /// When the run began.
    pub started_at: u64,
    /// When the last thing that the run caused ended; for a run without an end, when the last thing was recorded.
    pub ended_at: u64,
    /// The stretches, in order.
    pub stretches: Vec<Stretch>,
    /// Spans that are not on the path, with what they caused, because their times contradict those of what caused them.
    pub skewed: Vec<SpanId>,
}

impl CriticalPath {
    /// How much of it is of this kind, in nanoseconds.
    pub fn total(&self, kind: StretchKind) -> u64 {
        self.stretches.iter().filter(|s| s.kind == kind).map(Stretch::duration).sum()
    }
}

/// A part of a critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stretch {
    /// What happened.
    pub kind: StretchKind,
    /// The run: the one that was asked about, or a child run.
    pub run_id: RunId,
    /// The span that worked, or, for time in a queue, the span that began at its end. `None` is the run itself.
    pub span_id: Option<SpanId>,
    /// From when, in nanoseconds since the Unix epoch.
    pub from: u64,
    /// Until when. Later than `from`.
    pub to: u64,
}

impl Stretch {
    /// How long it is, in nanoseconds.
    pub fn duration(&self) -> u64 {
        self.to.saturating_sub(self.from)
    }
}

/// What happened in a part of a critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StretchKind {
    /// The span itself worked, or waited for something that is not recorded. Without a span: the code of the run's owner did.
    Work,
    /// A message waited in its queue, or to be delivered again.
    Queue,
    /// The run was suspended.
    Suspended,
    /// Nothing that is recorded went on.
    Idle,
    /// Clocks contradict each other, so nobody knows what happened when.
    NotComputed,
}

impl StretchKind {
    /// Its name in JSON, such as `not_computed`.
    pub fn as_str(self) -> &'static str {
        match self {
            StretchKind::Work => "work",
            StretchKind::Queue => "queue",
            StretchKind::Suspended => "suspended",
            StretchKind::Idle => "idle",
            StretchKind::NotComputed => "not_computed",
        }
    }
}

/// How the time of a span was spent, in nanoseconds. See [`SpanTimes::of`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanTimes {
    /// The time in which neither a child that it waited for ran nor the run was suspended. `None` if the span has no end, if
    /// clocks contradict each other, or if not all children are in the graph of a very large run.
    pub self_time: Option<u64>,
    /// How long its message was in the queue: from the end of the step that sent it (or from its start, if it had not ended yet)
    /// until the span began; for a later attempt, since the one before. `None` if the span is not the work on a message, if what
    /// was before is not recorded, or if clocks contradict each other.
    pub queued: Option<u64>,
    /// How long the run was suspended during the span, while no child ran.
    pub suspended: u64,
    /// Whether its times cannot be true: it ended before it began, or began before what caused it, or was called after its
    /// caller had the answer.
    pub clock_skew: bool,
}
