//! The time that a function has.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When a function is stopped, and how long before that it should be done with everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    margin: Duration,
}

/// A tenth of the time is kept back, between these: for sinks to take what they are given, and for Lambda's own steps.
const MIN_MARGIN: Duration = Duration::from_millis(50);
const MAX_MARGIN: Duration = Duration::from_secs(1);

impl Deadline {
    /// From milliseconds since 1970, as Lambda says it. None when it is past, or cannot be told: then the clocks differ,
    /// and nobody knows.
    pub(crate) fn of(ms: u64) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = Duration::from_millis(ms).checked_sub(now)?;
        Some(Deadline { at: Instant::now().checked_add(left)?, margin: (left / 10).clamp(MIN_MARGIN, MAX_MARGIN) })
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// When open spans are to be delivered.
    pub(crate) fn warn_at(&self) -> Instant {
        self.at.checked_sub(self.margin).unwrap_or(self.at)
    }

    /// The time for a flush once Lambda has its answer: what is left but for the margin, or half of it if that is less.
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
    fn a_share_is_kept_back() {
        let deadline = Deadline::of(in_ms(3000)).unwrap();
        let before = deadline.at - deadline.warn_at();
        assert!(before > Duration::from_millis(280) && before <= Duration::from_millis(300), "{before:?}");
        let (left, flush) = (deadline.left(), deadline.for_flush());
        assert!(left <= Duration::from_secs(3) && flush < left && flush > left - Duration::from_millis(310));
        let hour = Deadline::of(in_ms(3_600_000)).unwrap();
        assert_eq!(hour.at - hour.warn_at(), MAX_MARGIN);
        let short = Deadline::of(in_ms(60)).unwrap();
        assert!(short.for_flush() <= Duration::from_millis(30), "half of what is left");
    }

    #[test]
    fn what_cannot_be_told_is_none() {
        assert!(Deadline::of(0).is_none() && Deadline::of(1_000_000).is_none());
        assert!(Deadline::of(u64::MAX).is_none_or(|d| d.left() > MAX_MARGIN));
    }
}
