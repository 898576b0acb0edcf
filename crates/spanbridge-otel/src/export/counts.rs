//! What became of the spans of an exporter.

use spanbridge::adapter::forks;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

/// What became of the spans that were given to an exporter. At any time, each that has ended is in exactly one of the first four
/// numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportCounts {
    /// The receiver or the exporter of the SDK said that it took them, or the callback returned.
    pub accepted: u64,
    /// They will not be exported: the receiver refused them, they were too large, or time ran out. Also where nobody knows: a
    /// receiver may have taken a request without ever answering it.
    pub lost: u64,
    /// The exporter's [`Choice`](super::Choice) left them out, or the sampler of the tracer provider that they went to.
    pub not_chosen: u64,
    /// They wait to be sent, or for their run to be chosen.
    pub waiting: u64,
    /// Spans that have begun and not ended, so that they are in none of the other numbers. Those that never end are not exported.
    pub open: u64,
    /// The last reason why spans were lost, or had to wait.
    pub last_error: Option<String>,
}

impl ExportCounts {
    /// All spans that have ended.
    pub fn spans(&self) -> u64 {
        self.accepted + self.lost + self.not_chosen + self.waiting
    }
}

/// Tells what became of an exporter's spans, at any time: see [`Exporter::counter`](super::Exporter::counter). It can also be
/// asked when the recorder is gone.
#[derive(Clone, Debug)]
pub struct ExportCounter {
    counts: Arc<Mutex<ExportCounts>>,
    /// The number of forks when it was made.
    forks: u64,
}

impl Default for ExportCounter {
    fn default() -> Self {
        ExportCounter { counts: Arc::default(), forks: forks() }
    }
}

impl ExportCounter {
    /// The numbers as they are now. In a forked child, nothing is exported any more: these are the numbers at the time of the fork, or
    /// zeros if they were just being changed.
    pub fn counts(&self) -> ExportCounts {
        if self.forks == forks() {
            return self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        }
        // A thread that does not exist here may hold the lock.
        match self.counts.try_lock() {
            Ok(counts) => counts.clone(),
            Err(TryLockError::Poisoned(counts)) => counts.into_inner().clone(),
            Err(TryLockError::WouldBlock) => ExportCounts::default(),
        }
    }

    pub(super) fn came(&self, spans: u64) {
        self.change(|counts| counts.waiting += spans)
    }

    pub(super) fn open(&self, spans: u64) {
        self.change(|counts| counts.open = spans)
    }

    pub(super) fn accepted(&self, spans: u64) {
        self.settle(spans, |counts| &mut counts.accepted)
    }

    pub(super) fn not_chosen(&self, spans: u64) {
        self.settle(spans, |counts| &mut counts.not_chosen)
    }

    pub(super) fn lost(&self, spans: u64, why: &str) {
        // The reason first: who sees that they are lost finds it.
        if spans > 0 {
            self.error(why)
        }
        self.settle(spans, |counts| &mut counts.lost)
    }

    pub(super) fn error(&self, why: &str) {
        self.change(|counts| counts.last_error = Some(why.to_owned()))
    }

    fn settle(&self, spans: u64, of: impl FnOnce(&mut ExportCounts) -> &mut u64) {
        self.change(|counts| {
            counts.waiting = counts.waiting.saturating_sub(spans);
            *of(counts) += spans
        })
    }

    fn change(&self, change: impl FnOnce(&mut ExportCounts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_does_not_wait() {
        let counter = ExportCounter::default();
        counter.came(3);
        let child = ExportCounter { forks: counter.forks + 1, ..counter.clone() };
        assert_eq!((counter.counts().waiting, child.counts().waiting), (3, 3));
        let held = counter.counts.lock().unwrap();
        assert_eq!(child.counts(), ExportCounts::default());
        drop(held);
    }
}
