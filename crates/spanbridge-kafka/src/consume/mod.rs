//! Consuming: messages as jobs.

mod batch;
mod commit;
mod consumer_state;
mod job;
mod lending;
mod partition;
mod partitions;
mod readings;
mod settings;

pub use job::{Job, Received};
pub use settings::Incoming;

use crate::client::Client;
pub(crate) use consumer_state::ConsumerState;
use futures_core::Stream;
pub(crate) use partition::Assignment;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, MessageStream, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafka;
use rdkafka::util::Timeout;
use settings::Settings;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};

/// `consumer.observed()`, for a [`StreamConsumer`] or [`BaseConsumer`], also in an [`Arc`].
pub trait ConsumerExt {
    /// rdkafka's consumer.
    type Consumer;

    /// The messages of this consumer as [`Job`]s that know their group.
    fn observed(self) -> ObservedConsumer<Self::Consumer>;
}

impl<C: ConsumerContext + 'static, R: Send + Sync + 'static> ConsumerExt for Arc<StreamConsumer<C, R>> {
    type Consumer = StreamConsumer<C, R>;

    fn observed(self) -> ObservedConsumer<Self::Consumer> {
        ObservedConsumer::new(self)
    }
}

impl<C: ConsumerContext + 'static, R: Send + Sync + 'static> ConsumerExt for StreamConsumer<C, R> {
    type Consumer = Self;

    fn observed(self) -> ObservedConsumer<Self> {
        ObservedConsumer::new(Arc::new(self))
    }
}

impl<C: ConsumerContext + 'static> ConsumerExt for Arc<BaseConsumer<C>> {
    type Consumer = BaseConsumer<C>;

    fn observed(self) -> ObservedConsumer<Self::Consumer> {
        ObservedConsumer::new(self)
    }
}

impl<C: ConsumerContext + 'static> ConsumerExt for BaseConsumer<C> {
    type Consumer = Self;

    fn observed(self) -> ObservedConsumer<Self> {
        ObservedConsumer::new(Arc::new(self))
    }
}

// SAFETY: the client lives as long as the consumer.
unsafe impl<C: ConsumerContext, R> Client for StreamConsumer<C, R> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

// SAFETY: as above.
unsafe impl<C: ConsumerContext> Client for BaseConsumer<C> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

/// A consumer, observed: its messages are [`Job`]s, and its commits are recorded. For everything else there is
/// [`consumer`](ObservedConsumer::consumer).
///
/// Waiting for a message is not recorded; there are no spans of empty polls.
///
/// What is made of the contexts that come with its messages is a setting each; by itself they are taken as they are:
///
/// ```no_run
/// use spanbridge_kafka::{CaptureMode, ConsumerExt, Relation};
/// use std::time::Duration;
///
/// # fn f(consumer: rdkafka::consumer::StreamConsumer) {
/// let consumer = consumer
///     .observed()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// # }
/// ```
pub struct ObservedConsumer<X> {
    /// Dropped after jobs were told so.
    consumer: Arc<X>,
    consumer_state: Arc<ConsumerState>,
    settings: Settings,
    /// Errors that came after messages of a batch.
    later: Mutex<VecDeque<KafkaError>>,
}

impl<X: consumer_state::Settle + 'static> ObservedConsumer<X> {
    fn new(consumer: Arc<X>) -> Self {
        let consumer_state = ConsumerState::of(&consumer);
        ObservedConsumer { consumer, consumer_state, settings: Settings::default(), later: Mutex::default() }
    }
}

impl<X> ObservedConsumer<X> {
    /// rdkafka's consumer.
    pub fn consumer(&self) -> &Arc<X> {
        &self.consumer
    }

    /// The consumer group; empty if there is none.
    pub fn group(&self) -> &str {
        &self.consumer_state.client.group
    }

    /// A message that came another way, such as from a partition's own queue.
    pub fn job<M: Received>(&self, message: M) -> Job<M> {
        Job::new(message, self.consumer_state.clone(), self.settings.clone())
    }
}

/// The consumer closes where its last owner drops it: here, and not in a job that settles meanwhile.
impl<X> Drop for ObservedConsumer<X> {
    fn drop(&mut self) {
        self.consumer_state.let_go(&self.consumer)
    }
}

impl<X> fmt::Debug for ObservedConsumer<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedConsumer").field("group", &self.consumer_state.client.group).finish_non_exhaustive()
    }
}

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// [`StreamConsumer::recv`]; the message is a [`Job`].
    ///
    /// # Errors
    /// rdkafka's.
    pub async fn recv(&self) -> KafkaResult<Job<BorrowedMessage<'_>>> {
        Ok(self.job(self.consumer.recv().await?))
    }

    /// [`StreamConsumer::stream`]; the messages are [`Job`]s. It does not end.
    pub fn stream(&self) -> Jobs<'_, C> {
        Jobs { messages: self.consumer.stream(), consumer_state: &self.consumer_state, settings: &self.settings }
    }
}

impl<C: ConsumerContext + 'static> ObservedConsumer<BaseConsumer<C>> {
    /// [`BaseConsumer::poll`]; the message is a [`Job`].
    pub fn poll(&self, timeout: impl Into<Timeout>) -> Option<KafkaResult<Job<BorrowedMessage<'_>>>> {
        Some(self.consumer.poll(timeout)?.map(|message| self.job(message)))
    }
}

/// The messages of a consumer as jobs: a stream of `KafkaResult<Job<BorrowedMessage>>` that does not end.
pub struct Jobs<'a, C: ConsumerContext> {
    messages: MessageStream<'a, C>,
    consumer_state: &'a Arc<ConsumerState>,
    settings: &'a Settings,
}

impl<'a, C: ConsumerContext> Stream for Jobs<'a, C> {
    type Item = KafkaResult<Job<BorrowedMessage<'a>>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let message = Pin::new(&mut self.messages).poll_next(cx);
        message.map(|m| m.map(|m| m.map(|m| Job::new(m, self.consumer_state.clone(), self.settings.clone()))))
    }
}

impl<C: ConsumerContext> fmt::Debug for Jobs<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("group", &self.consumer_state.client.group).finish_non_exhaustive()
    }
}

/// Marks work in flight on partitions that are revoked: to be called in
/// [`pre_rebalance`](ConsumerContext::pre_rebalance) of a context of one's own. [`Observed`](crate::Observed) does so.
///
/// Each process span in flight gets an event `partition revoked`; what its job settles later has the attribute
/// `spanbridge.settle.revoked`.
pub fn rebalancing<C: ConsumerContext>(consumer: &BaseConsumer<C>, rebalance: &Rebalance<'_>) {
    rebalanced(consumer, rebalance);
}

pub(crate) fn rebalanced<C>(consumer: &BaseConsumer<C>, rebalance: &Rebalance<'_>) -> Option<Arc<ConsumerState>>
where
    C: ConsumerContext,
{
    let consumer_state = ConsumerState::known(consumer)?;
    match rebalance {
        Rebalance::Assign(partitions) => consumer_state.assigned(partitions),
        Rebalance::Revoke(partitions) => consumer_state.revoked(partitions),
        Rebalance::Error(_) => {}
    }
    Some(consumer_state)
}
