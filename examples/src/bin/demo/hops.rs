//! What the services reach each other through.

use crate::notify::Notify;
use crate::projection::Kafka;
use std::path::Path;

/// The ways from one service to the next.
pub(crate) struct Hops {
    pub(crate) amqp_url: Option<String>,
    pub(crate) kafka: Kafka,
    pub(crate) notify: Notify,
}

impl Hops {
    pub(crate) async fn start(store: &Path) -> anyhow::Result<Self> {
        Ok(Hops {
            amqp_url: amqp_url(),
            kafka: Kafka::start(std::env::var("KAFKA_BROKERS").ok().filter(|b| !b.is_empty()))?,
            notify: Notify::deploy("--function", store).await?,
        })
    }

    /// Whatever works outside of this process has delivered what it recorded.
    pub(crate) async fn stop(self) {
        self.notify.retire().await
    }
}

/// The address of RabbitMQ, if there is one.
pub(crate) fn amqp_url() -> Option<String> {
    std::env::var("AMQP_URL").ok().filter(|url| !url.is_empty())
}
