//! A client's context with ours around it.

use crate::consume::rebalancing;
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

/// A context of the user's own, with what has to be recorded in its callbacks.
///
/// - For a [`BaseProducer`](rdkafka::producer::BaseProducer) or
///   [`ThreadedProducer`](rdkafka::producer::ThreadedProducer): the `send` span ends in the delivery callback. The user's
///   callback is called afterwards, with the user's opaque, and in the span's context.
/// - For consumers: work in flight on partitions that are revoked is marked. (A `FutureProducer` needs no context.)
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
#[derive(Clone, Debug, Default)]
pub struct Observed<C>(C);

impl<C> Observed<C> {
    /// Around a context.
    pub fn new(context: C) -> Self {
        Observed(context)
    }

    /// The user's context.
    pub fn get_ref(&self) -> &C {
        &self.0
    }
}

impl<C: ClientContext> ClientContext for Observed<C> {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = C::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, fac: &str, log_message: &str) {
        self.0.log(level, fac, log_message)
    }

    fn stats(&self, statistics: Statistics) {
        self.0.stats(statistics)
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.stats_raw(statistics)
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason)
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.0.generate_oauth_token(config)
    }
}

impl<C: ProducerContext<Part>, Part: Partitioner> ProducerContext<Part> for Observed<C> {
    type DeliveryOpaque = Box<Sent<C::DeliveryOpaque>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Self::DeliveryOpaque) {
        let (context, opaque) = sent.delivered(result);
        observe::in_scope(&context, || self.0.delivery(result, opaque))
    }

    fn get_custom_partitioner(&self) -> Option<&Part> {
        self.0.get_custom_partitioner()
    }
}

/// What a consumer's context may want to hear: [`ConsumerContext`] without the consumer, whose type names the whole
/// context and not only the user's part.
///
/// A context that needs the consumer implements [`ConsumerContext`] itself, and calls [`rebalancing`].
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
        rebalancing(consumer, rebalance);
        self.0.pre_rebalance(rebalance)
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        self.0.post_rebalance(rebalance)
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        self.0.commit_callback(result, offsets)
    }
}
