//! The answer to "why did it fail".

use crate::causes::Hop;
use crate::diff::{Diff, Difference};
use crate::model::{Mutation, Run, RunStatus, RunSummary};
use serde::Serialize;
use spanbridge::{RunId, SpanId, TraceId};

/// Why a run failed: the first failures in causal order, and what surrounds them.
///
/// A failure that its caller handled, and one after which another attempt succeeded, is no failure of the run. It is listed
/// apart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Why {
    /// The run that was asked about.
    pub run: RunSummary,
    /// The error that its owner declared.
    pub error: Option<String>,
    /// What its owner said of it: the attributes of the [`Run`](crate::Run).
    pub attributes: Vec<(String, serde_json::Value)>,
    /// The answer in one word.
    pub outcome: Outcome,
    /// What failed, in causal order: what can have led to another failure comes before it. None of them is the reason of
    /// another. At most [`Why::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// How many more there are.
    pub more_failures: usize,
    /// What failed and then succeeded when it was tried again. At most [`Why::MAX_LISTED`].
    pub recovered: Vec<Excused>,
    /// How many more there are.
    pub more_recovered: usize,
    /// What failed under a caller that went on. At most [`Why::MAX_LISTED`].
    pub handled: Vec<Excused>,
    /// How many more there are.
    pub more_handled: usize,
    /// Transactions of databases that were rolled back, beside those of the failures. At most [`Why::MAX_LISTED`].
    pub rolled_back: Vec<RolledBack>,
    /// How many more there are.
    pub more_rolled_back: usize,
    /// The innermost steps that have no end, and are no failure. At most [`Why::MAX_LISTED`].
    pub unfinished: Vec<Step>,
    /// How many more there are.
    pub more_unfinished: usize,
    /// The last run of the same kind in which nothing failed for good. Only a store knows it.
    pub last_good: Option<LastGood>,
    /// What makes the answer less certain.
    pub notes: Vec<Note>,
}

impl Why {
    /// Maximum number of failures. Equal ones count as one.
    pub const MAX_FAILURES: usize = 50;
    /// Maximum length of the other lists.
    pub const MAX_LISTED: usize = 20;
    /// Maximum number of steps in a path. Of a longer one the middle is left out.
    pub const MAX_PATH: usize = 64;
}

/// What happened, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Something failed.
    Failed,
    /// Nothing failed, but the run or a part of it was cancelled.
    Cancelled,
    /// Nothing failed or was cancelled, and the run has not ended.
    Unfinished,
    /// Nothing failed for good.
    Ok,
}

impl Outcome {
    /// Its name in JSON, such as `unfinished`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
            Outcome::Unfinished => "unfinished",
            Outcome::Ok => "ok",
        }
    }
}

/// A step at which a failure began.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// The steps from the first recorded cause to the one that failed, which comes last.
    pub path: Vec<Step>,
    /// How many steps were left out in the middle of the path, after its first [`Failure::PATH_HEAD`].
    pub path_omitted: usize,
    /// The attempts before it, which failed too: earlier deliveries of the message, or equal steps, in order.
    pub attempts: Vec<Step>,
    /// How many more attempts there are before those.
    pub more_attempts: usize,
    /// What failed before it on its way and was passed over, nearest first. It may have to do with the failure, or not.
    pub earlier: Vec<Step>,
    /// What failed, was cancelled or was lost because of it, nearest first.
    pub took_down: Vec<Step>,
    /// How many more steps it took down.
    pub more_taken_down: usize,
    /// Where the message went that nobody could work on: the work on the dead letter.
    pub dead_letter: Option<Step>,
    /// The rows that were changed before it, in causal order: on its way, by what had ended before it, and by earlier attempts. At
    /// most [`Failure::MAX_CHANGES`], the last ones. What was rolled back is not among them. Rows of its run of which the span is not
    /// recorded are, whenever they were changed.
    pub changes: Vec<StateChange>,
    /// How many more rows were changed before those.
    pub more_changes: usize,
    /// Of the rows that its service or its statement had to do with: the last change before it by another run, or by an unknown
    /// writer. Only a store knows it.
    pub other_writers: Vec<StateChange>,
    /// The transactions on its way, and those of earlier attempts, that were rolled back. At most [`Why::MAX_LISTED`].
    pub rolled_back: Vec<RolledBack>,
    /// How many more there are.
    pub more_rolled_back: usize,
    /// How many more failures are like this one: the same step of the same service with the same error. Of a run that is too large to
    /// be read whole, among the spans that were looked at.
    pub alike: usize,
    /// Whether the owner of the run ended it as ok all the same.
    pub owner_ok: bool,
}

