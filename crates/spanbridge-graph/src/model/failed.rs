//! Work that failed although the run succeeded.

/// Messages of a run that failed for good, although the run itself is [`Ok`](super::RunStatus::Ok): its owner had ended it by then,
/// or did not know. The status stays what the owner said.
///
/// A message counts if the last attempt to work on it failed, and no reply told its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FailedWork {
    /// Messages that failed for good, without those that were dead-lettered.
    pub failed: u64,
    /// Messages that failed and were dead-lettered.
    pub dead_lettered: u64,
    /// Messages whose first attempts failed, and a later one succeeded. These are no failures.
    pub recovered: u64,
}

impl FailedWork {
    /// How many messages failed for good.
    pub fn total(&self) -> u64 {
        self.failed.saturating_add(self.dead_lettered)
    }
}
