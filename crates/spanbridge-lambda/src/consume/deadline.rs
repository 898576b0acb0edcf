//! The time limit of an invocation.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When Lambda stops the function, and how long before that everything should be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    margin: Duration,
}

/// The margin is a tenth of the time, within these bounds. It leaves time for sinks, and for Lambda's own steps.
const MIN_MARGIN: Duration = Duration::from_millis(50);
const MAX_MARGIN: Duration = Duration::from_secs(1);

impl Deadline {
    /// From milliseconds since 1970, as in Lambda's header. `None` if that is past or out of range: then the clocks differ,
    /// and the deadline is unknown.
    pub(crate) fn of(ms: u64) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = Duration::from_millis(ms).checked_sub(now)?;
        Some(Deadline { at: Instant::now().checked_add(left)?, margin: (left / 10).clamp(MIN_MARGIN, MAX_MARGIN) })
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// When open spans have to be delivered.
    pub(crate) fn warn_at(&self) -> Instant {
        self.at.checked_sub(self.margin).unwrap_or(self.at)
    }

    /// The time for the flush after the response: the time left minus the margin, but at least half of the time left.
    pub(crate) fn for_flush(&self) -> Duration {
        let left = self.left();
        left.saturating_sub(self.margin).max(left / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_ms(ms: u64) -> u64 {
        (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(ms)).as_millis() as u64
    }

    #[test]
    fn a_margin_is_kept() {
        let deadline = Deadline::of(in_ms(9000)).unwrap();
        let margin = deadline.at - deadline.warn_at();
        assert!(margin <= Duration::from_millis(900) && margin >= deadline.left() / 10, "{margin:?}");
        let (before, flush, after) = (deadline.left(), deadline.for_flush(), deadline.left());
        let half = after.saturating_sub(margin).max(after / 2);
        assert!(half <= flush && flush <= before - margin, "{before:?} {flush:?} {after:?}");
        let hour = Deadline::of(in_ms(3_600_000)).unwrap();
        assert_eq!(hour.at - hour.warn_at(), MAX_MARGIN);
        let short = Deadline { at: Instant::now() + Duration::from_millis(60), margin: MIN_MARGIN };
        assert!(short.for_flush() <= Duration::from_millis(30), "half of the time left");
    }

    #[test]
    fn implausible_deadlines_are_unknown() {
        assert!(Deadline::of(0).is_none() && Deadline::of(1_000_000).is_none());
        assert!(Deadline::of(u64::MAX).is_none_or(|d| d.left() > MAX_MARGIN));
    }
}
