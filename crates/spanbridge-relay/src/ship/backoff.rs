//! Pauses while the far end is away.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses that double each time, with jitter, so that many hosts do not come back at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// Attempts that failed in a row.
    pub(super) failed: u32,
}

impl Backoff {
    /// The next pause, at least as long as was asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failed.min(16)).min(LONGEST);
        self.failed = self.failed.saturating_add(1);
        // Between half and all of it.
        let random = RandomState::new().hash_one(self.failed) % 1024;
        let pause = whole / 2 + whole.mul_f64(random as f64 / 2048.0);
        pause.max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        for n in 0..40u32 {
            let whole = FIRST.saturating_mul(1 << n.min(16)).min(LONGEST);
            let pause = backoff.next(None);
            assert!(whole / 2 <= pause && pause <= whole, "{n}: {pause:?}");
        }
        let asked = Duration::from_secs(100);
        assert_eq!(backoff.next(Some(asked)), asked);
    }
}
