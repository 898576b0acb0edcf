//! What was done so far, in figures.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a collector has done so far. Others may look at it all along.
#[derive(Debug, Default)]
pub struct CollectFigures(Mutex<Totals>);

/// CollectFigures at one moment. All but those of [`partitions`](Totals::partitions) only grow.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// Messages of stored batches.
    pub messages: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Records that were read in them.
    pub records: u64,
    /// Records that the destination has taken. A database may have had some of them before.
    pub stored: u64,
    /// Records that the destination had already, as far as it says so.
    pub repeated: u64,
    /// Records that contradict others of the same id, as far as the destination says so.
    pub conflicts: u64,
    /// Records that came too late, and are not stored: their runs were pruned.
    pub late: u64,
    /// Messages that were set aside.
    pub set_aside: u64,
    /// Records, and lines that are none, because of which they were.
    pub faults: u64,
    /// Messages that the topic's retention removed before they were read.
    pub lost: u64,
    /// Batches that are stored.
    pub batches: u64,
    /// Batches that were given up, and are read again by somebody.
    pub given_up: u64,
    /// Attempts to store something that failed.
    pub retries: u64,
    /// Commits of offsets.
    pub commits: u64,
    /// Commits that failed. They are tried again.
    pub failed_commits: u64,
    /// How often partitions came or went.
    pub rebalances: u64,
    /// Time that reading records took.
    pub decoding: Duration,
    /// Time that storing them took.
    pub storing: Duration,
    /// The partitions that we have.
    pub partitions: BTreeMap<i32, PartitionFigures>,
}

/// A partition of the topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionFigures {
    /// Its end, as far as we know.
    pub end: Option<i64>,
    /// Up to here, everything is stored.
    pub committed: Option<i64>,
}

impl PartitionFigures {
    /// How many messages are not stored yet, if both ends are known.
    pub fn lag(&self) -> Option<u64> {
        Some(u64::try_from(self.end? - self.committed?).unwrap_or(0))
    }
}

impl Totals {
    /// How many messages are not stored yet, in all partitions of which it is known.
    pub fn lag(&self) -> u64 {
        self.partitions.values().filter_map(PartitionFigures::lag).sum()
    }
}

impl CollectFigures {
    /// CollectFigures at this moment.
    pub fn totals(&self) -> Totals {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Totals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
