//! Work that may panic, and that ends in time.
//!
//! The clock is a thread, because nothing is known of the runtime that polls the work, and because work that blocks its thread
//! keeps every clock of that runtime from being looked at.

use spanbridge::panics;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::{future, io, thread};

/// How work ended.
#[derive(Debug, PartialEq)]
pub(super) enum Ended<T> {
    Returned(T),
    /// With its text.
    Panicked(String),
    TimedOut,
}

/// How long work that is out of time may take to notice.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Clock {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// The work has ended, or has noticed that its time is up.
    is_done: bool,
    waker: Option<Waker>,
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the work is done, at most until then. Whether it is.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut state = self.lock();
        while !state.is_done {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match left {
                Some(left) if left.is_zero() => break,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
        state.is_done
    }

    fn run(&self, deadline: Option<Instant>, blocked: impl FnOnce()) {
        if self.wait(deadline) {
            return;
        }
        let waker = {
            let mut state = self.lock();
            state.is_over = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
        if !self.wait(Some(Instant::now() + GRACE)) {
            blocked()
        }
    }
}

/// Tells the clock when the work is done, however that is.
struct Done(Arc<Clock>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.lock().is_done = true;
        self.0.changed.notify_all()
    }
}

/// Does work, which is given up when its time is up. If it does not notice that because it blocks its thread, `blocked` is called,
/// on a thread of its own.
///
/// # Errors
/// If the operating system refuses a thread.
pub(super) async fn in_time<T>(
    within: Duration,
    work: impl Future<Output = T>,
    blocked: impl FnOnce() + Send + 'static,
) -> io::Result<Ended<T>> {
    let clock = Arc::new(Clock::default());
    let (ticking, deadline) = (clock.clone(), Instant::now().checked_add(within));
    thread::Builder::new().name("spanbridge-replay".to_owned()).spawn(move || ticking.run(deadline, blocked))?;
    let done = Done(clock);
    let mut work = pin!(work);
    let ended = future::poll_fn(|cx| poll(work.as_mut(), &done.0, cx)).await;
    Ok(ended)
}

/// What is ready counts, also if the time is up.
fn poll<T>(work: Pin<&mut impl Future<Output = T>>, clock: &Clock, cx: &mut Context<'_>) -> Poll<Ended<T>> {
    clock.lock().waker = Some(cx.waker().clone());
    match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ended::Returned(output)),
        Ok(Poll::Pending) if clock.lock().is_over => Poll::Ready(Ended::TimedOut),
        Ok(Poll::Pending) => Poll::Pending,
        Err(payload) => {
            let text = panics::text(&*payload);
            panics::discard(payload);
            Poll::Ready(Ended::Panicked(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::mpsc::channel;

    /// Polls on this thread, which is parked in between.
    fn block_on<T>(work: impl Future<Output = T>) -> T {
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark()
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut work = pin!(work);
        loop {
            match work.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }

    const LONG: Duration = Duration::MAX;

    #[test]
    fn work_ends_in_one_of_three_ways() {
        let never = || panic!("the work was not blocked");
        assert_eq!(block_on(in_time(LONG, async { 7 }, never)).unwrap(), Ended::Returned(7));
        let Ended::Panicked(text) = block_on(in_time(LONG, async { panic!("no {}", "luck") }, never)).unwrap() else {
            panic!("no panic")
        };
        assert!(text.starts_with("no luck"), "{text}");
        let soon = Duration::from_millis(10);
        assert_eq!(block_on(in_time(soon, pending::<()>(), never)).unwrap(), Ended::TimedOut);
    }

    /// Work that never looks up is told of on another thread.
    #[test]
    fn blocked_work_is_noticed() {
        let (tell, told) = channel();
        let work = async {
            told.recv().unwrap();
            7
        };
        let ended = block_on(in_time(Duration::ZERO, work, move || tell.send(()).unwrap())).unwrap();
        assert_eq!(ended, Ended::Returned(7));
    }
}
