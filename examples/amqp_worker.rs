//! Processes orders from a RabbitMQ queue. Each order gets a `process` span under the span that published it.
//!
//! Publish orders with `amqp_producer`, then run this example on the same queue:
//!
//! ```sh
//! cargo run --example amqp_worker -- --url amqp://127.0.0.1 --queue orders --count 3
//! ```
//!
//! The body of a message is a JSON object. Two optional fields control the work: `"work_ms"` is how long it takes in
//! milliseconds, and `"fail": true` makes it fail. A failed message is rejected and not requeued.

use anyhow::Context as _;
use clap::Parser;
use lapin::options::*;
use lapin::types::FieldTable;
use spanbridge::observe;
use spanbridge_amqp::ConsumerExt;
use spanbridge_examples::broker::Broker;
use spanbridge_examples::{Records, finish, shutdown_signal};
use std::time::Duration;

/// Processes messages from a RabbitMQ queue until it has processed `--count` of them or gets SIGINT or SIGTERM.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    broker: Broker,
    /// Number of messages to process [default: no limit]
    #[arg(long)]
    count: Option<u32>,
    /// How long the work on a message takes, unless the message says otherwise
    #[arg(long, default_value_t = 1, value_name = "MS")]
    work_ms: u64,
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let recorder = arguments.records.recorder("shipping")?.install()?;
    let result = work(&arguments).await;
    finish(recorder);
    result
}

async fn work(arguments: &Arguments) -> anyhow::Result<()> {
    let broker = arguments.broker.connect().await?;
    broker.channel.basic_qos(16, BasicQosOptions::default()).await?;
    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut jobs = broker.channel.basic_consume(broker.queue.clone(), "".into(), options, table).await?.observed();

    // Created once, so that a signal during the work on a message is not lost.
    let mut shutdown = std::pin::pin!(shutdown_signal()?);
    let mut left = arguments.count.unwrap_or(u32::MAX);
    while left > 0 {
        let job = tokio::select! {
            biased;
            () = &mut shutdown => break,
            job = jobs.next() => job.context("the consumer was cancelled")??,
        };
        match job.run(|| ship(&job.data, arguments.work_ms)).await {
            Ok(()) => job.ack(BasicAckOptions::default()).await?,
            Err(_) => job.reject(BasicRejectOptions { requeue: false }).await?,
        };
        left -= 1;
    }
    broker.connection.close(200, "done".into()).await?;
    Ok(())
}

async fn ship(order: &[u8], work_ms: u64) -> anyhow::Result<()> {
    let order: serde_json::Value = serde_json::from_slice(order).context("the order is not JSON")?;
    let work_ms = order["work_ms"].as_u64().unwrap_or(work_ms);
    let pack = async || {
        observe::span("reserve stock").in_scope(|| ());
        tokio::time::sleep(Duration::from_millis(work_ms)).await;
    };
    observe::span("pack").run(pack).await;
    anyhow::ensure!(order["fail"].is_null(), "the label printer is out of paper");
    Ok(())
}
