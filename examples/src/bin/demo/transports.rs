//! The transports between the demo's services.

use crate::notify::Notify;
use crate::projection::Kafka;
use std::path::Path;

/// RabbitMQ if `AMQP_URL` is set, Kafka, and the function on Lambda.
pub(crate) struct Transports {
    pub(crate) amqp_url: Option<String>,
    pub(crate) kafka: Kafka,
    pub(crate) notify: Notify,
}

impl Transports {
    pub(crate) async fn start(store: &Path) -> anyhow::Result<Self> {
        Ok(Transports {
            amqp_url: amqp_url(),
            kafka: Kafka::start(std::env::var("KAFKA_BROKERS").ok().filter(|b| !b.is_empty()))?,
            notify: Notify::deploy("--function", store).await?,
        })
    }

    /// Ends the function's process. When this resolves, the process has delivered its records.
    pub(crate) async fn stop(self) {
        self.notify.retire().await
    }
}

/// The URL of RabbitMQ in `AMQP_URL`, if it is set.
pub(crate) fn amqp_url() -> Option<String> {
    std::env::var("AMQP_URL").ok().filter(|url| !url.is_empty())
}
