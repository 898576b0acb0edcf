//! Whether an answer has come.

use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Wake, Waker};

/// Notes that lapin has the answer to a publish, and wakes whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Somebody asked, so lapin tells us.
    asked: AtomicBool,
    there: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Answer {
    pub(super) fn may_be_there(&self) -> bool {
        !self.asked.load(Acquire) || self.there.load(Acquire)
    }

    /// Asks lapin for the answer, and notes when it has it.
    pub(super) fn noticed<T>(
        answer: &Arc<Self>,
        cx: &mut task::Context<'_>,
        ask: impl FnOnce(&mut task::Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        *answer.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let noticing = Waker::from(answer.clone());
        let polled = ask(&mut task::Context::from_waker(&noticing));
        answer.asked.store(true, Release);
        polled
    }
}

impl Wake for Answer {
    fn wake(self: Arc<Self>) {
        self.there.store(true, Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake()
        }
    }
}
