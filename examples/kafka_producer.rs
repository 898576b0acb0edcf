//! Sends orders to a Kafka topic. Each order is a run of its own.
//!
//! Start a broker, then run this example. It prints one line `run <32 hex>` per order.
//!
//! ```sh
//! cargo run --example kafka_producer -- --brokers 127.0.0.1:9092 --topic orders --count 3
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! To see the consumer's spans in the same trace, run `kafka_consumer` on the same topic.

use anyhow::Context as _;
use clap::Parser;
use rdkafka::producer::{FutureProducer, FutureRecord};
use spanbridge::observe;
use spanbridge_examples::kafka::Topic;
use spanbridge_examples::{Records, finish};
use spanbridge_kafka::ProducerExt;
use std::time::Duration;

/// Sends orders to a Kafka topic, each in a run of its own, and prints the run ids.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    topic: Topic,
    /// Number of messages
    #[arg(long, default_value_t = 1)]
    count: u32,
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let recorder = arguments.records.recorder("orders")?.install()?;
    let mut config = arguments.topic.client("orders");
    let producer: FutureProducer =
        config.set("message.timeout.ms", "10000").create().context("failed to create a producer")?;

    for number in 1..=arguments.count {
        let run = observe::run("order").attribute("order.number", number).open();
        let id = run.id().map(|id| id.to_string()).unwrap_or_default();
        let result = run.with_context(|| place(&producer, &arguments.topic.name, number)).await;
        run.end_with(&result);
        result.with_context(|| format!("failed to send to {} at {}", arguments.topic.name, arguments.topic.brokers))?;
        println!("run {id}");
    }
    finish(recorder);
    Ok(())
}

/// Sends one order. `observed()` is the only change to the rdkafka call.
async fn place(producer: &FutureProducer, topic: &str, number: u32) -> anyhow::Result<()> {
    let (key, body) = (number.to_string(), format!(r#"{{"order":{number}}}"#));
    let work = async || {
        let record = FutureRecord::to(topic).key(&key).payload(&body);
        producer.observed().send(record, Duration::from_secs(5)).await.map_err(|(error, _)| error)?;
        anyhow::Ok(())
    };
    observe::span("place order").attribute("order.number", number).run(work).await
}
