//! What was inserted together.

use std::collections::BTreeMap;

/// Batches, by the time at which each was inserted, in microseconds since the Unix epoch.
pub(super) type Batches = BTreeMap<u64, Batch>;

/// What was seen of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) rows: u64,
    pub(super) hash: u32,
}

impl Batch {
    /// Another one if it has other rows.
    pub(super) fn seen(self) -> u32 {
        (self.rows as u32).rotate_left(16) ^ self.hash
    }
}
