//! Everything is delivered before the process may be frozen.

use super::breaker::Breaker;
use super::invocation::Invocation;
use spanbridge::fork::PerProcess;
use spanbridge::observe::{self, Span};
use spanbridge::{Flush, Report, semconv};
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

/// The longest that a flush may hold up the next event, where nothing else is said: a sink whose other end is down must
/// not eat up all the time that a function has.
pub(crate) const AT_MOST: Duration = Duration::from_secs(2);

/// What the next flush, and the next invocation, have to know of the flushes before.
#[derive(Default)]
struct Flushes {
    breaker: Breaker,
    /// How the last one went: it is over when that is known, so the next invocation tells it.
    last: Option<Last>,
}

struct Last {
    took: Duration,
    complete: bool,
    left: u64,
}

static FLUSHES: PerProcess<Flushes> = PerProcess::new();

/// A flush that is under way. Resolves when everything is delivered, or when there is no more time.
#[derive(Debug)]
pub(crate) struct Flushing {
    flush: Flush,
    asked: Asked,
}

/// What was asked of a flush.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Instant,
    within: Duration,
    /// After an invocation, not at the end of the initialisation.
    is_after_event: bool,
}

impl Asked {
    /// So long, or for a moment only if sinks have taken nothing of late.
    fn now(limit: Duration, is_after_event: bool) -> Self {
        let at = Instant::now();
        Asked { at, within: FLUSHES.with(|flushes| flushes.breaker.limit(limit, at)), is_after_event }
    }
}

impl Flushing {
    /// Of the recorder of an invocation.
    pub(crate) fn begin(invocation: &Invocation) -> Self {
        let limit = invocation.settings.flush_within;
        let asked = Asked::now(invocation.deadline.map_or(limit, |d| d.for_flush().min(limit)), true);
        Flushing { flush: observe::in_scope(invocation.context(), || spanbridge::flush(asked.within)), asked }
    }

    /// Of an event that no invocation has begun for.
    pub(crate) fn of_an_event_left(limit: Duration) -> Self {
        let asked = Asked::now(limit, true);
        Flushing { flush: spanbridge::flush(asked.within), asked }
    }

    /// Of what was recorded before the first event is asked for.
    pub(crate) fn of_the_initialisation(limit: Duration) -> Self {
        let asked = Asked::now(limit, false);
        Flushing { flush: spanbridge::flush(asked.within), asked }
    }
}

impl Future for Flushing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Pin::new(&mut self.flush).poll(cx).map(|report| note(&report, self.asked))
    }
}

/// As [`Flushing::of_the_initialisation`], blocking this thread.
pub(crate) fn flush_the_initialisation(limit: Duration) {
    let asked = Asked::now(limit, false);
    note(&spanbridge::flush_blocking(asked.within), asked)
}

fn note(report: &Report, asked: Asked) {
    if report.sinks.is_empty() {
        return; // nobody records
    }
    let (complete, now) = (report.complete, Instant::now());
    let left = report.sinks.iter().map(|sink| sink.left).sum();
    let trouble = FLUSHES.with(|flushes| {
        if asked.is_after_event || !complete {
            flushes.last = Some(Last { took: now - asked.at, complete, left })
        }
        flushes.breaker.note(report, asked.within, now)
    });
    if let Some(what) = trouble {
        super::tell_standard_error(&what)
    }
}

/// Tells how the flush before this invocation went.
pub(crate) fn tell(span: &Span) {
    let Some(last) = FLUSHES.with(|flushes| flushes.last.take()) else { return };
    let ms = last.took.as_secs_f64() * 1e3;
    span.attribute(semconv::FLUSH_PREVIOUS_MS, ms);
    if !last.complete {
        let left = last.left;
        let what = format!("the flush before this invocation was given up after {ms:.0} ms, with {left} records left");
        span.diagnostic(semconv::FLUSH_INCOMPLETE, &what)
    }
}
