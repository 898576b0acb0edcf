//! Which spans are exported.

use std::time::Duration;

/// Which spans an exporter takes. Default: all. Other sinks get every record in any case, so a local store can keep
/// everything while only a part leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice(pub(super) Rule);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Rule {
    #[default]
    All,
    Share(f64),
    Runs(Wanted),
}

/// Which runs are exported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) failed: bool,
    /// In nanoseconds.
    pub(super) slow: Option<u64>,
}

impl Choice {
    /// All spans.
    pub fn all() -> Self {
        Choice(Rule::All)
    }

    /// The spans of this share of all traces, from 0 to 1, by trace id: processes that take the same share take the same traces
    /// ([`TraceId::is_in_share`](spanbridge::TraceId::is_in_share)).
    pub fn sampled(share: f64) -> Self {
        Choice(Rule::Share(share))
    }

    /// This process's part of runs that failed: a span of it did, or the run ended so.
    ///
    /// The spans of a run wait in memory until it is known. If the run has been quiet for five seconds and nothing of it is
    /// open in this process, its spans are not exported. What fails in another process is not known here.
    ///
    /// At most 16 MiB wait. Beyond that, the runs that were quiet longest are lost, and counted as such.
    pub fn failed() -> Self {
        Choice(Rule::Runs(Wanted { failed: true, slow: None }))
    }

    /// This process's part of runs that took at least so long here: a span of it did, or the run from its start to its end.
    /// A run is taken while it is still open, with the first delivery or flush after that time. Spans wait as with
    /// [`Choice::failed`].
    pub fn slow(than: Duration) -> Self {
        Choice(Rule::Runs(Wanted { failed: false, slow: Some(nanoseconds(than)) }))
    }

    /// This process's part of runs that [failed](Choice::failed) or were [slow](Choice::slow).
    pub fn failed_or_slow(than: Duration) -> Self {
        Choice(Rule::Runs(Wanted { failed: true, slow: Some(nanoseconds(than)) }))
    }
}

impl Wanted {
    pub(super) fn takes(&self, failed: bool, nanoseconds: u64) -> bool {
        self.failed && failed || self.slow.is_some_and(|slow| nanoseconds >= slow)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
