//! Several messages handled as one batch.

use super::consumer::ObservedConsumer;
use super::job::Job;
use crate::sync::lock;
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use spanbridge::messaging::Batch;

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Waits for a message, then takes further messages that are already there, up to `limit` in all. See [`Batch::run`].
    ///
    /// The consumer's position is then behind all of them. If you drop the batch or its work fails, they are not delivered
    /// to this consumer again unless you [seek](rdkafka::consumer::Consumer::seek) to the first unhandled message of each
    /// partition; until then, store and commit no later offset.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged. An error that follows messages is kept for the next call. If your
    /// [`relation_by`](crate::ReceiveOptions::relation_by) panics behind messages, its message comes again with the next call.
    pub async fn batch(&self, limit: usize) -> KafkaResult<Batch<Job<BorrowedMessage<'_>>>> {
        let later = &self.state().later;
        if let Some(error) = lock(later).pop_front() {
            return Err(error);
        }
        let collected = Batch::collect(&mut self.stream(), limit, |_, error| lock(later).extend(error)).await;
        collected.unwrap_or(Err(KafkaError::Canceled)) // the stream does not end
    }
}
