//! Several messages handled as one batch.

use super::consumer::ObservedConsumer;
use super::job::Job;
use super::message::Received;
use crate::client_info::ClientInfo;
use crate::describe;
use crate::sync::lock;
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use spanbridge::messaging::{self, Batch, Batched, CapturePolicy};
use spanbridge::observe::{Span, SpanBuilder};

impl<M: Received> Batched for Job<M> {
    fn received(&self) -> &messaging::Received {
        self.received()
    }

    fn begin(&self) -> Span {
        self.begin_span()
    }

    fn capture(&self) -> Option<&CapturePolicy> {
        self.capture()
    }

    fn begin_batch(jobs: &[Self]) -> SpanBuilder {
        let topic = match jobs.split_first() {
            Some((one, rest)) if rest.iter().all(|j| j.topic() == one.topic()) => one.topic(),
            _ => "",
        };
        match jobs.first() {
            Some(job) => describe::batch(topic, job.client(), jobs.len()),
            None => describe::batch(topic, &ClientInfo::default(), 0),
        }
    }
}

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Waits for a message, then takes further messages that are already there, up to `limit` in all. See [`Batch::run`].
    ///
    /// The consumer's position is then behind all of them. If you drop the batch or its work fails, they are not delivered
    /// to this consumer again unless you [seek](rdkafka::consumer::Consumer::seek) to the first unhandled message of each
    /// partition; until then, store and commit no later offset.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged. An error that follows messages is kept for the next call.
    pub async fn batch(&self, limit: usize) -> KafkaResult<Batch<Job<BorrowedMessage<'_>>>> {
        let later = &self.state().later;
        if let Some(error) = lock(later).pop_front() {
            return Err(error);
        }
        let mut jobs = vec![self.recv().await?];
        let mut stream = self.stream();
        while jobs.len() < limit {
            match stream.next().now_or_never() {
                Some(Some(Ok(job))) => jobs.push(job),
                Some(Some(Err(error))) => {
                    lock(later).push_back(error);
                    break;
                }
                _ => break,
            }
        }
        Ok(Batch::new(jobs))
    }
}