impl Failure {
    /// The number of steps at the beginning of a path that are never left out.
    pub const PATH_HEAD: usize = 16;
    /// Maximum number of changed rows that are listed.
    pub const MAX_CHANGES: usize = 20;

    /// The step that failed.
    pub fn step(&self) -> Option<&Step> {
        self.path.last()
    }
}

/// What went wrong. The names are the same in every release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// It ended with an error.
    Error,
    /// It panicked.
    Panic,
    /// Its caller gave up, or another attempt began, and it has no end: it hangs, or its process was killed.
    NoEnd,
    /// It was still working when the time of its function was up.
    OutOfTime,
    /// Its caller gave up waiting before it was done.
    TooSlow,
    /// The response of the function did not arrive.
    ResponseLost,
    /// The broker refused the message.
    Rejected,
    /// The broker returned the message: no queue takes it.
    Returned,
    /// The transaction of the message was rolled back, so it was never sent.
    RolledBack,
    /// The consumer refused the message.
    Refused,
    /// The message was dead-lettered, and no failed work on it is recorded.
    DeadLettered,
    /// It was cancelled.
    Cancelled,
    /// The owner of the run declared it failed, and no failed step explains it.
    Declared,
}

impl FailureKind {
    /// All of them.
    pub const ALL: [FailureKind; 13] = [
        FailureKind::Error,
        FailureKind::Panic,
        FailureKind::NoEnd,
        FailureKind::OutOfTime,
        FailureKind::TooSlow,
        FailureKind::ResponseLost,
        FailureKind::Rejected,
        FailureKind::Returned,
        FailureKind::RolledBack,
        FailureKind::Refused,
        FailureKind::DeadLettered,
        FailureKind::Cancelled,
        FailureKind::Declared,
    ];

    /// Its name in JSON, such as `no_end`.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureKind::Error => "error",
            FailureKind::Panic => "panic",
            FailureKind::NoEnd => "no_end",
            FailureKind::OutOfTime => "out_of_time",
            FailureKind::TooSlow => "too_slow",
            FailureKind::ResponseLost => "response_lost",
            FailureKind::Rejected => "rejected",
            FailureKind::Returned => "returned",
            FailureKind::RolledBack => "rolled_back",
            FailureKind::Refused => "refused",
            FailureKind::DeadLettered => "dead_lettered",
            FailureKind::Cancelled => "cancelled",
            FailureKind::Declared => "declared",
        }
    }

    /// What went wrong, as the end of a sentence that begins with the step.
    pub fn words(self) -> &'static str {
        match self {
            FailureKind::Error => "failed",
            FailureKind::Panic => "panicked",
            FailureKind::NoEnd => "has no end: it hangs, or its process was killed",
            FailureKind::OutOfTime => "was still running when the time of its function was up",
            FailureKind::TooSlow => "was not done when its caller stopped waiting",
            FailureKind::ResponseLost => "was done, but its response did not arrive",
            FailureKind::Rejected => "was rejected by the broker",
            FailureKind::Returned => "was returned by the broker: no queue takes the message",
            FailureKind::RolledBack => "was rolled back, so nothing was sent",
            FailureKind::Refused => "refused the message",
            FailureKind::DeadLettered => "ended with its message dead-lettered",
            FailureKind::Cancelled => "was cancelled",
            FailureKind::Declared => "was declared as failed by its owner",
        }
    }
}

/// A span, or a run that its owner declared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// Its run.
    pub run_id: RunId,
    /// The span. `None`: the step is the run itself.
    pub span_id: Option<SpanId>,
    /// Its name. Empty if its start is not recorded.
    pub name: String,
    /// The kind of step; of a run `run`.
    pub primitive: String,
    /// The service that recorded it.
    pub service: String,
    /// The status of the span or of the run, such as `error`.
    pub status: &'static str,
    /// The error, in words.
    pub error: Option<String>,
    /// The class of the error.
    pub error_type: Option<String>,
    /// How the work got here from the step before.
    pub hop: Hop,
    /// Why nothing is recorded before it, if something should be.
    pub lost: Option<Lost>,
    /// When it began, by the clock of its service.
    pub started_at: u64,
    /// How long it took, if it has ended.
    pub duration: Option<u64>,
}

