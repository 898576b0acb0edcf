//! RabbitMQ for the examples: which broker and queue, and a channel to it.

use anyhow::{Context as _, ensure};
use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties};

// No doc comment: clap would take it for the program's.
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Broker {
    /// The broker
    #[arg(long, env = "AMQP_URL")]
    pub url: String,
    /// The queue; it is declared, durable
    #[arg(long)]
    pub queue: String,
}

/// A channel in confirm mode, and the queue.
#[derive(Debug)]
pub struct Connected {
    /// The connection; it is closed when this is dropped.
    pub connection: Connection,
    /// The channel.
    pub channel: Channel,
    /// The queue.
    pub queue: ShortString,
}

impl Broker {
    /// Connects and declares the queue.
    pub async fn connect(&self) -> anyhow::Result<Connected> {
        let queue = ShortString::try_new(self.queue.as_str()).context("--queue: over 255 bytes")?;
        let connection = connect(&self.url).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(queue.clone(), durable, FieldTable::default()).await?;
        Ok(Connected { connection, channel, queue })
    }
}

/// Connects to a broker. The examples are built without TLS, so they refuse `amqps`: lapin would speak in the clear.
pub async fn connect(url: &str) -> anyhow::Result<Connection> {
    ensure!(!url.starts_with("amqps:"), "failed to reach {}: the examples are built without TLS", shown(url));
    let connection = Connection::connect(url, ConnectionProperties::default()).await;
    // lapin's errors say their causes themselves.
    connection.map_err(|e| anyhow::anyhow!("failed to reach RabbitMQ at {}: {e}", shown(url)))
}

/// A URL without the password.
fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (login, host))) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}
