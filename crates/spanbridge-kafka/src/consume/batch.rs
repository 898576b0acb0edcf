//! Several messages worked on at once.

use super::job::Received;
use super::{Job, ObservedConsumer};
use crate::client_info::ClientInfo;
use crate::describe;
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use spanbridge::messaging::{self, Batch, Batched, CapturePolicy};
use spanbridge::observe::{Span, SpanBuilder};
use std::sync::PoisonError;

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
    /// Waits for a message, and takes what else is there already, up to `most`: see [`Batch::run`].
    ///
    /// The consumer is behind all of them then. A batch that is dropped, or whose work failed, does not come again to this
    /// consumer unless it is [sought back](rdkafka::consumer::Consumer::seek) to the first message of each partition that is not done; and until
    /// then no offset after that may be stored or committed.
    ///
    /// # Errors
    /// rdkafka's. One that comes after messages is kept for the next call.
    pub async fn batch(&self, most: usize) -> KafkaResult<Batch<Job<BorrowedMessage<'_>>>> {
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
