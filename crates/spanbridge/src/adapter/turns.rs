//! Drivers that let other tasks have their turn.

use std::task::Context;

/// Steps that a driver makes before other tasks have their turn.
const STEPS: u32 = 32;

/// Counts the steps of a driver. While messages wait and the work on them is always ready, a driver that never yields would keep its
/// thread from every other task: those that answer, those that tell it to stop, and timers.
#[derive(Debug, Default)]
pub struct Turns(u32);

impl Turns {
    /// Whether it is the others' turn now: then return `Pending` from this poll. It comes again.
    pub fn are_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.0 = (self.0 + 1) % STEPS;
        let are_over = self.0 == 0;
        if are_over {
            cx.waker().wake_by_ref()
        }
        are_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let (mut turns, mut cx) = (Turns::default(), Context::from_waker(&waker));
        let ends = (0..3 * STEPS).filter(|_| turns.are_over(&mut cx)).count();
        assert_eq!((ends, woken.0.load(SeqCst)), (3, 3));
    }
}
