//! Several messages worked on at once.

use super::job::Received;
use super::{Job, ObservedConsumer};
use crate::describe;
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use spanbridge::Outcome;
use spanbridge::observe::{self, Span};
use std::future::Future;
use std::ops::Deref;
use std::sync::PoisonError;

/// Messages that are worked on at once. It is a slice of its jobs in everything else.
///
/// The batch has a span of its own, linked to every sender, and none of them is its parent. Each message has its `process`
/// span all the same, under its sender's span and linked to the batch's.
#[derive(Debug)]
pub struct Batch<M> {
    jobs: Vec<Job<M>>,
}

impl<M: Received> Batch<M> {
    /// A batch of messages that were collected some other way, such as by `ready_chunks`.
    pub fn new(jobs: Vec<Job<M>>) -> Self {
        Batch { jobs }
    }

    /// Runs the work on all messages in the span of the batch, and ends it by what the work resolves to.
    ///
    /// A [`Job::run`] inside ends the `process` span of its message; those of the other messages end as the batch does.
    pub fn run<F: Future>(&self, work: F) -> impl Future<Output = F::Output>
    where
        F::Output: Outcome,
    {
        let (batch, messages) = begin(&self.jobs);
        let work = observe::run_with_span(batch, work);
        async move {
            let value = work.await;
            messages.end_with(&value);
            value
        }
    }
}

/// Begins the span of a batch, and those of its messages.
fn begin<M: Received>(jobs: &[Job<M>]) -> (Span, Messages<'_, M>) {
    let topic = match jobs.split_first() {
        Some((one, rest)) if rest.iter().all(|j| j.topic() == one.topic()) => one.topic(),
        _ => "",
    };
    let group = jobs.first().map_or("", |j| j.group());
    // Under what is current, and else in a trace of its own.
    let mut span = describe::batch(topic, group, jobs.len());
    for job in jobs {
        span = span.link(job.context())
    }
    let batch = span.open();
    jobs.iter().for_each(|job| job.begin_in_batch(batch.context()));
    (batch, Messages(jobs))
}

/// The spans of the messages of a batch that nobody has ended yet. Dropped, they are cancelled; by a panic, they are
/// `panicked` as the batch is.
struct Messages<'a, M: Received>(&'a [Job<M>]);

impl<M: Received> Messages<'_, M> {
    fn end_with(self, value: &impl Outcome) {
        for span in self.0.iter().filter_map(Job::take_begun) {
            span.end_with(value)
        }
    }
}

impl<M: Received> Drop for Messages<'_, M> {
    fn drop(&mut self) {
        let spans = self.0.iter().filter_map(Job::take_begun);
        spans.for_each(if std::thread::panicking() { Span::panicked } else { Span::cancel })
    }
}

impl<M> Deref for Batch<M> {
    type Target = [Job<M>];

    fn deref(&self) -> &[Job<M>] {
        &self.jobs
    }
}

impl<M> IntoIterator for Batch<M> {
    type Item = Job<M>;
    type IntoIter = std::vec::IntoIter<Job<M>>;

    fn into_iter(self) -> Self::IntoIter {
        self.jobs.into_iter()
    }
}

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Waits for a message, and takes what else is there already, up to `most`.
    ///
    /// # Errors
    /// rdkafka's. One that comes after messages is kept for the next call.
    pub async fn batch(&self, most: usize) -> KafkaResult<Batch<BorrowedMessage<'_>>> {
        let later = || self.later.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = later().pop_front() {
            return Err(error);
        }
        let mut jobs = vec![self.recv().await?];
        let mut stream = self.stream();
        while jobs.len() < most {
            match stream.next().now_or_never() {
                Some(Some(Ok(job))) => jobs.push(job),
                Some(Some(Err(error))) => {
                    later().push_back(error);
                    break;
                }
                _ => break,
            }
        }
        Ok(Batch::new(jobs))
    }
}
