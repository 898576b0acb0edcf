//! A client's context, wrapped.

use crate::consume::ConsumerState;
use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

/// Wraps your own context and records what happens in its callbacks.
///
/// - For a [`BaseProducer`](rdkafka::producer::BaseProducer) or
///   [`ThreadedProducer`](rdkafka::producer::ThreadedProducer): the `send` span ends in the delivery callback. Your callback
///   is called afterwards, inside the span's context, with your own opaque.
/// - For consumers: work in flight on revoked partitions is marked, and commits that librdkafka makes by itself are recorded.
///
/// A `FutureProducer` does not need it.
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
    /// Of a consumer: what its jobs share, known from its first rebalance on.
    consumer: OnceLock<Weak<ConsumerState>>,
}

impl<C> Observed<C> {
    /// Wraps a context.
    pub fn new(context: C) -> Self {
        Observed { context, consumer: OnceLock::new() }
    }

    /// Your context.
    pub fn get_ref(&self) -> &C {
        &self.context
    }

    pub(super) fn set_consumer(&self, consumer: &Arc<ConsumerState>) {
        let _ = self.consumer.set(Arc::downgrade(consumer)); // known already
    }

    pub(super) fn consumer(&self) -> Option<Arc<ConsumerState>> {
        self.consumer.get()?.upgrade()
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
