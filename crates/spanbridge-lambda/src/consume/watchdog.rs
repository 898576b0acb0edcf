//! A thread that watches the deadlines of invocations, because a blocked executor cannot.
//!
//! The thread is parked while there is nothing to wait for. It is not told when an invocation ends: it wakes once at the
//! time it has planned, and waits for the next deadline then. So a busy function wakes it about once per time limit.

use super::invocation::Invocation;
use spanbridge::adapter::PerProcess;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::thread::Thread;
use std::time::Instant;

#[derive(Default)]
struct Watched {
    invocations: Vec<Arc<Invocation>>,
    /// When the thread wakes next, if it does.
    wakes_at: Option<Instant>,
    /// The thread once it was started; `Some(None)` if the system could not start one.
    thread: Option<Option<Thread>>,
}

impl Watched {
    fn thread(&mut self) -> Option<Thread> {
        let start = || {
            let thread = std::thread::Builder::new().name("spanbridge-deadline".to_owned()).spawn(work);
            thread.ok().map(|handle| handle.thread().clone())
        };
        self.thread.get_or_insert_with(start).clone()
    }
}

static WATCHED: PerProcess<Watched> = PerProcess::new();

/// Starts the thread, so that the first invocation does not have to.
pub(crate) fn start() {
    WATCHED.with(Watched::thread);
}

/// Watches an invocation until it is [forgotten](forget).
pub(crate) fn watch(invocation: &Arc<Invocation>) {
    let thread = WATCHED.with(|watched| {
        watched.invocations.push(invocation.clone());
        let at = invocation.deadline.map(|d| d.warn_at())?;
        if watched.wakes_at.is_some_and(|wakes| wakes <= at) {
            return None;
        }
        watched.wakes_at = Some(at);
        watched.thread()
    });
    if let Some(thread) = thread {
        thread.unpark()
    }
}

pub(crate) fn forget(invocation: &Arc<Invocation>) {
    WATCHED.with(|watched| watched.invocations.retain(|other| !Arc::ptr_eq(other, invocation)))
}

/// The latest invocation with this request id that has not ended.
pub(crate) fn find(request_id: &str) -> Option<Arc<Invocation>> {
    WATCHED.with(|watched| watched.invocations.iter().rev().find(|i| i.request_id == request_id).cloned())
}

fn work() {
    loop {
        let now = Instant::now();
        let (mut due, mut next) = (vec![], None::<Instant>);
        WATCHED.with(|watched| {
            for invocation in &watched.invocations {
                let Some(deadline) = invocation.deadline else { continue };
                if invocation.warned.load(Relaxed) {
                    continue;
                }
                let at = deadline.warn_at();
                if at <= now {
                    invocation.warned.store(true, Relaxed);
                    due.push(invocation.clone())
                } else {
                    next = Some(next.map_or(at, |n| n.min(at)))
                }
            }
            watched.wakes_at = next;
        });
        if !due.is_empty() {
            due.iter().for_each(|invocation| invocation.warn());
            continue;
        }
        match next {
            Some(at) => std::thread::park_timeout(at.saturating_duration_since(now)),
            None => std::thread::park(),
        }
    }
}
