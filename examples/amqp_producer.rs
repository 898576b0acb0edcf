//! Sends messages to a RabbitMQ queue, a run each.
//!
//! ```sh
//! cargo run --example amqp_producer -- --url amqp://127.0.0.1 --queue orders --count 3
//! ```

use anyhow::Context as _;
use clap::Parser;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use spanbridge::observe;
use spanbridge_amqp::ChannelExt;
use spanbridge_examples::Records;
use std::time::Duration;

#[derive(Parser)]
struct Arguments {
    /// The broker
    #[arg(long, env = "AMQP_URL")]
    url: String,
    /// The queue; it is declared
    #[arg(long)]
    queue: String,
    /// How many messages
    #[arg(long, default_value_t = 1)]
    count: u32,
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let recorder = arguments.records.recorder("orders")?.install()?;
    let queue = ShortString::try_new(arguments.queue.as_str()).context("--queue: over 255 bytes")?;
    let connection = Connection::connect(&arguments.url, ConnectionProperties::default());
    let connection = connection.await.with_context(|| format!("failed to reach RabbitMQ at {}", arguments.url))?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.clone(), durable, FieldTable::default()).await?;

    for number in 1..=arguments.count {
        let run = observe::run("order").attribute("order.number", number).open();
        let id = run.id().map(|id| id.to_string()).unwrap_or_default();
        let result = run.with_context(place(&channel, &queue, number)).await;
        run.end_with(&result);
        result?;
        println!("run {id}");
    }
    connection.close(200, "done".into()).await?;
    recorder.shutdown(Duration::from_secs(5));
    Ok(())
}

/// One order. Only the word `observed` is spanbridge's.
async fn place(channel: &Channel, queue: &ShortString, number: u32) -> anyhow::Result<()> {
    let body = format!(r#"{{"order":{number}}}"#);
    let work = async {
        let confirm = channel
            .observed()
            .basic_publish(
                "".into(),
                queue.clone(),
                BasicPublishOptions { mandatory: true, ..Default::default() },
                body.as_bytes(),
                BasicProperties::default().with_delivery_mode(2),
            )
            .await?
            .await?;
        anyhow::ensure!(confirm == Confirmation::Ack(None), "the broker did not take the order: {confirm:?}");
        Ok(())
    };
    observe::span("place order").attribute("order.number", number).run(work).await
}