/// Why nothing is recorded before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lost {
    /// It names a parent that is not recorded.
    Parent,
    /// It is the work on a message that came without a context.
    Context,
}

/// A row that was changed before a failure.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateChange {
    /// The row, and what was done.
    pub mutation: Mutation,
    /// Who wrote it. `None`: an unknown writer.
    pub writer: Option<StateWriter>,
    /// The service that recorded it. Empty if that is not known.
    pub service: String,
}

/// The run, and the span in it, that changed a row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateWriter {
    /// The run.
    pub run_id: RunId,
    /// What it is called.
    pub run_name: String,
    /// The trace.
    pub trace_id: Option<TraceId>,
    /// The span, if it is known.
    pub span_id: Option<SpanId>,
    /// What that is called, if it is recorded.
    pub span_name: Option<String>,
}

/// A transaction of a database that was rolled back: nothing that it wrote is in the database.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RolledBack {
    /// The transaction. If its span is not recorded: a statement in it.
    pub transaction: Step,
    /// The statements in it that had changed rows, in causal order. At most [`Why::MAX_LISTED`].
    pub statements: Vec<Step>,
    /// How many more there are.
    pub more_statements: usize,
}

impl StateChange {
    /// A change, by an unknown writer.
    pub fn new(mutation: Mutation, service: impl Into<String>) -> Self {
        StateChange { mutation, writer: None, service: service.into() }
    }

    /// Says who wrote it.
    pub fn by(self, writer: Option<StateWriter>) -> Self {
        StateChange { writer, ..self }
    }
}

impl StateWriter {
    /// A run of which the span is not known.
    pub fn new(run_id: RunId, run_name: impl Into<String>) -> Self {
        StateWriter { run_id, run_name: run_name.into(), trace_id: None, span_id: None, span_name: None }
    }

    /// The span that wrote, and its name if that is recorded.
    pub fn with_span(self, trace_id: Option<TraceId>, span_id: Option<SpanId>, span_name: Option<String>) -> Self {
        StateWriter { trace_id, span_id, span_name, ..self }
    }
}

/// A failure that did not matter in the end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Excused {
    /// Where it began.
    pub step: Step,
    /// The attempt that succeeded, or the caller that went on.
    pub by: Step,
    /// How many failed: equal ones count together.
    pub count: usize,
}

/// The last run of the same kind in which nothing failed for good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LastGood {
    /// The run.
    pub run: RunSummary,
    /// The first difference from it to the run that was asked about, in causal order. `None` if they are alike.
    pub first_difference: Option<Difference>,
    /// How many differences there are.
    pub differences: usize,
}

/// Something that makes an answer less certain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Note {
    /// A stable code.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

impl Note {
    /// A note.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Note { code, message: message.into() }
    }
}

impl LastGood {
    /// A good run, and how the run that was asked about differs from it.
    pub fn new(diff: Diff) -> Self {
        let differences = diff.differences.len() + diff.more_differences;
        LastGood { run: diff.left, first_difference: diff.differences.into_iter().next(), differences }
    }
}

impl Why {
    /// An answer in which nothing failed.
    pub(super) fn nothing(run: RunSummary, of: &Run) -> Self {
        let outcome = match run.status {
            RunStatus::Open | RunStatus::Suspended => Outcome::Unfinished,
            _ => Outcome::Ok,
        };
        Why {
            run,
            error: of.error.clone(),
            attributes: of.attributes.clone(),
            outcome,
            failures: Vec::new(),
            more_failures: 0,
            recovered: Vec::new(),
            more_recovered: 0,
            handled: Vec::new(),
            more_handled: 0,
            rolled_back: Vec::new(),
            more_rolled_back: 0,
            unfinished: Vec::new(),
            more_unfinished: 0,
            last_good: None,
            notes: Vec::new(),
        }
    }
}
