//! How long a message waited in its broker.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a message waited in its broker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Waited {
    /// This long.
    Known(Duration),
    /// There is no timestamp, or it is not plausible.
    Unknown,
    /// The timestamp is this far in the future: one of the two clocks is wrong.
    Ahead(Duration),
}

impl Waited {
    /// The time, if it is known.
    pub fn known(self) -> Option<Duration> {
        match self {
            Waited::Known(time) => Some(time),
            Waited::Unknown | Waited::Ahead(_) => None,
        }
    }
}

/// Clocks that are kept in time differ by less.
const SKEW: Duration = Duration::from_secs(5);
/// 2004, when the oldest of the brokers appeared: an earlier timestamp, or 0, is not a time.
const FIRST: Duration = Duration::from_secs(1_072_915_200);

/// How long a message has waited until `now`, from the time at which it was sent by the sender's or the broker's clock.
pub fn waited(sent: Option<SystemTime>, now: SystemTime) -> Waited {
    match sent {
        Some(sent) if sent.duration_since(UNIX_EPOCH).is_ok_and(|since| since >= FIRST) => {
            match now.duration_since(sent) {
                Ok(waited) => Waited::Known(waited),
                Err(ahead) if ahead.duration() <= SKEW => Waited::Known(Duration::ZERO),
                Err(ahead) => Waited::Ahead(ahead.duration()),
            }
        }
        _ => Waited::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plausible_timestamps_count() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let long = Duration::from_millis(250);
        assert_eq!(waited(Some(now - long), now), Waited::Known(long));
        assert_eq!(
            [Waited::Known(long), Waited::Unknown, Waited::Ahead(long)].map(Waited::known),
            [Some(long), None, None]
        );
        assert_eq!(waited(Some(now + SKEW), now), Waited::Known(Duration::ZERO));
        assert_eq!(waited(Some(now + SKEW + long), now), Waited::Ahead(SKEW + long));
        for nonsense in
            [None, Some(UNIX_EPOCH), Some(UNIX_EPOCH - long), Some(UNIX_EPOCH + Duration::from_millis(1234))]
        {
            assert_eq!(waited(nonsense, now), Waited::Unknown);
        }
    }
}
