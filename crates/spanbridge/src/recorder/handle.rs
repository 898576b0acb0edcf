//! The handle of a recorder.

use super::global::FlushHandle;
use super::report::{Flush, lock};
use crate::context::intake::{self, Intake};
use crate::current::{self, WithContext};
use crate::recorder::summary::Report;
use crate::{Context, panics};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a recorder that is dropped waits for its sinks.
const ON_DROP: Duration = Duration::from_secs(5);

/// How long the delivering thread has after the deadline of a shutdown to count what is left. It takes microseconds.
const TO_COUNT: Duration = Duration::from_millis(50);

/// Records what happens and delivers it to sinks. This is the handle: keep it for as long as you record, in `main` as a
/// rule. When the last clone is dropped, it flushes for at most five seconds and shuts down. (So a sink should not keep
/// one.)
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # fn main() -> Result<(), spanbridge::InstallError> {
/// spanbridge::Recorder::builder("orders").sink(spanbridge::Memory::new()).install()?; // `let recorder = …`
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "dropped at once it shuts down, and nothing is recorded: keep it, as in `let recorder = …`"]
pub struct Recorder(Arc<Running>);

/// What all clones share.
struct Running {
    intake: Arc<Intake>,
    flush_handle: Arc<FlushHandle>,
    /// The delivering thread, until it is stopped.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    pub(super) fn new(intake: Arc<Intake>, flush_handle: Arc<FlushHandle>, thread: JoinHandle<()>) -> Self {
        Recorder(Arc::new(Running { intake, flush_handle, thread: Mutex::new(Some(thread)) }))
    }

    pub(super) fn intake(&self) -> &Arc<Intake> {
        &self.0.intake
    }

    /// A context that names this recorder and nothing else: under it, this recorder is the one in effect.
    fn root(&self) -> Context {
        let mut shared = Context::blank(0, 0, 0);
        shared.intake = Some(self.0.intake.clone());
        Context::from_shared(shared, 0, false)
    }

    /// Calls `work`, and returns the future that it makes. This recorder records both, instead of the installed one. Spawned tasks
    /// do not inherit that: pass the context on, as always.
    pub fn scope<F, Fut>(&self, work: F) -> WithContext<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        WithContext::made(self.root(), work)
    }

    /// Calls `f`, recorded by this recorder rather than the installed one.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        current::in_scope(&self.root(), f)
    }

    /// What became of all records that were looked at until now. `complete` means that nothing waits for a sink and that
    /// nothing was dropped since the recorder began. What threads have recorded since the last delivery is not counted yet,
    /// so only a flush can tell of everything.
    pub fn report(&self) -> Report {
        self.0.report()
    }

    /// The memory that recording threads have taken, in bytes.
    #[doc(hidden)] // for tests and benches
    pub fn memory(&self) -> usize {
        self.0.intake.pool.made() * size_of::<crate::buffer::Chunk>()
    }

    /// Delivers everything that was recorded until now, and resolves when every sink has it, or after `within`.
    pub fn flush(&self, within: Duration) -> Flush {
        self.0.flush_handle.flush(&self.0.intake, within)
    }

    /// As [`Recorder::flush`], blocking this thread.
    pub fn flush_blocking(&self, within: Duration) -> Report {
        self.flush(within).wait()
    }

    /// Delivers everything that was recorded until now, open spans as such, and ends: nothing is recorded afterwards, by any
    /// clone. Returns when every sink has it, or after `within`.
    pub fn shutdown(self, within: Duration) -> Report {
        self.stop(within)
    }

    pub(super) fn stop(&self, within: Duration) -> Report {
        self.0.stop(within)
    }
}

impl Running {
    fn report(&self) -> Report {
        let report = self.flush_handle.totals.report(true);
        let complete = report.dropped == 0 && report.sinks.iter().all(|s| s.left == 0 && s.dropped == 0);
        Report { complete, ..report }
    }

    fn stop(&self, within: Duration) -> Report {
        if self.intake.is_forked() {
            // There is no such thread here, and the lock may be held for ever.
            intake::uninstall(&self.intake);
            return self.flush_handle.totals.report(false);
        }
        let Some(thread) = lock(&self.thread).take() else { return self.report() };
        intake::uninstall(&self.intake);
        let ticket = self.flush_handle.ticket(within);
        self.intake.turn_off();
        {
            let mut requests = lock(&self.flush_handle.requests);
            requests.stop = Some(ticket.clone());
            if requests.over {
                ticket.finish(false)
            }
        }
        self.intake.unpark();
        let complete = ticket.wait();
        // The delivering thread notices the deadline, too, and counts what is left.
        if let Some(then) = ticket.deadline.checked_add(TO_COUNT) {
            ticket.wait_until(then);
        }
        if ticket.is_done() {
            thread.join().err().into_iter().for_each(panics::discard) // it ends by the deadline, too
        }
        self.flush_handle.totals.report(complete)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop(ON_DROP);
        if self.intake.is_forked() {
            // Not ours to detach either.
            if let Ok(thread) = self.thread.get_mut() {
                std::mem::forget(thread.take())
            }
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("report", &self.report()).finish_non_exhaustive()
    }
}
