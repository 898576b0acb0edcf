//! What was taken in so far, in numbers.

use super::outcome::Outcome;
use super::refused::Refused;
use axum::http::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What was taken in so far.
#[derive(Debug, Default)]
pub(in crate::serve) struct IngestCounts {
    /// Requests that were taken.
    pub(in crate::serve) taken: AtomicU64,
    /// Requests that were told to come again: too much was sent at once, or the store could not be written.
    pub(in crate::serve) busy: AtomicU64,
    /// Requests that were refused for good.
    pub(in crate::serve) refused: AtomicU64,
    /// Records that are stored now and were not before.
    pub(in crate::serve) stored: AtomicU64,
    /// Records that were stored already.
    pub(in crate::serve) repeated: AtomicU64,
    /// Of those that are stored now: their id belonged to another record.
    pub(in crate::serve) conflicts: AtomicU64,
    /// Records and spans that can never be stored.
    pub(in crate::serve) rejected: AtomicU64,
    /// Records that came too late: their run was pruned.
    pub(in crate::serve) late: AtomicU64,
}

impl IngestCounts {
    /// `u64`: spans that were rejected before anything was stored.
    pub(super) fn add(&self, taken: Result<(&Outcome, u64), &Refused>) {
        match taken {
            Ok((outcome, without_ids)) => {
                self.taken.fetch_add(1, Relaxed);
                self.stored.fetch_add(outcome.stored, Relaxed);
                self.repeated.fetch_add(outcome.repeated, Relaxed);
                self.conflicts.fetch_add(outcome.conflicts, Relaxed);
                self.rejected.fetch_add(without_ids + outcome.rejected.len() as u64 - outcome.late, Relaxed);
                self.late.fetch_add(outcome.late, Relaxed);
            }
            Err(refused) if refused.status == StatusCode::SERVICE_UNAVAILABLE => _ = self.busy.fetch_add(1, Relaxed),
            Err(_) => _ = self.refused.fetch_add(1, Relaxed),
        }
    }
}
