//! What an engine is to remove, and what it has removed.

use spanbridge::RunId;
use std::time::Duration;

const DAY: u64 = 86_400;

/// Which runs are old. Engines keep records by days, so a day is the unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Old {
    /// Runs in which nothing happened since this time, in nanoseconds since the Unix epoch: the beginning of a day in UTC.
    pub before: u64,
    /// Not these, however old they are. Sorted.
    pub keep: Vec<RunId>,
    /// Remove nothing, and say what would be removed.
    pub dry_run: bool,
}

impl Old {
    /// Runs in which nothing happened since the beginning of the day of this time, in nanoseconds since the Unix epoch.
    pub fn before(time: u64) -> Self {
        let second = Duration::from_nanos(time).as_secs();
        let before = (second - second % DAY).saturating_mul(1_000_000_000);
        Self { before, keep: Vec::new(), dry_run: false }
    }

    /// The first day whose runs stay, counted from the Unix epoch.
    pub fn first_day(&self) -> u64 {
        Duration::from_nanos(self.before).as_secs() / DAY
    }
}

/// What an engine has removed, or would remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// Runs.
    pub runs: u64,
    /// Their spans.
    pub spans: u64,
    /// Bytes that they took. In a dry run, about.
    pub bytes: u64,
    /// Bytes that are left.
    pub bytes_left: u64,
    /// Of the runs that are to be [kept](Old::keep): those that would be gone otherwise.
    pub kept: Vec<RunId>,
}
