//! Limits how long flushes wait while a sink accepts nothing: otherwise each would use up all of its time for nothing.

use spanbridge::{Report, SinkReport};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// The limit of a flush while a sink accepts nothing. It is long enough to see that the sink works again.
const SHORT_LIMIT: Duration = Duration::from_millis(50);
/// How long flushes are short before one gets its full time again. Doubles whenever that was in vain.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The least time between two lines on standard error.
const LOG_INTERVAL: Duration = Duration::from_secs(300);

/// Opens when a flush ran out of time and a sink has accepted nothing since the flush before. Closes as soon as every sink
/// accepts something.
#[derive(Debug)]
pub(super) struct Breaker {
    open_until: Option<Instant>,
    pause: Duration,
    /// The records that each sink had accepted or rejected after the flush before.
    taken: Vec<u64>,
    /// The records that sinks have rejected or that were dropped.
    lost: u64,
    logged: Option<Instant>,
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { open_until: None, pause: FIRST_PAUSE, taken: vec![], lost: 0, logged: None }
    }
}

impl Breaker {
    /// The limit of a flush that could have this much time.
    pub(super) fn limit(&self, limit: Duration, now: Instant) -> Duration {
        if self.open_until.is_some_and(|until| now < until) { limit.min(SHORT_LIMIT) } else { limit }
    }

    /// Takes note of a flush that had this limit. Returns a line for standard error if there is something to report.
    pub(super) fn record(&mut self, report: &Report, within: Duration, now: Instant) -> Option<String> {
        let taken: Vec<_> = report.sinks.iter().map(|sink| sink.delivered + sink.rejected).collect();
        let lost = report.sinks.iter().map(|sink| sink.rejected + sink.dropped).sum();
        let before = std::mem::replace(&mut self.taken, taken);
        let has_lost = lost > std::mem::replace(&mut self.lost, lost);
        // Counts that are lower than before belong to another recorder.
        let same = |(i, taken)| before.get(i).copied().unwrap_or_default() == taken;
        let mut waiting = self.taken.iter().copied().enumerate().zip(&report.sinks).filter(|(_, sink)| sink.left > 0);
        let is_stuck = !report.complete && waiting.any(|(taken, _)| same(taken));
        if !is_stuck {
            (self.open_until, self.pause) = (None, FIRST_PAUSE)
        } else if within >= SHORT_LIMIT && self.open_until.is_none_or(|until| until <= now) {
            self.open_until = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE)
        }
        let has_failed = !report.complete && report.sinks.iter().all(|sink| sink.left == 0);
        let is_due = self.logged.is_none_or(|logged| now.saturating_duration_since(logged) >= LOG_INTERVAL);
        if !is_due || !(is_stuck || has_lost || has_failed) {
            return None;
        }
        self.logged = Some(now);
        Some(line(report, within, is_stuck))
    }
}

fn line(report: &Report, within: Duration, is_stuck: bool) -> String {
    let mut line = String::new();
    for SinkReport { name, rejected, dropped, left, last_error, .. } in &report.sinks {
        let lost = rejected + dropped;
        if *left > 0 || lost > 0 || last_error.is_some() {
            let why = last_error.as_deref().unwrap_or("it does not respond");
            let _ = write!(line, "sink `{name}`: {left} records waiting, {lost} lost ({why}); ");
        }
    }
    if is_stuck {
        let (ms, short) = (within.as_millis(), SHORT_LIMIT.as_millis());
        let _ = write!(
            line,
            "a flush ran out of time after {ms} ms, and most flushes are limited to {short} ms until the sink accepts records; "
        );
    }
    line.push_str("repeated at most every five minutes");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    /// The report of a flush, from a recorder with one sink.
    fn report(complete: bool, delivered: u64, rejected: u64) -> Report {
        let mut sink = SinkReport::default();
        (sink.name, sink.delivered, sink.rejected) = ("network".to_owned(), delivered, rejected);
        (sink.left, sink.last_error) = (u64::from(!complete), Some("down".to_owned()));
        let mut report = Report::default();
        (report.complete, report.sinks) = (complete, vec![sink]);
        report
    }

    #[test]
    fn stuck_sinks_cost_little() {
        let (mut breaker, begun) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.limit(LIMIT, begun), LIMIT);
        let line = breaker.record(&report(false, 0, 0), LIMIT, begun).unwrap();
        assert!(
            line.starts_with("sink `network`: 1 records waiting, 0 lost (down); a flush ran out of time after 2000 ms")
        );
        // One event a second, for an hour.
        let (mut waited, mut lines) = (Duration::ZERO, 0);
        for second in 1..3600 {
            let now = begun + Duration::from_secs(second);
            let within = breaker.limit(LIMIT, now);
            waited += within;
            lines += breaker.record(&report(false, 0, 0), within, now).iter().count();
        }
        assert!(waited < Duration::from_secs(3600 / 20 + 2 * 18), "{waited:?}");
        assert_eq!(lines, 11, "one every five minutes");
    }

    #[test]
    fn a_sink_that_works_again_is_waited_for() {
        for works_again in [report(true, 1, 0), report(false, 1, 0)] {
            let (mut breaker, now) = (Breaker::default(), Instant::now());
            breaker.record(&report(false, 0, 0), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now), SHORT_LIMIT);
            breaker.record(&works_again, SHORT_LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now), LIMIT);
            breaker.record(&report(false, 1, 0), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now + FIRST_PAUSE), LIMIT, "the first pause again");
        }
    }

    /// Whatever the other sink accepts.
    #[test]
    fn one_stuck_sink_of_two_is_enough() {
        let two = |delivered| {
            let (mut both, other) = (report(false, delivered, 0), report(false, 0, 0));
            both.sinks[0].left = 0;
            both.sinks.extend(other.sinks);
            both
        };
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for delivered in 1..3 {
            breaker.record(&two(delivered), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now), SHORT_LIMIT);
        }
    }

    #[test]
    fn a_sink_that_cannot_flush_is_logged() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let mut failed = report(false, 1, 0);
        failed.sinks[0].left = 0;
        assert!(breaker.record(&failed, LIMIT, now).unwrap().contains("0 records waiting, 0 lost (down)"));
        assert_eq!(breaker.limit(LIMIT, now), LIMIT, "it ended at once");
    }

    #[test]
    fn a_flush_without_time_proves_nothing() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.record(&report(false, 0, 0), Duration::from_millis(20), now);
        assert_eq!(breaker.limit(LIMIT, now), LIMIT);
        assert_eq!(breaker.limit(Duration::ZERO, now), Duration::ZERO);
    }

    #[test]
    fn rejected_records_are_logged() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.record(&report(true, 1, 0), LIMIT, now), None);
        let line = breaker.record(&report(true, 1, 2), LIMIT, now).unwrap();
        assert_eq!(line, "sink `network`: 0 records waiting, 2 lost (down); repeated at most every five minutes");
        assert_eq!(breaker.record(&report(true, 1, 2), LIMIT, now + LOG_INTERVAL), None, "nothing new");
    }
}
