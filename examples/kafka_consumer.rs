//! Processes orders from a Kafka topic. Each order gets a `process` span under the span that sent it.
//!
//! Send orders with `kafka_producer`, then run this example on the same topic:
//!
//! ```sh
//! cargo run --example kafka_consumer -- --brokers 127.0.0.1:9092 --topic orders --group mail --count 3
//! ```
//!
//! The body of a message is a JSON object. Two optional fields control the work: `"work_ms"` is how long it takes in
//! milliseconds, and `"fail": true` makes it fail. The consumer skips a failed message. The offsets are committed
//! at the end.

use anyhow::Context as _;
use clap::Parser;
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use spanbridge::observe;
use spanbridge_examples::kafka::Topic;
use spanbridge_examples::{Records, finish, shutdown_signal};
use spanbridge_kafka::{ConsumerExt, Observed};
use std::time::Duration;

/// Processes messages from a Kafka topic until it has processed `--count` of them or gets SIGINT or SIGTERM.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    topic: Topic,
    /// The consumer group
    #[arg(long, default_value = "mail")]
    group: String,
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
    let recorder = arguments.records.recorder("mail")?.install()?;
    // The observed context marks work on partitions that are revoked meanwhile.
    let consumer: StreamConsumer<_> = arguments
        .topic
        .client("mail")
        .set("group.id", &arguments.group)
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", "6000")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .create_with_context(Observed::new(DefaultConsumerContext))
        .context("failed to create a consumer")?;
    consumer.subscribe(&[&arguments.topic.name])?;
    let consumer = consumer.observed();

    let mut shutdown = std::pin::pin!(shutdown_signal()?);
    let mut left = arguments.count.unwrap_or(u32::MAX);
    let mut reported = false;
    while left > 0 {
        let job = tokio::select! {
            biased;
            () = &mut shutdown => break,
            job = consumer.recv() => match job {
                Err(e @ KafkaError::MessageConsumptionFatal(_)) => return Err(e.into()),
                Err(e) => {
                    // librdkafka repeats the error many times a second. Print it once.
                    if !std::mem::replace(&mut reported, true) {
                        eprintln!("kafka_consumer: {e}; librdkafka retries");
                    }
                    continue;
                }
                Ok(job) => job,
            },
        };
        reported = false;
        // This example skips a message that fails. Other services stop, or publish it to a dead letter topic.
        let _ = job.run(|| write(job.payload(), arguments.work_ms)).await;
        job.store_offset()?;
        left -= 1;
    }
    if left < arguments.count.unwrap_or(u32::MAX) {
        consumer.commit_consumer_state(CommitMode::Sync)?;
    }
    finish(recorder);
    Ok(())
}

async fn write(order: Option<&[u8]>, work_ms: u64) -> anyhow::Result<()> {
    let order: serde_json::Value = serde_json::from_slice(order.unwrap_or(b"null")).context("the order is not JSON")?;
    let work_ms = order["work_ms"].as_u64().unwrap_or(work_ms);
    let write = async || {
        observe::span("look up address").in_scope(|| ());
        tokio::time::sleep(Duration::from_millis(work_ms)).await;
    };
    observe::span("write mail").run(write).await;
    anyhow::ensure!(order["fail"].is_null(), "the customer has no address");
    Ok(())
}
