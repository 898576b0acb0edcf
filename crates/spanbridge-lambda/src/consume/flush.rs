//! Everything is delivered before the process may be frozen.

use super::invocation::Invocation;
use spanbridge::observe::{self, Span};
use spanbridge::{Flush, Report, semconv};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll};
use std::time::{Duration, Instant};

/// The longest that a flush may hold up the next event, where nothing else is said: a sink whose other end is down must
/// not eat up all the time that a function has.
pub(crate) const AT_MOST: Duration = Duration::from_secs(2);

/// How the last flush went: it is over when that is known, so the next invocation tells it.
static LAST: Mutex<Option<Last>> = Mutex::new(None);

struct Last {
    took: Duration,
    complete: bool,
    left: u64,
}

/// A flush that is under way. Resolves when everything is delivered, or when there is no more time.
#[derive(Debug)]
pub(crate) struct Flushing {
    flush: Flush,
    begun: Instant,
}

impl Flushing {
    /// Of the recorder of an invocation.
    pub(crate) fn begin(invocation: &Invocation) -> Self {
        let limit = invocation.settings.flush_within;
        let within = invocation.deadline.map_or(limit, |d| d.for_flush().min(limit));
        let flush = observe::in_scope(invocation.context(), || spanbridge::flush(within));
        Flushing { begun: Instant::now(), flush }
    }
}

impl Future for Flushing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        Pin::new(&mut self.flush).poll(cx).map(|report| note(&report, self.begun.elapsed()))
    }
}

fn note(report: &Report, took: Duration) {
    if report.sinks.is_empty() {
        return; // nobody records
    }
    let left = report.sinks.iter().map(|sink| sink.left).sum();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last { took, complete: report.complete, left });
}

/// Tells how the flush before this invocation went.
pub(crate) fn tell(span: &Span) {
    let Some(last) = LAST.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let ms = last.took.as_secs_f64() * 1e3;
    span.attribute(semconv::FLUSH_PREVIOUS_MS, ms);
    if !last.complete {
        let left = last.left;
        let what =
            format!("the flush after the invocation before was given up after {ms:.0} ms, with {left} records left");
        span.diagnostic(semconv::FLUSH_INCOMPLETE, &what)
    }
}
