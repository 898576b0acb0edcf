//! A received message with its restored context.

use super::consumer_state::{ConsumerState, Settle};
use super::delivery::Delivery;
use super::message::Received;
use super::options::ReceiveOptions;
use super::partition::Assignment;
use crate::client_info::ClientInfo;
use crate::describe;
use crate::replayed;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use spanbridge::adapter::{self, DrivenJob, OutboundCall, Work, same};
use spanbridge::observe::{ActiveSpan, Anything, InSpan, SpanBuilder};
use spanbridge::{Context, Outcome, Primitive, semconv};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

/// A received message with its restored context.
///
/// It dereferences to rdkafka's message. A [`BorrowedMessage`] lives in its consumer's buffer; to send the job to another
/// task, copy the message with [`detach`](Job::detach). Dropping a job settles nothing.
pub struct Job<M> {
    delivery: Delivery<M>,
    work: Work,
}

impl<M: Received> Job<M> {
    pub(super) fn new(message: M, consumer: Arc<ConsumerState>, options: &ReceiveOptions) -> Self {
        let delivery = Delivery::new(message, consumer);
        // This may call the application's code, which may panic: then the message was not read, and comes again.
        let (mut delivery, work) = Work::receive_or(delivery, options, |delivery| delivery.seek_back());
        delivery.in_flight.is_read(delivery.message.offset());
        Job { delivery, work }
    }

    /// Calls `work` in a `process` span and returns the future it makes: every poll is inside, and the span ends with the
    /// future's output. The span is a child of the sender's span and carries the sender's baggage. Nothing is settled.
    pub fn run<F, Fut>(&self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.work.run(&self.delivery, work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(&self, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.work.run_value(&self.delivery, work)
    }

    /// As [`Job::run`], for synchronous work.
    pub fn in_scope<R: Outcome>(&self, work: impl FnOnce() -> R) -> R {
        self.work.in_scope(&self.delivery, work)
    }

    /// Stores the message's offset (rdkafka's
    /// [`store_offset`](rdkafka::consumer::Consumer::store_offset)): the message and all before it in its partition are
    /// done, and the next commit includes them.
    ///
    /// The process span gets the attribute `spanbridge.settle.stored`. Storing sends nothing to the broker, so it has a span
    /// of its own only if it fails or if there is no process span.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged, for example if the partition is no longer assigned. `Canceled` if the consumer is
    /// closed.
    pub fn store_offset(&self) -> KafkaResult<()> {
        let Delivery { message, consumer, in_flight, .. } = &self.delivery;
        let asked = || {
            let partition = || format!("{}/{}", message.topic(), message.partition());
            adapter::ask_here(|| OutboundCall::new(Primitive::MESSAGING_SETTLE, partition())).into_answer()
        };
        let stored = match (asked_about(consumer).then(asked), message.borrowed()) {
            (None, _) => Ok(()),
            (Some(Some(answer)), _) => replayed::done(&answer, KafkaError::StoreOffset),
            // It borrows from its consumer, which therefore is open.
            (_, Some(message)) => crate::client::store_offset(message),
            (_, None) => {
                let store = |consumer: &dyn Settle| {
                    consumer.store_offset(message.topic(), message.partition(), message.offset())
                };
                consumer.with_consumer(store).unwrap_or(Err(KafkaError::Canceled))
            }
        };
        if stored.is_ok() {
            in_flight.partition().stored(message.offset().saturating_add(1));
            if let Some(span) = self.span() {
                span.attribute(semconv::SETTLE_STORED, true);
                return stored;
            }
        }
        self.settle("store_offset", || stored)
    }

    /// Settles in a span under the process span or, if there is none yet, under the sender's.
    fn settle(&self, operation: &'static str, settling: impl FnOnce() -> KafkaResult<()>) -> KafkaResult<()> {
        let Delivery { message, consumer, in_flight, .. } = &self.delivery;
        let span = |_: &mut adapter::Values<'_>| {
            describe::settle(operation, message.topic(), &consumer.client)
                .attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(message.partition()))
                .attribute(semconv::KAFKA_OFFSET, message.offset())
                .attribute(semconv::SETTLE_REVOKED, in_flight.is_revoked().then_some(true))
        };
        self.work.settle_in_scope(span, settling, describe::judge)
    }

