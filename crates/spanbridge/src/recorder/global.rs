//! The recorder in effect, for code that does not hold its handle: the one of the current context, or the installed one.

use super::deliver::Requests;
use super::report::{Flush, Ticket, Totals, lock};
use crate::context::intake::{self, Intake};
use crate::recorder::summary::Report;
use crate::{current, encoder, panics};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Asks the delivering thread for flushes.
pub(super) struct FlushHandle {
    pub(super) requests: Arc<Mutex<Requests>>,
    pub(super) totals: Arc<Totals>,
}

impl FlushHandle {
    pub(super) fn ticket(&self, within: Duration) -> Arc<Ticket> {
        // A deadline beyond the clock's range is a distant one.
        let now = Instant::now();
        let deadline = now.checked_add(within).unwrap_or(now + Duration::from_secs(1 << 30));
        Ticket::new(deadline, self.totals.sinks.len())
    }

    pub(super) fn flush(&self, intake: &Intake, within: Duration) -> Flush {
        let ticket = self.ticket(within);
        if intake.is_forked() {
            ticket.finish(false) // in a forked child nothing is delivered, and the lock may be held for ever
        } else {
            let mut requests = lock(&self.requests);
            if requests.over {
                ticket.finish(false)
            } else {
                requests.flushes.push(ticket.clone())
            }
            drop(requests);
            intake.unpark();
        }
        Flush { ticket, totals: self.totals.clone() }
    }
}

/// As [`Recorder::flush`](crate::Recorder::flush), of the recorder in effect here: the one that the current context
/// belongs to, else the installed one. Without one there is nothing to deliver, and the flush is complete at once.
///
/// For code that does not have the recorder at hand, for example before a process is frozen:
///
/// ```
/// use spanbridge::{Memory, Recorder, observe};
/// use std::time::Duration;
///
/// let memory = Memory::new();
/// let recorder = Recorder::builder("orders").sink(memory.clone()).build()?;
/// recorder.in_scope(|| {
///     observe::span("work").in_scope(|| ());
///     assert!(spanbridge::flush_blocking(Duration::from_secs(5)).complete); // or `spanbridge::flush(..).await`
/// });
/// assert!(!memory.records().is_empty());
/// # Ok::<(), spanbridge::InstallError>(())
/// ```
pub fn flush(within: Duration) -> Flush {
    let intake = current::intake();
    match intake.as_ref().and_then(|intake| Some((intake.flush_handle::<FlushHandle>()?, intake))) {
        Some((flush_handle, intake)) => flush_handle.flush(intake, within),
        None => {
            let ticket = Ticket::new(Instant::now(), 0);
            ticket.finish(true);
            Flush { ticket, totals: Arc::default() }
        }
    }
}

/// As [`flush`], but blocks this thread.
pub fn flush_blocking(within: Duration) -> Report {
    flush(within).wait()
}

/// Makes [`std::process::exit`] flush what was recorded before it is called, and wait for at most this long. It runs no
/// destructors, so the recorder's handle cannot do that. The last call sets the time.
///
/// For platforms where a process ends in the middle of its work. Elsewhere, return from `main`.
pub fn flush_at_exit(within: Duration) {
    static WITHIN: AtomicU64 = AtomicU64::new(0);
    WITHIN.store(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    extern "C" fn at_exit() {
        let within = Duration::from_nanos(WITHIN.load(Relaxed));
        let _ = panics::caught(|| flush_blocking(within));
    }
    #[cfg(unix)]
    {
        // Not a `Once`: if the process forks while another thread is in it, the child would wait for ever.
        static IS_CALLED: AtomicBool = AtomicBool::new(false);
        if !IS_CALLED.swap(true, Relaxed) {
            // SAFETY: the function does not unwind, and may be called on any thread at the end of the process.
            unsafe { libc::atexit(at_exit) };
        }
    }
    #[cfg(not(unix))]
    let _: extern "C" fn() = at_exit;
}

/// Call this when the process was restored from a snapshot, as with AWS Lambda's SnapStart, and before anything is
/// recorded. Many processes may start from the same snapshot, so ids are seeded anew from the operating system, later
/// records belong to new segments, and clocks are read again.
///
/// [Flush](flush) before the snapshot is taken.
pub fn reseed() {
    encoder::reseed();
    intake::restored();
    for intake in [current::intake(), intake::global()].into_iter().flatten() {
        intake.wake() // so that its clock is right soon
    }
}
