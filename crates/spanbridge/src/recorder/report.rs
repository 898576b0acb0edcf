//! Waiting for delivery, and counting its outcome.

use crate::panics;
use crate::recorder::summary::{Report, SinkReport};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// The counters of one sink.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) name: String,
    pub(super) delivered: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) left: AtomicU64,
    pub(super) missed_spans: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
}

/// The counters of a recorder.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) dropped: AtomicU64,
    pub(super) cut: AtomicU64,
    /// The number of forks when it was set up.
    pub(super) forks: u64,
    pub(super) sinks: Vec<Arc<Tally>>,
}

impl Totals {
    pub(super) fn report(&self, complete: bool) -> Report {
        let forked = self.forks != crate::fork::forks();
        let sink = |t: &Arc<Tally>| SinkReport {
            name: t.name.clone(),
            delivered: t.delivered.load(Acquire),
            rejected: t.rejected.load(Acquire),
            dropped: t.dropped.load(Acquire),
            left: t.left.load(Acquire),
            missed_spans: t.missed_spans.load(Acquire),
            // In a forked child, a thread that does not exist there may hold the lock.
            last_error: if forked { None } else { lock(&t.last_error).clone() },
        };
        Report {
            complete,
            dropped: self.dropped.load(Acquire),
            cut: self.cut.load(Acquire),
            sinks: self.sinks.iter().map(sink).collect(),
        }
    }
}

/// Takes a lock. A poisoned one only says that a thread panicked; what these locks guard is consistent at any time.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Flushes that are done together. Of those that nobody waits for any more, one is kept, because one flush is still due.
/// Otherwise asking two million times while a sink hangs would fill the memory.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    all: Vec<Arc<Ticket>>,
    /// How many there may be before unwanted ones are removed.
    tidy_at: usize,
}

impl Tickets {
    /// Up to this number, nothing is removed.
    pub(super) const FEW: usize = 64;

    pub(super) fn push(&mut self, ticket: Arc<Ticket>) {
        self.all.push(ticket);
        if self.all.len() > self.tidy_at {
            let unwanted = self.all.iter().filter(|t| !t.is_wanted());
            let last = unwanted.max_by_key(|t| t.deadline).cloned();
            self.all.retain(|t| t.is_wanted() || last.as_ref().is_some_and(|last| Arc::ptr_eq(t, last)));
            self.tidy_at = 2 * self.all.len() + Self::FEW; // so each is looked at about once
        }
    }

    pub(super) fn all(&self) -> std::slice::Iter<'_, Arc<Ticket>> {
        self.all.iter()
    }
}

impl From<Arc<Ticket>> for Tickets {
    fn from(ticket: Arc<Ticket>) -> Self {
        Tickets { all: vec![ticket], tidy_at: Self::FEW }
    }
}

/// One flush, on its way through the delivering thread and every sink's queue.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) deadline: Instant,
    /// Sinks that have not done it yet.
    left: AtomicUsize,
    /// How many sinks failed.
    failed: AtomicUsize,
    /// Nobody waits for the outcome.
    abandoned: AtomicBool,
    state: Mutex<(Option<bool>, Option<Waker>)>,
    done: Condvar,
}

impl Ticket {
    pub(super) fn new(deadline: Instant, sinks: usize) -> Arc<Self> {
        Arc::new(Ticket {
            deadline,
            left: AtomicUsize::new(sinks),
            failed: AtomicUsize::new(0),
            abandoned: AtomicBool::new(false),
            state: Mutex::new((None, None)),
            done: Condvar::new(),
        })
    }

    /// The delivering thread has queued everything that was recorded before. Without sinks, that is all.
    pub(super) fn passed(&self) {
        if self.left.load(Acquire) == 0 {
            self.finish(self.failed.load(Acquire) == 0)
        }
    }

    /// Something is not delivered, so the flush is incomplete whatever follows.
    pub(super) fn fail(&self) {
        self.failed.fetch_add(1, AcqRel);
    }

    /// A sink has done it.
    pub(super) fn served(&self, ok: bool) {
        if !ok {
            self.fail()
        }
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.finish(self.failed.load(Acquire) == 0)
        }
    }

    pub(super) fn finish(&self, complete: bool) {
        let mut state = lock(&self.state);
        if state.0.is_none() {
            state.0 = Some(complete);
            let waker = state.1.take();
            drop(state);
            self.done.notify_all();
            if let Some(w) = waker {
                let _ = panics::caught(|| w.wake()); // an executor's code, on a thread of ours
            }
        }
    }

    /// The caller does not wait any more. The flush is still done.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Release)
    }

    /// Somebody still waits for the outcome.
    pub(super) fn is_wanted(&self) -> bool {
        !self.abandoned.load(Acquire) && !self.is_done()
    }

    pub(super) fn is_done(&self) -> bool {
        lock(&self.state).0.is_some()
    }

    /// Blocks until it is done, or until its deadline.
    pub(super) fn wait(&self) -> bool {
        self.wait_until(self.deadline)
    }

    /// Blocks until it is done, or until `then`.
    pub(super) fn wait_until(&self, then: Instant) -> bool {
        let mut state = lock(&self.state);
        while state.0.is_none() {
            let Some(left) = then.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) else {
                return false;
            };
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.0 == Some(true)
    }
}

/// A flush in progress: resolves when everything that was recorded before has reached every sink, or at the deadline.
///
/// It runs on any executor, since threads of the recorder do the work. Dropping it does not cancel the flush.
#[must_use = "the flush was asked for; this is how to hear when it is done"]
#[derive(Debug)]
pub struct Flush {
    pub(super) ticket: Arc<Ticket>,
    pub(super) totals: Arc<Totals>,
}

impl Flush {
    /// Blocks until it is done, or until its deadline.
    pub(super) fn wait(self) -> Report {
        self.totals.report(self.ticket.wait())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.ticket.abandon()
    }
}

impl Future for Flush {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        let mut state = lock(&self.ticket.state);
        match state.0 {
            Some(complete) => Poll::Ready(self.totals.report(complete)),
            None => {
                state.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn flushes_that_nobody_waits_for_are_one() {
        let begun = Instant::now();
        let ticket = |seconds| Ticket::new(begun + Duration::from_secs(seconds), 1);
        let mut tickets = Tickets::default();
        let wanted = [ticket(1), ticket(2)];
        tickets.push(wanted[0].clone());
        for seconds in 0..10_000 {
            let unwanted = ticket(seconds);
            unwanted.abandon();
            tickets.push(unwanted);
            assert!(tickets.all().count() <= 2 * Tickets::FEW + 8);
        }
        tickets.push(wanted[1].clone());
        assert!(wanted.iter().all(|w| tickets.all().any(|t| Arc::ptr_eq(t, w))));
        assert_eq!(tickets.all().map(|t| t.deadline).max(), Some(begun + Duration::from_secs(9_999)));
    }
}
