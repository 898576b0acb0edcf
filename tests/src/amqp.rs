//! RabbitMQ for a test: the broker that `AMQP_URL` names.

use lapin::options::{BasicConsumeOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use std::sync::atomic::{AtomicU32, Ordering};

/// A connection with a channel in confirm mode and a queue that no other test knows.
#[derive(Debug)]
pub struct Amqp {
    /// The connection.
    pub connection: Connection,
    /// A channel in confirm mode.
    pub channel: Channel,
    /// A queue of the test's own, gone with the connection.
    pub queue: ShortString,
}

/// Connects, or says why the test is skipped: nobody asked for RabbitMQ.
///
/// # Panics
/// When `AMQP_URL` names a broker that cannot be used.
pub async fn amqp(test: &str) -> Option<Amqp> {
    let Ok(url) = std::env::var("AMQP_URL") else {
        println!("skipped: {test}: AMQP_URL is not set; `cargo xtask test` brings a broker");
        return None;
    };
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let queue = format!("spanbridge.{test}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connect to AMQP_URL");
    let channel = connection.create_channel().await.expect("open a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("ask for confirms");
    let amqp = Amqp { connection, channel, queue: ShortString::from(queue) };
    amqp.declare(amqp.queue.as_str(), FieldTable::default()).await;
    Some(amqp)
}

impl Amqp {
    /// Declares a queue that is gone with the connection.
    pub async fn declare(&self, queue: &str, arguments: FieldTable) {
        let options = QueueDeclareOptions::exclusive();
        self.channel.queue_declare(queue.into(), options, arguments).await.expect("declare a queue");
    }

    /// Consumes from the test's queue.
    pub async fn consume(&self) -> Consumer {
        self.consume_from(self.queue.as_str()).await
    }

    /// Consumes from a queue.
    pub async fn consume_from(&self, queue: &str) -> Consumer {
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        self.channel.basic_consume(queue.into(), "".into(), options, table).await.expect("consume")
    }
}
