//! The recorder in effect, for who does not hold it: it is found by the current context, or is the installed one.

use super::deliver::Requests;
use super::report::{Flush, Ticket, Totals, lock};
use crate::context::intake::{self, Intake};
use crate::recorder::summary::Report;
use crate::{current, encoder, panics};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Where the delivering thread is asked for something.
pub(super) struct FlushHandle {
    pub(super) requests: Arc<Mutex<Requests>>,
    pub(super) totals: Arc<Totals>,
}

impl FlushHandle {
    pub(super) fn ticket(&self, within: Duration) -> Arc<Ticket> {
        // A deadline that cannot be told by the clock is a long one.
        let now = Instant::now();
        let deadline = now.checked_add(within).unwrap_or(now + Duration::from_secs(1 << 30));
        Ticket::new(deadline, self.totals.sinks.len())
    }

    pub(super) fn flush(&self, intake: &Intake, within: Duration) -> Flush {
        let ticket = self.ticket(within);
        if intake.is_forked() {
            ticket.finish(false) // nobody delivers, and the lock may be held for ever
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
/// For who is called from within the application, such as before a process is frozen:
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

/// As [`flush`], blocking this thread.
pub fn flush_blocking(within: Duration) -> Report {
    flush(within).wait()
}

/// From now on [`std::process::exit`] waits for what was recorded before it is called, at most so long: it runs no
/// destructors, so the recorder's handle cannot. The last call sets the time.
///
/// For platforms where a process ends in the midst of its work. Elsewhere return from `main`.
pub fn flush_at_exit(within: Duration) {
    static WITHIN: AtomicU64 = AtomicU64::new(0);
    WITHIN.store(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    extern "C" fn at_exit() {
        let within = Duration::from_nanos(WITHIN.load(Relaxed));
        let _ = panics::caught(|| flush_blocking(within));
    }
    #[cfg(unix)]
    {
        // Not a `Once`: a fork while another thread is in it would leave it so for ever.
        static IS_CALLED: AtomicBool = AtomicBool::new(false);
        if !IS_CALLED.swap(true, Relaxed) {
            // SAFETY: the function does not unwind, and may be called on any thread at the end of the process.
            unsafe { libc::atexit(at_exit) };
        }
    }
    #[cfg(not(unix))]
    let _: extern "C" fn() = at_exit;
}

/// To be called when this process was restored from a snapshot, as AWS Lambda's SnapStart does, before anything is
/// recorded: many processes may begin as the same one. The ids of all threads begin anew from the operating system's
/// randomness, what is recorded from here on belongs to new segments, and clocks are read again.
///
/// What was recorded before the snapshot should be [flushed](flush) before it.
pub fn reseed() {
    encoder::reseed();
    intake::restored();
    for intake in [current::intake(), intake::global()].into_iter().flatten() {
        intake.wake() // so that its clock is right soon
    }
}