    /// The assignment of its partition under which the message came.
    pub(crate) fn assignment(&self) -> Assignment {
        self.delivery.in_flight.assignment.clone()
    }

    /// The context for a settlement's span.
    pub(super) fn settling(&self) -> Context {
        self.work.received().settling()
    }
}

/// Whether storing an offset is anybody's business: in a replay a message has no consumer, and nothing is stored.
fn asked_about(consumer: &ConsumerState) -> bool {
    consumer.has_consumer() || !adapter::stands_in()
}

impl<M> Job<M> {
    /// The context that came with the message, reduced to what the consumer trusts; empty if there was none.
    pub fn context(&self) -> &Context {
        self.work.context()
    }

    /// The consumer group; empty if there is none.
    pub fn group(&self) -> &str {
        &self.delivery.consumer.client.group
    }

    /// The message.
    pub fn message(&self) -> &M {
        &self.delivery.message
    }

    /// rdkafka's message alone. What happens to it is no longer recorded.
    pub fn into_message(self) -> M {
        self.delivery.message
    }

    /// Whether the message's partition was revoked since the message came, so that another member of the group gets it
    /// too. Known only if the consumer's context is [observed](crate::Observed).
    pub fn is_revoked(&self) -> bool {
        self.delivery.in_flight.is_revoked()
    }

    /// The process span, while the work runs and after it.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.work.span()
    }
}

impl Job<BorrowedMessage<'_>> {
    /// The job with a copy of its message ([`BorrowedMessage::detach`]), which can be sent to another task. It does not
    /// keep the consumer alive.
    pub fn detach(self) -> Job<OwnedMessage> {
        let Job { delivery, work } = self;
        Job { delivery: delivery.map(|message| message.detach()), work }
    }
}

impl Job<OwnedMessage> {
    /// A message that came another way than from an observed consumer, as a job of no group. Its offset cannot be stored, but in
    /// a replay storing it succeeds.
    pub fn alone(message: OwnedMessage) -> Self {
        Job::new(message, ConsumerState::unknown(), &ReceiveOptions::new())
    }
}

impl<M: Received> Job<M> {
    /// The same message, received with options: for one that came without a consumer.
    pub fn with(self, options: &ReceiveOptions) -> Self {
        let work = Work::receive(&self.delivery, options);
        Job { work, ..self }
    }
}

impl<M: Received> adapter::Job for Job<M> {
    type Message = Delivery<M>;

    fn message(&self) -> &Delivery<M> {
        &self.delivery
    }

    fn work(&self) -> &Work {
        &self.work
    }

    fn describe_batch(jobs: &[Self]) -> SpanBuilder {
        let topic = same(jobs, |job| job.topic()).unwrap_or_default();
        // Jobs may have been collected from several consumers.
        let is_one = same(jobs, |job| Arc::as_ptr(&job.delivery.consumer)).is_some();
        match jobs.first().filter(|_| is_one) {
            Some(job) => describe::batch(topic, &job.delivery.consumer.client, jobs.len()),
            None => describe::batch(topic, &ClientInfo::default(), jobs.len()),
        }
    }
}

/// What a driver does with a message after its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// The offset is stored: the message and all before it in its partition are done. After an error, the message is lost.
    StoreOffset,
    /// Nothing is stored, and the driver continues: the handler stores or commits, or a transaction sends the offset.
    Nothing,
    /// The driver ends. The offset is not stored, so the message is delivered again, also to the same consumer.
    Stop,
}

impl<M: Received + Send + Sync> DrivenJob for Job<M> {
    type Disposition = Disposition;

    /// Another member of the group gets a message whose partition was revoked.
    fn may_be_retried(&self) -> bool {
        !self.is_revoked()
    }

    async fn settle(&self, disposition: Disposition) {
        if disposition == Disposition::StoreOffset {
            let _ = self.store_offset(); // recorded; a message whose offset could not be stored is delivered again
        }
    }
}

impl<M> Deref for Job<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.delivery.message
    }
}

impl<M> fmt::Debug for Job<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("received", self.context()).field("group", &self.group()).finish_non_exhaustive()
    }
}
