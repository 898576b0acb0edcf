//! Times and numbers as people write them, on the command line and in addresses.

use spanbridge_graph::RunStatus;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, in nanoseconds since the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

/// Other words for the statuses of runs.
const STATUSES: [(&str, RunStatus); 11] = [
    ("failed", RunStatus::Error),
    ("failure", RunStatus::Error),
    ("fail", RunStatus::Error),
    ("errored", RunStatus::Error),
    ("success", RunStatus::Ok),
    ("succeeded", RunStatus::Ok),
    ("passed", RunStatus::Ok),
    ("running", RunStatus::Open),
    ("unfinished", RunStatus::Open),
    ("waiting", RunStatus::Suspended),
    ("canceled", RunStatus::Cancelled),
];

/// The status that is meant by a word that is none of ours.
pub fn status_meant(word: &str) -> Option<RunStatus> {
    STATUSES.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, status)| *status)
}

/// The status of a run.
///
/// # Errors
/// What was expected instead.
pub fn status(word: &str) -> Result<RunStatus, String> {
    let expected = || match status_meant(word) {
        Some(status) => format!("expected {}", status.as_str()),
        None => format!("expected {}", RunStatus::ALL.map(RunStatus::as_str).join(", ")),
    };
    RunStatus::ALL.into_iter().find(|status| status.as_str() == word).ok_or_else(expected)
}

/// A number of percent.
///
/// # Errors
/// What was expected instead.
pub fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| "expected a number of 0 or more".into())
}

/// A length of time: `90s`, `15m`, `1h 30m`, `2d`.
///
/// # Errors
/// What was expected instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    nanos(text).map(Duration::from_nanos).ok_or_else(|| "expected 90s, 15m, 1h, 2d or 1w".into())
}

/// Nanoseconds since the Unix epoch, from a date, an RFC 3339 time, or from how long ago it was.
///
/// # Errors
/// What was expected instead.
pub fn since(text: &str) -> Result<u64, String> {
    if let Some(ago) = nanos(text) {
        return Ok(now().saturating_sub(ago));
    }
    let date = || Some(text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    let time = text.parse::<jiff::Timestamp>().ok().or_else(date);
    time.and_then(|t| u64::try_from(t.as_nanosecond()).ok())
        .ok_or_else(|| "expected 90s, 15m, 1h, 2d or 1w, a date or an RFC 3339 time".into())
}

/// Nanoseconds, from a length of time as jiff reads it: `1h 30m`, `90s`, `2d`. A day has 24 hours. Months are refused,
/// since their length varies.
fn nanos(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(length.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let hour = 3_600_000_000_000;
        let before = now();
        let since_an_hour = since("1h").unwrap();
        let after = now();
        assert!((before - hour..=after - hour).contains(&since_an_hour), "{since_an_hour}");
        assert_eq!(since("2026-11-20T09:25:46Z"), Ok(1_795_166_746_000_000_000));
        assert_eq!(since("2026-11-20T10:25:46.5+01:00"), Ok(1_795_166_746_500_000_000));
        assert_eq!(since("2026-11-20"), Ok(1_795_132_800_000_000_000));
        assert_eq!(since("18446744073709551615w").map_err(|_| ()), Err(()));
        for bad in ["", "h", "-1h", "1y", "1mo", "1", "1h ago", "yesterday", "1969-12-31", "\u{1f600}"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_what_their_units_say() {
        let seconds = [
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("2d", 172_800),
            ("1w", 604_800),
            ("0s", 0),
            ("1h30m", 5400),
            ("1h 30m", 5400),
        ];
        for (text, seconds) in seconds {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "1", "h", "-1h", "1h -30m", "1y", "1mo", "600y", "+", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
