//! Several messages that are worked on at once.

use super::{CapturePolicy, Received};
use crate::Outcome;
use crate::observe::{Span, SpanBuilder};
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::pin;

/// A message that can be part of a [`Batch`]: an adapter's job.
pub trait Batched: Sized {
    /// What came with it.
    fn received(&self) -> &Received;

    /// Begins its process span, under what is current.
    fn begin(&self) -> Span;

    /// Begins the span of a batch, under what is current.
    fn begin_batch(jobs: &[Self]) -> SpanBuilder;

    /// What is recorded of it: the error that a batch ends with may quote any of its messages.
    fn capture(&self) -> Option<&CapturePolicy> {
        None
    }
}

/// Messages that are worked on at once. It is a slice of its jobs in everything else.
///
/// The batch has a span of its own, linked to every sender, and none of them is its parent. Each message has its `process`
/// span all the same, related to its sender's and linked to the batch's.
#[derive(Debug)]
pub struct Batch<J> {
    jobs: Vec<J>,
}

impl<J: Batched> Batch<J> {
    /// A batch of messages, however they were collected.
    pub fn new(jobs: Vec<J>) -> Self {
        Batch { jobs }
    }

    /// Calls `work` in the span of the batch, and returns the future that it makes: every poll is inside, and the span ends by
    /// its output.
    ///
    /// A job's own `run` inside ends the `process` span of its message; those of the other messages end as the batch does.
    pub fn run<F, Fut>(&self, work: F) -> impl Future<Output = Fut::Output>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        let (batch, mut messages) = begin(&self.jobs);
        let work = messages.at_work(|| batch.run(work));
        async move {
            let mut work = pin!(work);
            let value = poll_fn(|cx| messages.at_work(|| work.as_mut().poll(cx))).await;
            messages.end_with(&value);
            value
        }
    }
}

/// Begins the span of a batch, and those of its messages.
fn begin<J: Batched>(jobs: &[J]) -> (Span, Messages<'_, J>) {
    // Under what is current, and else in a trace of its own.
    let mut span = J::begin_batch(jobs);
    for job in jobs {
        span = span.link(job.received().context())
    }
    let batch = span.open();
    let batch = match CapturePolicy::strictest(jobs.iter().filter_map(Batched::capture)) {
        Some(capture) => capture.guard(batch),
        None => batch,
    };
    for job in jobs {
        job.received().begin_in_batch(batch.context(), || job.begin())
    }
    (batch, Messages { jobs, works: false })
}

/// The spans of the messages of a batch that nobody has ended yet. Dropped, they are cancelled; dropped by a panic of the
/// work, they are `panicked` as the batch is.
struct Messages<'a, J: Batched> {
    jobs: &'a [J],
    /// The work is being called or polled: if this is dropped now, it has panicked.
    works: bool,
}

impl<J: Batched> Messages<'_, J> {
    fn at_work<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.works = true;
        let value = work();
        self.works = false;
        value
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        self.jobs.iter().filter_map(|job| job.received().take_begun())
    }

    fn end_with(self, value: &impl Outcome) {
        self.spans().for_each(|span| span.end_with(value))
    }
}

impl<J: Batched> Drop for Messages<'_, J> {
    fn drop(&mut self) {
        self.spans().for_each(if self.works { Span::unwound } else { Span::cancel })
    }
}

impl<J> Deref for Batch<J> {
    type Target = [J];

    fn deref(&self) -> &[J] {
        &self.jobs
    }
}

impl<J> IntoIterator for Batch<J> {
    type Item = J;
    type IntoIter = std::vec::IntoIter<J>;

    fn into_iter(self) -> Self::IntoIter {
        self.jobs.into_iter()
    }
}
