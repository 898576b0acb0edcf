//! How long a flush is worth waiting for: while a sink takes nothing, each would use up all of its time for nothing.

use spanbridge::{Report, SinkReport};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// What a flush is given while a sink takes nothing. Enough for one that works again; if not, what it takes later shows.
const BRIEF: Duration = Duration::from_millis(50);
/// How long flushes are brief before one is given all of its time again; twice as long each time that is in vain.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How often standard error is told, at most.
const BETWEEN_LINES: Duration = Duration::from_secs(300);

/// Opens when a flush was given up and a sink has taken nothing since the one before; closes as soon as each takes something.
#[derive(Debug)]
pub(super) struct Breaker {
    open_until: Option<Instant>,
    pause: Duration,
    /// What each sink had taken after the flush before.
    taken: Vec<u64>,
    /// What all of them will never take.
    lost: u64,
    told: Option<Instant>,
}

impl Default for Breaker {
    fn default() -> Self {
        Breaker { open_until: None, pause: FIRST_PAUSE, taken: vec![], lost: 0, told: None }
    }
}

impl Breaker {
    /// What a flush is given of the time that it could have.
    pub(super) fn limit(&self, limit: Duration, now: Instant) -> Duration {
        if self.open_until.is_some_and(|until| now < until) { limit.min(BRIEF) } else { limit }
    }

    /// How a flush went that was given so much time; a line for standard error, if there is something to say.
    pub(super) fn note(&mut self, report: &Report, within: Duration, now: Instant) -> Option<String> {
        let taken: Vec<_> = report.sinks.iter().map(|sink| sink.delivered + sink.rejected).collect();
        let lost = report.sinks.iter().map(|sink| sink.rejected + sink.dropped).sum();
        let before = std::mem::replace(&mut self.taken, taken);
        let has_lost = lost > std::mem::replace(&mut self.lost, lost);
        // The counts are less than before where they are another recorder's.
        let same = |(i, taken)| before.get(i).copied().unwrap_or_default() == taken;
        let mut waiting = self.taken.iter().copied().enumerate().zip(&report.sinks).filter(|(_, sink)| sink.left > 0);
        let is_stuck = !report.complete && waiting.any(|(taken, _)| same(taken));
        if !is_stuck {
            (self.open_until, self.pause) = (None, FIRST_PAUSE)
        } else if within >= BRIEF && self.open_until.is_none_or(|until| until <= now) {
            self.open_until = Some(now + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE)
        }
        let has_failed = !report.complete && report.sinks.iter().all(|sink| sink.left == 0);
        let is_due = self.told.is_none_or(|told| now.saturating_duration_since(told) >= BETWEEN_LINES);
        if !is_due || !(is_stuck || has_lost || has_failed) {
            return None;
        }
        self.told = Some(now);
        Some(line(report, within, is_stuck))
    }
}

fn line(report: &Report, within: Duration, is_stuck: bool) -> String {
    let mut line = String::new();
    for SinkReport { name, rejected, dropped, left, last_error, .. } in &report.sinks {
        let lost = rejected + dropped;
        if *left > 0 || lost > 0 || last_error.is_some() {
            let why = last_error.as_deref().unwrap_or("it does not answer");
            let _ = write!(line, "sink `{name}`: {left} records wait, {lost} are lost ({why}); ");
        }
    }
    if is_stuck {
        let (ms, brief) = (within.as_millis(), BRIEF.as_millis());
        let _ =
            write!(line, "a flush was given up after {ms} ms; until it takes something most are given {brief} ms; ");
    }
    line.push_str("this is said once in five minutes");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    /// As after a flush, of a recorder with one sink.
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
        let line = breaker.note(&report(false, 0, 0), LIMIT, begun).unwrap();
        assert!(
            line.starts_with("sink `network`: 1 records wait, 0 are lost (down); a flush was given up after 2000 ms")
        );
        // An hour of an event a second.
        let (mut waited, mut lines) = (Duration::ZERO, 0);
        for second in 1..3600 {
            let now = begun + Duration::from_secs(second);
            let within = breaker.limit(LIMIT, now);
            waited += within;
            lines += breaker.note(&report(false, 0, 0), within, now).iter().count();
        }
        assert!(waited < Duration::from_secs(3600 / 20 + 2 * 18), "{waited:?}");
        assert_eq!(lines, 11, "one in five minutes");
    }

    #[test]
    fn a_sink_that_takes_something_is_waited_for() {
        for works_again in [report(true, 1, 0), report(false, 1, 0)] {
            let (mut breaker, now) = (Breaker::default(), Instant::now());
            breaker.note(&report(false, 0, 0), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now), BRIEF);
            breaker.note(&works_again, BRIEF, now);
            assert_eq!(breaker.limit(LIMIT, now), LIMIT);
            breaker.note(&report(false, 1, 0), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now + FIRST_PAUSE), LIMIT, "the first pause again");
        }
    }

    /// Whatever the other one takes.
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
            breaker.note(&two(delivered), LIMIT, now);
            assert_eq!(breaker.limit(LIMIT, now), BRIEF);
        }
    }

    #[test]
    fn a_sink_that_cannot_flush_is_told() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let mut failed = report(false, 1, 0);
        failed.sinks[0].left = 0;
        assert!(breaker.note(&failed, LIMIT, now).unwrap().contains("0 records wait, 0 are lost (down)"));
        assert_eq!(breaker.limit(LIMIT, now), LIMIT, "it was over at once");
    }

    #[test]
    fn a_flush_without_time_proves_nothing() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.note(&report(false, 0, 0), Duration::from_millis(20), now);
        assert_eq!(breaker.limit(LIMIT, now), LIMIT);
        assert_eq!(breaker.limit(Duration::ZERO, now), Duration::ZERO);
    }

    #[test]
    fn what_is_rejected_is_told_too() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        assert_eq!(breaker.note(&report(true, 1, 0), LIMIT, now), None);
        let line = breaker.note(&report(true, 1, 2), LIMIT, now).unwrap();
        assert_eq!(line, "sink `network`: 0 records wait, 2 are lost (down); this is said once in five minutes");
        assert_eq!(breaker.note(&report(true, 1, 2), LIMIT, now + BETWEEN_LINES), None, "nothing new");
    }
}
