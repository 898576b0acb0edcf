//! Sends messages to a RabbitMQ queue, a run each.
//!
//! ```sh
//! cargo run --example amqp_producer -- --url amqp://127.0.0.1 --queue orders --count 3
//! ```

use clap::Parser;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Confirmation};
use spanbridge::observe;
use spanbridge_amqp::ChannelExt;
use spanbridge_examples::broker::{Broker, Connected};
use spanbridge_examples::{Records, finish};

/// Sends messages to a RabbitMQ queue, a run each, and prints the runs.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    broker: Broker,
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

/// One order. Only the word `observed` is spanbridge's.
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
        anyhow::ensure!(confirm == Confirmation::Ack(None), "the broker did not take the order: {confirm:?}");
        Ok(())
    };
    observe::span("place order").attribute("order.number", number).run(work).await
}
