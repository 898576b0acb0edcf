//! The steps of a driver's loop.

use pin_project_lite::pin_project;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Steps that a driver makes before other tasks have their turn.
const STEPS: u32 = 32;

pin_project! {
    /// The steps of a driver's loop, until it is told to stop.
    ///
    /// Every few steps, other tasks have their turn. While messages wait and the work on them is always ready, a driver that never
    /// yields would keep its thread from every other task: those that answer, those that tell it to stop, and timers.
    #[derive(Debug)]
    pub struct Turns<S> {
        #[pin]
        stop: S,
        is_over: bool,
        steps: u32,
    }
}

impl<S: Future<Output = ()>> Turns<S> {
    /// Until `stop` resolves.
    pub const fn until(stop: S) -> Self {
        Turns { stop, is_over: false, steps: 0 }
    }

    /// Waits until `poll` has something to do, and returns it. `None` once the driver has to stop, even if there is more to do.
    ///
    /// In `poll`, work in progress is polled, and so is what brings the next message. All of it is polled again when any of it
    /// may go on.
    pub async fn step<T>(mut self: Pin<&mut Self>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
        poll_fn(|cx| {
            let this = self.as_mut().project();
            if !*this.is_over {
                *this.is_over = this.stop.poll(cx).is_ready()
            }
            if *this.is_over {
                return Poll::Ready(None);
            }
            *this.steps = (*this.steps + 1) % STEPS;
            if *this.steps == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            poll(cx).map(Some)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn who_ends_a_turn_is_woken_again() {
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(woken.clone());
        let (mut turns, mut cx) = (pin!(Turns::until(pending())), Context::from_waker(&waker));
        let ends = (0..3 * STEPS).filter(|_| pin!(turns.as_mut().step(|_| Poll::Ready(()))).poll(&mut cx).is_pending());
        assert_eq!((ends.count(), woken.0.load(SeqCst)), (3, 3));
    }

    /// Also when there is something to do, and as often as it is asked.
    #[test]
    fn a_driver_that_is_told_to_stop_stops() {
        let (mut turns, mut cx) = (pin!(Turns::until(ready(()))), Context::from_waker(Waker::noop()));
        for _ in 0..2 {
            let step = pin!(turns.as_mut().step(|_| Poll::Ready(()))).poll(&mut cx);
            assert_eq!(step, Poll::Ready(None));
        }
    }
}
