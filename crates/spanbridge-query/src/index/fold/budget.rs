//! How much to fold, and what was folded.

use std::time::Duration;

/// How many spans a step folds at most. More make larger pieces and fewer rows to change, but a longer transaction.
pub(in crate::index) const STEP_SPANS: u64 = 128 << 10;

/// How much to fold at most. The default folds everything that is there.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FoldBudget {
    /// No step begins after this time. A step takes up to some tenths of a second.
    pub time: Option<Duration>,
    /// Spans after which no step begins.
    pub spans: Option<u64>,
    /// What is little and new stays in the logs: reading it there takes less than the small blocks that it would become. Little
    /// is less than this many bytes in few files; new is less than an hour old. Default: 0, nothing stays.
    pub least: u64,
}

impl FoldBudget {
    /// Everything that is there.
    pub fn everything() -> Self {
        Self::default()
    }

    /// As much as fits into this time, unless there is little: less than 1 MiB.
    pub fn time(time: Duration) -> Self {
        Self { time: Some(time), least: 1 << 20, ..Self::default() }
    }

    /// About this many spans.
    pub fn spans(spans: u64) -> Self {
        Self { spans: Some(spans), ..Self::default() }
    }

    /// A step takes a tenth of a second or two. Within a short time, smaller ones are taken.
    pub(in crate::index) fn step(&self) -> u64 {
        let wanted = self.spans.unwrap_or(STEP_SPANS).clamp(1, STEP_SPANS);
        match self.time {
            Some(time) if time < Duration::from_millis(500) => (time.as_millis() as u64 * 256).max(4096).min(wanted),
            _ => wanted,
        }
    }
}

/// What a fold did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoldReport {
    /// Transactions.
    pub steps: u64,
    /// Deliveries that were folded.
    pub frames: u64,
    /// Spans that begin in them.
    pub spans: u64,
    /// Bytes of the logs that were passed.
    pub bytes: u64,
    /// Bytes of the blocks that were written.
    pub written: u64,
    /// Deliveries that had been folded before.
    pub repeated: u64,
    /// Deliveries whose number had been used for other content.
    pub conflicts: u64,
    /// Bytes of the logs that are left.
    pub remaining: u64,
    /// Log files that were removed.
    pub removed: u64,
    /// Somebody else is folding, so this fold left.
    pub is_busy: bool,
}
