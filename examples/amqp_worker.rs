//! Works on messages from a RabbitMQ queue.
//!
//! ```sh
//! cargo run --example amqp_worker -- --url amqp://127.0.0.1 --queue orders --count 3
//! ```
//!
//! A message whose body is a JSON object may say how long the work takes (`"work_ms"`) and that it fails (`"fail"`).

use anyhow::Context as _;
use clap::Parser;
use lapin::options::*;
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, ConnectionProperties};
use spanbridge::observe;
use spanbridge_amqp::ConsumerExt;
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
    /// How many messages; without it, until interrupted
    #[arg(long)]
    count: Option<u32>,
    /// How long the work on a message takes
    #[arg(long, default_value_t = 1, value_name = "MS")]
    work_ms: u64,
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let recorder = arguments.records.recorder("shipping")?.install()?;
    let queue = ShortString::try_new(arguments.queue.as_str()).context("--queue: over 255 bytes")?;
    let connection = Connection::connect(&arguments.url, ConnectionProperties::default());
    let connection = connection.await.with_context(|| format!("failed to reach RabbitMQ at {}", arguments.url))?;
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.clone(), durable, FieldTable::default()).await?;
    channel.basic_qos(16, BasicQosOptions::default()).await?;
    let consumer = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut jobs = consumer.await?.observed();

    let mut left = arguments.count.unwrap_or(u32::MAX);
    while left > 0 {
        let job = tokio::select! {
            job = jobs.next() => job.context("the queue is gone")??,
            _ = tokio::signal::ctrl_c() => break,
        };
        match job.run(ship(&job.data, arguments.work_ms)).await {
            Ok(()) => job.ack(BasicAckOptions::default()).await?,
            Err(_) => job.reject(BasicRejectOptions { requeue: false }).await?,
        };
        left -= 1;
    }
    connection.close(200, "done".into()).await?;
    recorder.shutdown(Duration::from_secs(5));
    Ok(())
}

async fn ship(order: &[u8], work_ms: u64) -> anyhow::Result<()> {
    let order: serde_json::Value = serde_json::from_slice(order).context("the order is not JSON")?;
    let work_ms = order["work_ms"].as_u64().unwrap_or(work_ms);
    let pack = async {
        observe::span("reserve stock").in_scope(|| ());
        tokio::time::sleep(Duration::from_millis(work_ms)).await;
    };
    observe::span("pack").run(pack).await;
    anyhow::ensure!(order["fail"].is_null(), "the label printer is out of paper");
    Ok(())
}
