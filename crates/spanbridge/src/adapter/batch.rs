//! Several messages that are worked on at once.

use super::job::Job;
use crate::messaging::CapturePolicy;
use crate::observe::Span;
use crate::span::under_current;
use crate::{Outcome, panics};
use futures_core::Stream;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Messages that are worked on at once: a slice of jobs, with a span.
///
/// The span of the batch is linked to every sender; none of them is its parent. Each message has a `process` span all the
/// same, related to its own sender and linked to the batch.
#[derive(Debug)]
pub struct Batch<J> {
    jobs: Vec<J>,
}

impl<J: Job> Batch<J> {
    /// A batch of jobs, however they were collected.
    pub fn new(jobs: Vec<J>) -> Self {
        Batch { jobs }
    }

    /// Waits for a job of `stream`, then takes those that are there already, up to `limit` in all. For adapters. `None` if the
    /// stream has ended.
    ///
    /// What comes behind jobs ends the batch, and is for the next call: an error, or the end, goes to `keep`. A panic too, of the
    /// application's `relation_by`: so the stream has to bring that message again.
    ///
    /// # Errors
    /// Returns the error of the stream, if it comes first.
    pub async fn collect<S, E>(
        stream: &mut S,
        limit: usize,
        keep: impl FnOnce(&mut S, Option<E>),
    ) -> Option<Result<Self, E>>
    where
        S: Stream<Item = Result<J, E>> + Unpin,
    {
        let mut jobs = match poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await? {
            Ok(job) => vec![job],
            Err(error) => return Some(Err(error)),
        };
        let mut cx = Context::from_waker(Waker::noop());
        while jobs.len() < limit {
            match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *stream).poll_next(&mut cx))) {
                Ok(Poll::Ready(Some(Ok(job)))) => {
                    jobs.push(job);
                    continue;
                }
                Ok(Poll::Ready(last)) => keep(stream, last.and_then(Result::err)),
                Ok(Poll::Pending) => {}
                Err(panic) => panics::discard(panic), // heard already by the panic hook
            }
            break;
        }
        Some(Ok(Batch::new(jobs)))
    }

    /// Runs the work on all messages in the span of the batch, which ends with its result. `work` is called in the span.
    ///
    /// A job's own `run` inside ends the `process` span of its message. Those of the other messages end as the batch does.
    pub fn run<F, Fut>(&self, work: F) -> impl Future<Output = Fut::Output>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        let (batch, mut messages) = begin(&self.jobs);
        let work = messages.while_working(|| batch.run(work));
        async move {
            let mut work = pin!(work);
            let value = poll_fn(|cx| messages.while_working(|| work.as_mut().poll(cx))).await;
            messages.end_with(&value);
            value
        }
    }
}

/// What is the same for all jobs of a batch: only that is told of the batch. `None` if there is none.
pub fn same<'j, J, T: PartialEq>(jobs: &'j [J], of: impl Fn(&'j J) -> T) -> Option<T> {
    let (first, rest) = jobs.split_first()?;
    let first = of(first);
    rest.iter().all(|job| of(job) == first).then_some(first)
}

/// Begins the span of a batch, and those of its messages.
fn begin<J: Job>(jobs: &[J]) -> (Span, Messages<'_, J>) {
    // Under what is current, and else in a trace of its own.
    let batch = under_current(|| {
        let span = J::describe_batch(jobs);
        jobs.iter().fold(span, |span, job| span.link(job.work().context())).open()
    });
    // If it is not recorded, no sender is privileged: other libraries keep what is current there.
    let batch = if batch.id().is_some() { batch.in_other_libraries() } else { batch };
    // The error that a batch ends with may quote any of its messages.
    let batch = match CapturePolicy::strictest(jobs.iter().filter_map(|job| job.work().capture())) {
        Some(capture) => capture.guard(batch),
        None => batch,
    };
    for job in jobs {
        job.work().begin_in_batch(job.message(), batch.context())
    }
    (batch, Messages { jobs, is_working: false })
}

/// The spans of the messages of a batch that nobody has ended yet. Dropped, they are cancelled; or panicked, if the work of
/// the batch is what panics.
struct Messages<'a, J: Job> {
    jobs: &'a [J],
    is_working: bool,
}

impl<J: Job> Messages<'_, J> {
    fn while_working<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.is_working = true;
        let result = work();
        self.is_working = false;
        result
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        self.jobs.iter().filter_map(|job| job.work().received().take_begun())
    }

    fn end_with(self, value: &impl Outcome) {
        self.spans().for_each(|span| span.end_with(value))
    }
}

impl<J: Job> Drop for Messages<'_, J> {
    fn drop(&mut self) {
        self.spans().for_each(if self.is_working { Span::unwound } else { Span::cancel })
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
