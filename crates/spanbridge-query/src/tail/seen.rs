//! Deliveries that were read. After an ambiguous error, a writer writes a delivery again.

use spanbridge_store::log::BatchId;
use std::collections::{HashSet, VecDeque};

/// How many are remembered. A delivery that comes twice comes within moments.
const REMEMBERED: usize = 1 << 16;

/// The deliveries that were read last.
#[derive(Debug, Default)]
pub(super) struct Seen {
    all: HashSet<(BatchId, u64)>,
    order: VecDeque<(BatchId, u64)>,
}

impl Seen {
    /// Whether this delivery, with this hash of its content, did not come before.
    pub(super) fn is_new(&mut self, batch: Option<BatchId>, hash: u64) -> bool {
        let Some(batch) = batch else { return true };
        if !self.all.insert((batch, hash)) {
            return false;
        }
        self.order.push_back((batch, hash));
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
        true
    }
}
