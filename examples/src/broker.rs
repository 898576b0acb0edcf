//! RabbitMQ for the examples: command-line options for the broker and the queue, and the connection.

use anyhow::{Context as _, ensure};
use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties};

// No doc comment: clap would show it as the program's description.
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Broker {
    /// The broker's URL
    #[arg(long, env = "AMQP_URL")]
    pub url: String,
    /// The queue; it is declared as durable
    #[arg(long)]
    pub queue: String,
}

/// A connection with a channel in confirm mode, and the name of the declared queue.
#[derive(Debug)]
pub struct Connected {
    /// The connection. It is closed when it is dropped.
    pub connection: Connection,
    /// The channel.
    pub channel: Channel,
    /// The queue.
    pub queue: ShortString,
}

impl Broker {
    /// Connects, switches the channel to confirm mode, and declares the queue.
    ///
    /// # Errors
    ///
    /// The queue's name is longer than 255 bytes, or lapin fails.
    pub async fn connect(&self) -> anyhow::Result<Connected> {
        let queue = ShortString::try_new(self.queue.as_str()).context("the queue's name is longer than 255 bytes")?;
        let connection = connect(&self.url).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(queue.clone(), durable, FieldTable::default()).await?;
        Ok(Connected { connection, channel, queue })
    }
}

/// Connects to a broker.
///
/// # Errors
///
/// The broker cannot be reached, or the URL is `amqps`: the examples are built without TLS, and lapin would connect
/// unencrypted.
pub async fn connect(url: &str) -> anyhow::Result<Connection> {
    ensure!(
        !url.starts_with("amqps:"),
        "failed to reach {}: the examples are built without TLS",
        without_password(url)
    );
    let connection = Connection::connect(url, ConnectionProperties::default()).await;
    // lapin's errors contain their causes, so the source is not added.
    connection.map_err(|e| anyhow::anyhow!("failed to reach RabbitMQ at {}: {e}", without_password(url)))
}

/// The URL without its password, for messages.
fn without_password(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
        Some((scheme, (login, host))) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}
