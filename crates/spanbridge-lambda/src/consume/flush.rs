//! Delivers everything before the process may be frozen.

use super::breaker::Breaker;
use super::deadline::Deadline;
use super::log::log_to_stderr;
use spanbridge::adapter::PerProcess;
use spanbridge::observe::{self, Span};
use spanbridge::{Context, Flush, Report, semconv};
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

/// The default limit of a flush that holds up the next event: a sink whose server is down must not use up all the time
/// that the function has.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(2);

/// What the next flush and the next invocation need to know about earlier flushes.
#[derive(Default)]
struct History {
    breaker: Breaker,
    /// How the last flush went. This is known when it ends, so the next invocation reports it.
    last: Option<Last>,
}

struct Last {
    took: Duration,
    complete: bool,
    left: u64,
}

static HISTORY: PerProcess<History> = PerProcess::new();

/// A flush in progress. Resolves when everything is delivered, or when its time is over.
#[derive(Debug)]
pub(crate) struct Flushing {
    flush: Flush,
    request: Request,
}

/// When a flush was requested, and its limit.
#[derive(Clone, Copy, Debug)]
struct Request {
    at: Instant,
    within: Duration,
    /// After an event, not at the end of the initialization.
    is_after_event: bool,
}

impl Request {
    /// A flush with this limit, or a shorter one if sinks have accepted nothing of late.
    fn now(limit: Duration, is_after_event: bool) -> Self {
        let at = Instant::now();
        Request { at, within: HISTORY.with(|history| history.breaker.limit(limit, at)), is_after_event }
    }

    fn begin(self) -> Flushing {
        Flushing { flush: spanbridge::flush(self.within), request: self }
    }
}

impl Flushing {
    /// Flushes the recorder of an invocation, within the limit and the invocation's deadline.
    pub(crate) fn after_invocation(context: &Context, deadline: Option<Deadline>, limit: Duration) -> Self {
        let request = Request::now(deadline.map_or(limit, |deadline| deadline.for_flush().min(limit)), true);
        observe::in_scope(context, || request.begin())
    }

    /// Flushes after an event for which no invocation began.
    pub(crate) fn after_skipped_event(limit: Duration) -> Self {
        Request::now(limit, true).begin()
    }

    /// Flushes what was recorded before the first event is requested.
    pub(crate) fn after_initialization(limit: Duration) -> Self {
        Request::now(limit, false).begin()
    }
}

impl Future for Flushing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Pin::new(&mut self.flush).poll(cx).map(|report| record(&report, self.request))
    }
}

/// As [`Flushing::after_initialization`], blocking this thread.
pub(crate) fn flush_initialization_blocking(limit: Duration) {
    let request = Request::now(limit, false);
    record(&spanbridge::flush_blocking(request.within), request)
}

fn record(report: &Report, request: Request) {
    if report.sinks.is_empty() {
        return; // no recorder
    }
    let (complete, now) = (report.complete, Instant::now());
    let left = report.sinks.iter().map(|sink| sink.left).sum();
    let trouble = HISTORY.with(|history| {
        if request.is_after_event || !complete {
            history.last = Some(Last { took: now - request.at, complete, left })
        }
        history.breaker.record(report, request.within, now)
    });
    if let Some(what) = trouble {
        log_to_stderr(&what)
    }
}

/// Records how the flush before this invocation went.
pub(crate) fn report_previous(span: &Span) {
    let Some(last) = HISTORY.with(|history| history.last.take()) else { return };
    let ms = last.took.as_secs_f64() * 1e3;
    span.attribute(semconv::FLUSH_PREVIOUS_MS, ms);
    if !last.complete {
        let left = last.left;
        let what =
            format!("the flush before this invocation ran out of time after {ms:.0} ms, with {left} records left");
        span.diagnostic(semconv::FLUSH_INCOMPLETE, &what)
    }
}
