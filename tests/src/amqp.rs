//! RabbitMQ for a test: the broker at `AMQP_URL`.

use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use std::sync::atomic::{AtomicU32, Ordering};

/// A connection with a channel in confirm mode and a queue that no other test uses.
#[derive(Debug)]
pub struct Amqp {
    /// The broker's URL.
    pub url: String,
    /// The connection.
    pub connection: Connection,
    /// A channel in confirm mode.
    pub channel: Channel,
    /// The test's queue. It is exclusive, so it is deleted with the connection.
    pub queue: ShortString,
}

/// Connects to the broker and declares the test's queue. Returns `None` and reports the test as skipped if `AMQP_URL` is not
/// set.
///
/// # Panics
///
/// The broker at `AMQP_URL` cannot be used.
pub async fn amqp(test: &str) -> Option<Amqp> {
    let Ok(url) = std::env::var("AMQP_URL") else {
        xtask::skip("AMQP_URL is not set; `cargo xtask test` starts a broker");
        return None;
    };
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let queue = format!("spanbridge.{test}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connect to AMQP_URL");
    let channel = connection.create_channel().await.expect("open a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("ask for confirms");
    let amqp = Amqp { url, connection, channel, queue: ShortString::from(queue) };
    amqp.declare(amqp.queue.as_str(), FieldTable::default()).await;
    Some(amqp)
}

impl Amqp {
    /// Declares an exclusive queue, which is deleted with the connection.
    pub async fn declare(&self, queue: &str, arguments: FieldTable) {
        let options = QueueDeclareOptions::exclusive();
        self.channel.queue_declare(queue.into(), options, arguments).await.expect("declare a queue");
    }

    /// Another connection to the same broker, for operations that close the connection.
    pub async fn another(&self) -> Connection {
        Connection::connect(&self.url, ConnectionProperties::default()).await.expect("connect to AMQP_URL")
    }

    /// Publishes a message to the test's queue with plain lapin.
    pub async fn send(&self, headers: FieldTable, body: &[u8]) {
        let properties = BasicProperties::default().with_headers(headers);
        let options = BasicPublishOptions::default();
        let sent = self.channel.basic_publish("".into(), self.queue.clone(), options, body, properties);
        let confirm = sent.await.expect("send").await.expect("a confirm");
        assert!(confirm.is_ack(), "{confirm:?}");
    }

    /// Gets a message from the test's queue with plain lapin, as it was on the wire.
    pub async fn take(&self) -> Delivery {
        self.take_from(self.queue.as_str()).await
    }

    /// Gets a message from a queue with plain lapin.
    pub async fn take_from(&self, queue: &str) -> Delivery {
        let begun = std::time::Instant::now();
        loop {
            let options = BasicGetOptions { no_ack: true };
            if let Some(got) = self.channel.basic_get(queue.into(), options).await.expect("get") {
                return got.delivery;
            }
            assert!(begun.elapsed().as_secs() < 90, "no message after 90 s");
            tokio::task::yield_now().await
        }
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

/// A header table of these pairs.
pub fn headers<const N: usize>(pairs: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in pairs {
        table.insert(name.into(), value);
    }
    table
}

/// A text header value: a long string, as every peer writes it.
pub fn text(value: impl Into<Vec<u8>>) -> AMQPValue {
    AMQPValue::LongString(value.into().into())
}

/// The headers of a message as text. Values that are not text are in `Debug` format.
pub fn text_headers(properties: &BasicProperties) -> Vec<(String, String)> {
    let table = properties.headers().as_ref().map(FieldTable::inner);
    let pairs = table.into_iter().flatten();
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        other => format!("{other:?}"),
    };
    pairs.map(|(name, value)| (name.to_string(), text(value))).collect()
}
