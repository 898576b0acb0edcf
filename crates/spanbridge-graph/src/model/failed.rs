//! Work that failed although the run succeeded.

/// Messages of a run that failed for good, although the run itself is [`Ok`](super::RunStatus::Ok): its owner had ended it by then,
/// or did not know. The status stays what the owner said.
///
/// A message counts if the last attempt to work on it failed, or ended with a reject or nack without requeue, or with a settlement that
/// was refused, and no reply told its sender; and if it was dead-lettered after the last attempt or before the first, because it expired
/// or its queue was full, and somebody worked on the dead letter. And if nobody settled it: see [`never_settled`](Self::never_settled).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FailedWork {
    /// Messages that failed for good, without those that were dead-lettered or never settled.
    pub failed: u64,
    /// Messages that were dead-lettered.
    pub dead_lettered: u64,
    /// Messages whose first attempts failed, and a later one succeeded, also if the attempts are runs that this one started. These are
    /// no failures.
    pub recovered: u64,
    /// Messages whose last attempt did not fail and was never settled, although its consumer has to settle each message. They count from
    /// a minute after the work on them ended, or an hour after the last sign of the run if it has no end, until a settlement comes. So
    /// only the store counts them: of a graph that was made of records alone, and of a very large run, this is 0. Nor are they
    /// counted of a service that settles messages of several runs with one call: what became of those is in other runs.
    pub never_settled: u64,
}

impl FailedWork {
    /// How many messages failed for good.
    pub fn total(&self) -> u64 {
        self.failed.saturating_add(self.dead_lettered).saturating_add(self.never_settled)
    }
}
