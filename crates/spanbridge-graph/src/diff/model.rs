//! How two runs differ.

use crate::model::RunSummary;
use serde::Serialize;
use serde_json::Value;
use spanbridge::{RunId, SpanId};
use std::time::Duration;

/// How two runs differ.
///
/// Steps are matched by name, kind of step and position. What differs between two equal runs is no difference: ids, times,
/// ports, addresses, positions in queues, sizes, and which of several concurrent steps began first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diff {
    /// The run that the other is compared with.
    pub left: RunSummary,
    /// The other run.
    pub right: RunSummary,
    /// The answer in one word.
    pub verdict: Verdict,
    /// The differences, in causal order: what a step began with, then what is below it, then how it ended. Equal ones count as
    /// one. At most [`Diff::MAX_DIFFERENCES`].
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub more_differences: usize,
    /// How many steps were matched.
    pub matched: usize,
    /// How many runs that one of the two caused were not read, because there are too many: what differs in them is not known. Only a
    /// store knows them.
    pub runs_not_read: usize,
    /// What makes the answer less certain, in words: runs that are so large that not all of their spans were compared. Usually
    /// empty.
    pub notes: Vec<String>,
}

impl Diff {
    /// Maximum number of differences.
    pub const MAX_DIFFERENCES: usize = 500;
    /// Maximum number of steps in the path of a difference. The nearest are kept.
    pub const MAX_PATH: usize = 32;
}

/// What counts as a difference in time. A step must be slower by both.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiffOptions {
    /// By how many percent. Default: 20.
    pub percent: f64,
    /// By how long. Default: 100 ms.
    pub least: Duration,
}

impl Default for DiffOptions {
    fn default() -> Self {
        DiffOptions { percent: 20.0, least: Duration::from_millis(100) }
    }
}

impl DiffOptions {
    /// By how many percent a step must be slower.
    pub fn percent(self, percent: f64) -> Self {
        Self { percent, ..self }
    }

    /// By how long a step must be slower.
    pub fn least(self, least: Duration) -> Self {
        Self { least, ..self }
    }
}

/// How the right run differs from the left one, in one word: the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Something failed that did not fail in the left run.
    Regressed,
    /// Something that failed in the left run did not.
    Fixed,
    /// Steps were added, removed or changed.
    Changed,
    /// Only times differ, and a step is slower.
    Slower,
    /// Only times differ, and no step is slower.
    Faster,
    /// There is no difference.
    Identical,
}

impl Verdict {
    /// All of them, in this order.
    pub const ALL: [Verdict; 6] =
        [Verdict::Regressed, Verdict::Fixed, Verdict::Changed, Verdict::Slower, Verdict::Faster, Verdict::Identical];

    /// Its name in JSON and in the page, such as `regressed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Regressed => "regressed",
            Verdict::Fixed => "fixed",
            Verdict::Changed => "changed",
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::Identical => "identical",
        }
    }
}

/// A difference.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// The names of the steps above it, the first cause first.
    pub path: Vec<String>,
    /// The name of the step.
    pub name: String,
    /// The kind of step; of a run `run`.
    pub primitive: String,
    /// The service that recorded it.
    pub service: String,
    /// The step in the left run.
    pub left: Option<DiffSide>,
    /// The step in the right run.
    pub right: Option<DiffSide>,
    /// What changed: attributes, or times in milliseconds.
    pub changes: Vec<Change>,
    /// How many steps stand below a step that was added or removed.
    pub below: usize,
    /// How many differences are like this one.
    pub count: usize,
}

/// What differs. The names are the same in every release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The step is in the right run only.
    Added,
    /// The step is in the left run only.
    Removed,
    /// It ended differently.
    Status,
    /// Its attributes, its service or its error differ, its payloads (by kind, size and hash), which events it had and how often, or
    /// for what a run was suspended.
    Attributes,
    /// It took longer itself, or its message was longer in the queue.
    Slower,
    /// The reverse.
    Faster,
}

impl DifferenceKind {
    /// All of them.
    pub const ALL: [DifferenceKind; 6] = [
        DifferenceKind::Added,
        DifferenceKind::Removed,
        DifferenceKind::Status,
        DifferenceKind::Attributes,
        DifferenceKind::Slower,
        DifferenceKind::Faster,
    ];

    /// Its name in JSON, such as `added`.
    pub fn as_str(self) -> &'static str {
        match self {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Status => "status",
            DifferenceKind::Attributes => "attributes",
            DifferenceKind::Slower => "slower",
            DifferenceKind::Faster => "faster",
        }
    }
}

/// A step in one of the runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiffSide {
    /// Its run.
    pub run_id: RunId,
    /// The span. `None`: the step is the run itself.
    pub span_id: Option<SpanId>,
    /// Its status, such as `error`.
    pub status: &'static str,
    /// Its error, in words.
    pub error: Option<String>,
}

/// A value that changed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The key of the attribute; or `name`, `primitive`, `service`, `error`; or `selfMs`, `queuedMs`; or
    /// `event NAME` or `suspended REASON`, with how often; or `artifact KIND`, with the size and the hash of the payload.
    pub key: String,
    /// The value in the left run.
    pub left: Option<Value>,
    /// The value in the right run.
    pub right: Option<Value>,
}

impl Change {
    pub(super) fn new(key: &str, left: Option<Value>, right: Option<Value>) -> Self {
        Change { key: key.to_owned(), left, right }
    }
}
