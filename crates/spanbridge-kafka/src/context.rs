//! A client's context with ours around it.

use crate::consume::{ConsumerState, rebalanced};
use crate::produce::Sent;
use rdkafka::ClientContext;
use rdkafka::client::{DefaultClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, DefaultConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{Partitioner, ProducerContext};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::observe;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// A context of the user's own, with what has to be recorded in its callbacks.
///
/// - For a [`BaseProducer`](rdkafka::producer::BaseProducer) or
///   [`ThreadedProducer`](rdkafka::producer::ThreadedProducer): the `send` span ends in the delivery callback. The user's
///   callback is called afterwards, with the user's opaque, and in the span's context.
/// - For consumers: work in flight on partitions that are revoked is marked, and the commits that librdkafka makes by itself
///   are recorded.
///
/// A `FutureProducer` needs none.
///
/// ```no_run
/// use rdkafka::ClientConfig;
/// use rdkafka::consumer::{DefaultConsumerContext, StreamConsumer};
/// use spanbridge_kafka::{ConsumerExt, Observed};
///
/// # fn f() -> rdkafka::error::KafkaResult<()> {
/// let context = Observed::new(DefaultConsumerContext);
/// let consumer: StreamConsumer<_> = ClientConfig::new().set("group.id", "mail").create_with_context(context)?;
/// let consumer = consumer.observed();
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Observed<C> {
    context: C,
    /// Of a consumer: what its jobs share, known since its first rebalance.
    consumer_state: OnceLock<Weak<ConsumerState>>,
}

impl<C> Observed<C> {
    /// Around a context.
    pub fn new(context: C) -> Self {
        Observed { context, consumer_state: OnceLock::new() }
    }

    /// The user's context.
    pub fn get_ref(&self) -> &C {
        &self.context
    }
}

/// For another client.
impl<C: Clone> Clone for Observed<C> {
    fn clone(&self) -> Self {
        Observed::new(self.context.clone())
    }
}

impl<C: fmt::Debug> fmt::Debug for Observed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.context).finish()
    }
}

impl<C: ClientContext> ClientContext for Observed<C> {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = C::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, fac: &str, log_message: &str) {
        self.context.log(level, fac, log_message)
    }

    fn stats(&self, statistics: Statistics) {
        self.context.stats(statistics)
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.context.stats_raw(statistics)
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason)
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.context.generate_oauth_token(config)
    }
}

impl<C: ProducerContext<Part>, Part: Partitioner> ProducerContext<Part> for Observed<C> {
    type DeliveryOpaque = Box<Sent<C::DeliveryOpaque>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Self::DeliveryOpaque) {
        let (context, opaque) = sent.delivered(result);
        observe::in_scope(&context, || self.context.delivery(result, opaque))
    }

    fn get_custom_partitioner(&self) -> Option<&Part> {
        self.context.get_custom_partitioner()
    }
}

/// What a consumer's context may want to hear: [`ConsumerContext`] without the consumer, whose type names the whole
/// context and not only the user's part.
///
/// A context that needs the consumer implements [`ConsumerContext`] itself, and calls
/// [`rebalancing`](crate::rebalancing).
pub trait GroupContext: ClientContext {
    /// Before partitions are assigned or revoked.
    fn pre_rebalance(&self, rebalance: &Rebalance<'_>) {
        let _ = rebalance;
    }

    /// After that.
    fn post_rebalance(&self, rebalance: &Rebalance<'_>) {
        let _ = rebalance;
    }

    /// Offsets were committed, or could not be.
    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let _ = (result, offsets);
    }
}

impl GroupContext for DefaultClientContext {}
impl GroupContext for DefaultConsumerContext {}

impl<C: GroupContext> ConsumerContext for Observed<C> {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Some(consumer_state) = rebalanced(consumer, rebalance) {
            let _ = self.consumer_state.set(Arc::downgrade(&consumer_state)); // it is known already
        }
        self.context.pre_rebalance(rebalance)
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.context.post_rebalance(rebalance)
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        if let Some(consumer_state) = self.consumer_state.get().and_then(Weak::upgrade) {
            consumer_state.answered(result.clone(), offsets)
        }
        self.context.commit_callback(result, offsets)
    }
}
