//! What a shipper has done, in numbers.

use super::position::Position;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// What a shipper has done since it was started, and where it stands. Any thread may read it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Records that have arrived.
    pub records: AtomicU64,
    /// Bytes of logs whose records have arrived.
    pub bytes: AtomicU64,
    /// Batches that have arrived.
    pub batches: AtomicU64,
    /// Batches that were sent again.
    pub retries: AtomicU64,
    /// Records that the far end can never take.
    pub rejected: AtomicU64,
    /// Bytes of logs that have not arrived.
    pub backlog_bytes: AtomicU64,
    /// Logs that were removed before they were sent to their end, since this shipper ran first.
    pub lost_logs: AtomicU64,
    /// Their bytes, as far as their length is known, since this shipper ran first.
    pub lost_bytes: AtomicU64,
    /// Bytes of logs that could not be read, since this shipper ran first.
    pub damaged_bytes: AtomicU64,
    /// 1: the far end does not take records.
    pub away: AtomicU64,
}

impl Figures {
    pub(super) fn stand(&self, position: &Position) {
        self.backlog_bytes.store(position.backlog(), Relaxed);
        self.lost_logs.store(position.lost.logs, Relaxed);
        self.lost_bytes.store(position.lost.bytes, Relaxed);
        self.damaged_bytes.store(position.lost.damaged_bytes, Relaxed);
    }
}
