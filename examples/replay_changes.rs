//! Ships an order from a RabbitMQ queue, and replays it with changed code: what a replay says of a fix, and of a call that was added.
//! (`replay_worker` is the one to start from.)
//!
//! Start a broker and something that answers `GET /stock/{item}` with a number, then run this example. It orders, and ships what it
//! has ordered:
//!
//! ```sh
//! cargo run --example replay_changes -- --url amqp://127.0.0.1 --queue orders --stock http://127.0.0.1:8080 --order tea,cake
//! ```
//!
//! If there is not enough of something, the order fails. Run the same code on the same order again, without the broker and without
//! the stock, as often as you like, and in a debugger:
//!
//! ```sh
//! spanbridge replay <the run> -- cargo run --example replay_changes -- --stock http://127.0.0.1:8080
//! spanbridge replay <the run> -- rust-gdb --args target/debug/examples/replay_changes --stock http://127.0.0.1:8080
//! ```
//!
//! `--partial` is a change to the code that ships what is there: the replay says that the order does not fail any more. `--complain`
//! is one that tells the stock of each order that failed: the replay refuses the call, since the record does not have it.

use anyhow::Context as _;
use clap::Parser;
use futures_util::future::try_join_all;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use reqwest_middleware::ClientWithMiddleware;
use serde::{Deserialize, Serialize};
use spanbridge::messaging::{CaptureMode, ReceiveOptions};
use spanbridge::observe;
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job};
use spanbridge_examples::broker::{Broker, Connected};
use spanbridge_examples::{Records, finish};
use spanbridge_http::ClientMiddleware;
use spanbridge_replay::Replayer;
use std::process::ExitCode;
use std::time::Duration;

/// So much of each payload is recorded. A payload that is longer cannot be replayed.
const CAPTURE: CaptureMode = CaptureMode::Whole { max: 64 << 10 };

/// How long a replay may take.
const DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// Ships orders from a RabbitMQ queue, or ships one again that failed.
#[derive(Parser)]
struct Arguments {
    /// The broker's URL; a replay needs none
    #[arg(long, env = "AMQP_URL")]
    url: Option<String>,
    /// The queue; a replay needs none
    #[arg(long)]
    queue: Option<String>,
    /// The service that knows the stock
    #[arg(long, value_name = "URL")]
    stock: String,
    /// Orders these items before it ships
    #[arg(long, value_name = "ITEM,…", value_delimiter = ',')]
    order: Vec<String>,
    /// Ships what there is, instead of failing
    #[arg(long)]
    partial: bool,
    /// Tells the stock of each order that failed
    #[arg(long)]
    complain: bool,
    #[command(flatten)]
    records: Records,
}

/// What is ordered.
#[derive(Deserialize, Serialize)]
struct Order {
    items: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new());
    let client = client.with(ClientMiddleware::new().capture(CAPTURE)).build();
    // Before anything is connected to, and before a recorder is there: a replay has one of its own.
    if let Some(replay) = Replayer::from_environment()? {
        // In a debugger, it may take its time.
        let replay = replay.deadline(DEADLINE);
        return Ok(replay.amqp(|job| handle(job, &client, &arguments)).await.finish());
    }
    let recorder = arguments.records.recorder("shipping")?.install()?;
    let result = work(&arguments, &client).await;
    finish(recorder);
    result.map(|()| ExitCode::SUCCESS)
}

async fn work(arguments: &Arguments, client: &ClientWithMiddleware) -> anyhow::Result<()> {
    let (url, queue) = arguments.url.clone().zip(arguments.queue.clone()).context("--url and --queue are missing")?;
    let broker = Broker { url, queue }.connect().await?;
    if !arguments.order.is_empty() {
        let run = observe::run("order").open();
        println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
        let result = run.with_context(|| place(&broker, &arguments.order)).await;
        run.end_with(&result);
        result?;
    }
    let consumer = broker.channel.basic_consume(
        broker.queue.clone(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let options = ReceiveOptions::default().capture(CAPTURE);
    let mut jobs = consumer.await?.observed().with(options);
    let job = jobs.next().await.context("the consumer was cancelled")??;
    handle(job, client, arguments).await?;
    broker.connection.close(200, "done".into()).await?;
    Ok(())
}

async fn place(broker: &Connected, items: &[String]) -> anyhow::Result<()> {
    let order = serde_json::to_vec(&Order { items: items.to_vec() })?;
    let confirm = broker.channel.observed().basic_publish(
        "".into(),
        broker.queue.clone(),
        BasicPublishOptions::default(),
        &order,
        BasicProperties::default().with_content_type("application/json".into()),
    );
    confirm.await?.await?;
    Ok(())
}

/// What is done with a message, from the queue or from a record.
async fn handle(job: Job, client: &ClientWithMiddleware, arguments: &Arguments) -> lapin::Result<()> {
    match job.run(|| ship(&job.data, client, arguments)).await {
        Ok(()) => job.ack(BasicAckOptions::default()).await?,
        Err(_) => job.reject(BasicRejectOptions { requeue: false }).await?,
    };
    Ok(())
}

async fn ship(order: &[u8], client: &ClientWithMiddleware, arguments: &Arguments) -> anyhow::Result<()> {
    let order: Order = serde_json::from_slice(order).context("the order is not JSON")?;
    // In parallel: their order does not matter to a replay.
    let stock = try_join_all(order.items.iter().map(|item| stock_of(item, client, arguments))).await?;
    let missing = order.items.iter().zip(&stock).find(|(_, left)| **left == 0).map(|(item, _)| item);
    let reserved = observe::span("reserve").run(async || match missing {
        Some(item) if !arguments.partial => Err(anyhow::anyhow!("there is no {item} left")),
        _ => Ok(()),
    });
    let reserved = reserved.await;
    if reserved.is_err() && arguments.complain {
        client.post(format!("{}/complaints", arguments.stock)).body("out of stock").send().await?;
    }
    reserved
}

async fn stock_of(item: &str, client: &ClientWithMiddleware, arguments: &Arguments) -> anyhow::Result<u32> {
    let response = client.get(format!("{}/stock/{item}", arguments.stock)).send().await?.error_for_status()?;
    Ok(response.text().await?.trim().parse()?)
}
