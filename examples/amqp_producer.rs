//! Publishes orders to a RabbitMQ queue. Each order is a run of its own.
//!
//! Start a broker, then run this example. It prints one line `run <32 hex>` per order.
//!
//! ```sh
//! cargo run --example amqp_producer -- --url amqp://127.0.0.1 --queue orders --count 3
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! To see the consumer's spans in the same trace, run `amqp_worker` on the same queue.

use clap::Parser;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Confirmation};
use spanbridge::observe;
use spanbridge_amqp::ChannelExt;
use spanbridge_examples::broker::{Broker, Connected};
use spanbridge_examples::{Records, finish};

/// Publishes orders to a RabbitMQ queue, each in a run of its own, and prints the run ids.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    broker: Broker,
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
    let result = send(&arguments).await;
    finish(recorder);
    result
}

async fn send(arguments: &Arguments) -> anyhow::Result<()> {
    let broker = arguments.broker.connect().await?;
    for number in 1..=arguments.count {
        let run = observe::run("order").attribute("order.number", number).open();
        let id = run.id().map(|id| id.to_string()).unwrap_or_default();
        let result = run.with_context(|| place(&broker, number)).await;
        run.end_with(&result);
        result?;
        println!("run {id}");
    }
    broker.connection.close(200, "done".into()).await?;
    Ok(())
}

/// Publishes one order. `observed()` is the only change to the lapin call.
async fn place(broker: &Connected, number: u32) -> anyhow::Result<()> {
    let body = format!(r#"{{"order":{number}}}"#);
    let work = async || {
        let confirm = broker
            .channel
            .observed()
            .basic_publish(
                "".into(),
                broker.queue.clone(),
                BasicPublishOptions { mandatory: true, ..Default::default() },
                body.as_bytes(),
                BasicProperties::default().with_delivery_mode(2),
            )
            .await?
            .await?;
        anyhow::ensure!(confirm == Confirmation::Ack(None), "the broker did not confirm the order: {confirm:?}");
        Ok(())
    };
    observe::span("place order").attribute("order.number", number).run(work).await
}
