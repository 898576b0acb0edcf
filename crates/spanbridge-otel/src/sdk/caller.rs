//! Calls of code of others on the sink's thread: a panic ends in a text, a future in time, and nothing of it is traced.

use opentelemetry_0_33::Context;
use spanbridge::panics;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A limit beyond that is none: the sink's thread would hang.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Runs code of others in the surroundings that it needs.
#[derive(Default)]
pub(super) struct Caller(Option<Box<Within>>);

type Within = dyn FnMut(&mut dyn FnMut()) + Send;

impl Caller {
    pub(super) fn within(within: impl FnMut(&mut dyn FnMut()) + Send + 'static) -> Self {
        Caller(Some(Box::new(within)))
    }

    /// The error is a text for reports.
    pub(super) fn call<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, String> {
        let outcome = panics::caught(|| {
            // The recorder does not record what runs on this thread. Nor is the SDK to.
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            let Some(within) = &mut self.0 else { return Some(work()) };
            let (mut work, mut outcome) = (Some(work), None);
            within(&mut || {
                if let Some(work) = work.take() {
                    outcome = Some(work())
                }
            });
            outcome
        });
        match outcome {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => Err("`within` did not call what it was given".to_owned()),
            Err(said) => Err(format!("it panicked: {said}")),
        }
    }
}

/// Drives a future to its end on this thread, or drops it after `limit`.
pub(super) fn drive<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let deadline = Instant::now() + limit.min(LONGEST_TIMEOUT);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = task::Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left)
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark()
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};

    #[test]
    fn a_future_ends_or_is_dropped() {
        assert_eq!(drive(ready(7), Duration::ZERO), Some(7));
        let begun = Instant::now();
        assert_eq!(drive(pending::<()>(), Duration::from_millis(30)), None);
        assert!(begun.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn another_thread_may_wake_a_future() {
        let (mut polls, mut thread) = (0, None);
        let woken = poll_fn(|context| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(polls);
            }
            let waker = context.waker().clone();
            thread = Some(thread::spawn(move || waker.wake()));
            Poll::Pending
        });
        assert_eq!(drive(woken, Duration::from_secs(60)), Some(3));
    }

    /// One that wakes itself all the time ends in time as well.
    #[test]
    fn a_busy_future_is_dropped() {
        let busy = poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert_eq!(drive(busy, Duration::from_millis(30)), None);
    }

    #[test]
    fn what_surrounds_a_call_may_be_wrong() {
        assert_eq!(Caller::default().call(|| 7), Ok(7));
        let mut twice = Caller::within(|work| {
            work();
            work()
        });
        assert_eq!(twice.call(|| 7), Ok(7));
        assert!(Caller::within(|_| ()).call(|| 7).unwrap_err().contains("did not call"));
        assert!(Caller::within(|_| panic!("on purpose")).call(|| 7).unwrap_err().contains("on purpose"));
        assert!(Caller::default().call(|| -> u8 { panic!("on purpose") }).unwrap_err().contains("on purpose"));
        assert!(Caller::default().call(Context::is_current_telemetry_suppressed).unwrap());
        assert!(!Context::is_current_telemetry_suppressed());
    }
}
