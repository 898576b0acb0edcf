//! Works on messages from a Kafka topic.
//!
//! ```sh
//! cargo run --example kafka_consumer -- --brokers 127.0.0.1:9092 --topic orders --group mail --count 3
//! ```
//!
//! A message whose body is a JSON object may say how long the work takes (`"work_ms"`) and that it fails (`"fail"`).

use anyhow::Context as _;
use clap::Parser;
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use spanbridge::observe;
use spanbridge_examples::kafka::Topic;
use spanbridge_examples::{Records, finish, told_to_stop};
use spanbridge_kafka::{ConsumerExt, Observed};
use std::time::Duration;

/// Works on messages from a Kafka topic, until it has handled so many, or is told to stop.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    topic: Topic,
    /// The consumer group
    #[arg(long, default_value = "mail")]
    group: String,
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
    let recorder = arguments.records.recorder("mail")?.install()?;
    // With its context observed, work on partitions that are taken away is marked.
    let consumer: StreamConsumer<_> = arguments
        .topic
        .client("mail")
        .set("group.id", &arguments.group)
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", "6000")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .create_with_context(Observed::new(DefaultConsumerContext))
        .context("failed to make a consumer")?;
    consumer.subscribe(&[&arguments.topic.name])?;
    let consumer = consumer.observed();

    let mut told_to_stop = std::pin::pin!(told_to_stop()?);
    let mut left = arguments.count.unwrap_or(u32::MAX);
    let mut told = false;
    while left > 0 {
        let job = tokio::select! {
            biased;
            () = &mut told_to_stop => break,
            job = consumer.recv() => match job {
                Err(e @ KafkaError::MessageConsumptionFatal(_)) => return Err(e.into()),
                Err(e) => {
                    // It says so many times a second.
                    if !std::mem::replace(&mut told, true) {
                        eprintln!("kafka_consumer: {e}; librdkafka tries again");
                    }
                    continue;
                }
                Ok(job) => job,
            },
        };
        told = false;
        // A message that fails is passed over here; another service might stop at it, or put it elsewhere.
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
