//! What a driver that is dropped has not settled, and how the queue gets it back.

use crate::consume::{Job, Jobs};
use futures_util::stream::StreamExt;
use lapin::options::{BasicCancelOptions, BasicNackOptions};
use lapin::{Channel, types::ShortString};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// The messages that a driver receives. Dropped before they have ended, what is not settled is given back.
pub(super) struct Left<'u> {
    /// Until they end.
    jobs: Option<Jobs>,
    settles: bool,
    unfinished: &'u Mutex<Vec<Arc<Job>>>,
}

impl<'u> Left<'u> {
    pub(super) fn new(jobs: Jobs, settles: bool, unfinished: &'u Mutex<Vec<Arc<Job>>>) -> Self {
        Left { jobs: Some(jobs), settles, unfinished }
    }

    pub(super) fn poll_next(&mut self, cx: &mut task::Context<'_>) -> Poll<Option<lapin::Result<Job>>> {
        let Some(jobs) = &mut self.jobs else { return Poll::Ready(None) };
        let next = jobs.poll_next_unpin(cx);
        if matches!(next, Poll::Ready(None)) {
            self.jobs = None
        }
        next
    }
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        let unfinished = std::mem::take(&mut *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner));
        match self.jobs.take() {
            _ if !self.settles => {}
            Some(jobs) if !jobs.are_settled_by_broker() => give_back(jobs, unfinished),
            _ => unfinished.iter().for_each(|job| job.give_back()),
        }
    }
}

/// A message that is worked on.
pub(super) struct UnderWay<'u> {
    job: Option<Arc<Job>>,
    unfinished: &'u Mutex<Vec<Arc<Job>>>,
}

impl<'u> UnderWay<'u> {
    pub(super) fn new(job: Arc<Job>, unfinished: &'u Mutex<Vec<Arc<Job>>>) -> Self {
        UnderWay { job: Some(job), unfinished }
    }

    pub(super) fn job(&self) -> Option<&Arc<Job>> {
        self.job.as_ref()
    }

    pub(super) fn ended(&mut self) {
        self.job = None
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.unfinished.lock().unwrap_or_else(PoisonError::into_inner).push(job)
        }
    }
}

/// A message that is given back while its consumer is there may come to that again, where nobody takes it. So that is
/// cancelled first; what was delivered before is then all there.
fn give_back(mut jobs: Jobs, mut unfinished: Vec<Arc<Job>>) {
    let Some(channel) = jobs.take_channel() else {
        unfinished.extend(jobs.take_waiting().into_iter().map(Arc::new));
        drop(jobs);
        return unfinished.iter().for_each(|job| job.give_back());
    };
    let tag = jobs.consumer().tag();
    let work = move || {
        if block_on(cancel(&channel, tag)).is_ok() {
            unfinished.extend(jobs.take_waiting().into_iter().map(Arc::new));
            for job in unfinished.iter().filter(|job| job.usable()) {
                // How that went is recorded. Where it fails, the channel is gone, and everything comes again.
                let _ = block_on(job.nack(BasicNackOptions { requeue: true, multiple: false }));
            }
        }
    };
    // Nobody waits for a destructor, and none may wait. Without a thread the channel keeps what it has until it is closed.
    let _ = thread::Builder::new().name("spanbridge-requeue".to_owned()).spawn(work);
}

async fn cancel(channel: &Channel, tag: ShortString) -> lapin::Result<()> {
    channel.basic_cancel(tag, BasicCancelOptions::default()).await
}

/// Waits for a future on this thread: lapin's need no runtime of ours.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark()
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut task::Context::from_waker(&waker)) {
            return value;
        }
        thread::park()
    }
}
