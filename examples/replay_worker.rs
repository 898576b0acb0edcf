//! A worker whose failures can be replayed: it asks a service for the stock, writes SQLite, and publishes a notice.
//!
//! It sends itself two orders over RabbitMQ. The second one fails, because it has no address:
//!
//! ```sh
//! cargo run --example replay_worker -- --url amqp://127.0.0.1
//! ```
//!
//! It prints the run of the order that failed. Run that again, here, without the service and the broker. It fails in the same span; set a
//! breakpoint in `ship`:
//!
//! ```sh
//! cargo run --example replay_worker -- RUN
//! ```
//!
//! Or have the command line do it, keep the case as a file, and run the file:
//!
//! ```sh
//! spanbridge replay RUN --scratch scratch -- cargo run --example replay_worker
//! spanbridge replay RUN --scratch scratch --save order.json
//! cargo run --example replay_worker -- order.json
//! ```

use anyhow::{Context as _, ensure};
use axum::extract::Path;
use axum::routing::get;
use clap::Parser;
use lapin::options::*;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use rusqlite::Connection;
use serde::Deserialize;
use spanbridge::observe;
use spanbridge_amqp::{CaptureMode, ChannelExt, ConsumerExt, Job, ReceiveOptions};
use spanbridge_cli::replay::{Entry, choose};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use spanbridge_examples::broker::{Broker, Connected};
use spanbridge_examples::{Records, finish};
use spanbridge_http::ClientMiddleware;
use spanbridge_query::Store;
use spanbridge_replay::{Case, Replayer};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Ships two orders, of which one fails; or replays one.
#[derive(Clone, Parser)]
struct Arguments {
    /// The broker's URL
    #[arg(long, env = "AMQP_URL", default_value = "amqp://127.0.0.1")]
    url: String,
    /// The queue; it is declared as durable
    #[arg(long, default_value = "replay_worker")]
    queue: String,
    /// Replays this run of the store, or this file of a case
    #[arg(value_name = "RUN|FILE")]
    replay: Option<String>,
    #[command(flatten)]
    records: Records,
}

/// What can be replayed is recorded whole, up to so many bytes.
const CAPTURE: CaptureMode = CaptureMode::Whole { max: 256 * 1024 };

/// The database that a replay may write.
const SCRATCH: &str = "scratch";

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // `spanbridge replay … -- cargo run --example replay_worker` has started us.
    if let Some(replay) = Replayer::from_environment().context("failed to replay")? {
        return replay_case(&arguments, replay).await;
    }
    if let Some(which) = &arguments.replay {
        let mut case = case_of(which, &arguments.records)?;
        case.scratch = Some(SCRATCH.to_owned());
        return replay_case(&arguments, Replayer::of(case)).await;
    }
    work(&arguments).await?;
    Ok(ExitCode::SUCCESS)
}

/// What the worker works with.
struct Shop {
    stock: ClientWithMiddleware,
    db: SqliteConnection,
    broker: Broker,
    /// Connected to when it is needed: in a replay of what was not published, there need be no broker.
    connected: OnceCell<Connected>,
}

impl Shop {
    fn new(arguments: &Arguments, stock: reqwest::Client, db: Connection, name: &str) -> anyhow::Result<Self> {
        db.execute_batch("CREATE TABLE shipments (item TEXT, count INTEGER)")?;
        let broker = Broker { url: arguments.url.clone(), queue: arguments.queue.clone() };
        let stock = ClientBuilder::new(stock).with(ClientMiddleware::new().capture(CAPTURE)).build();
        Ok(Shop { stock, db: db.observed(StatePolicy::values()).named(name), broker, connected: OnceCell::new() })
    }

    /// lapin has no channel without a connection, so also a replay connects for this. It publishes nothing.
    async fn channel(&self) -> anyhow::Result<&Channel> {
        Ok(&self.connected.get_or_try_init(|| self.broker.connect()).await?.channel)
    }
}

/// Replays one order. In a debugger that may take a day.
async fn replay_case(arguments: &Arguments, replay: Replayer) -> anyhow::Result<ExitCode> {
    let shop = Shop::new(arguments, reqwest::Client::new(), Connection::open_in_memory()?, SCRATCH)?;
    Ok(replay.deadline(Duration::from_secs(86_400)).amqp(|job| handle(&shop, job)).await.finish())
}

/// The work on one message: the body of the consumer's loop, and what a replay calls.
async fn handle(shop: &Shop, job: Job) -> anyhow::Result<()> {
    match job.run(|| ship(shop, &job.data)).await {
        Ok(()) => job.ack(BasicAckOptions::default()).await?,
        Err(_) => job.reject(BasicRejectOptions { requeue: false }).await?,
    };
    Ok(())
}

#[derive(Deserialize)]
struct Order {
    item: String,
    count: u32,
    address: Option<String>,
}

async fn ship(shop: &Shop, order: &[u8]) -> anyhow::Result<()> {
    let order: Order = serde_json::from_slice(order).context("the order is not valid")?;
    let url = format!("http://stock.example.com/items/{}", order.item);
    let left: u32 = shop.stock.get(url).send().await?.error_for_status()?.text().await?.parse()?;
    ensure!(order.count <= left, "{} of {} are left, and {} were ordered", left, order.item, order.count);
    shop.db.execute("INSERT INTO shipments VALUES (?1, ?2)", (&order.item, order.count))?;
    // Here is the fault: nobody has checked that there is an address.
    observe::span("print label").in_scope(|| order.address.as_deref().map(str::len).context("no address"))?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let notice = format!(r#"{{"shipped":"{}"}}"#, order.item);
    let publishing = shop.channel().await?.observed().basic_publish(
        "amq.topic".into(),
        "shipped".into(),
        options,
        notice.as_bytes(),
        properties,
    );
    publishing.await?.await?;
    Ok(())
}

/// The worker as it is when nothing is replayed, with all that is around it.
async fn work(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let stock = reqwest::Client::builder().resolve("stock.example.com", serve_stock().await?).build()?;
    let shop = Shop::new(arguments, stock, Connection::open(directory.path().join("shop.db"))?, "shop")?;
    let channel = shop.channel().await?.clone();
    let recorder = arguments.records.recorder("shipping")?.install()?;

    let mut runs = vec![];
    for (name, order) in [
        ("order 1", r#"{"item": "umbrella", "count": 1, "address": "1 Main Street"}"#),
        ("order 2", r#"{"item": "boots", "count": 2}"#),
    ] {
        let run = observe::run(name).open();
        runs.extend(run.id());
        let publish = || async {
            let properties = BasicProperties::default().with_content_type("application/json".into());
            let (queue, options) = (arguments.queue.as_str().into(), BasicPublishOptions::default());
            channel.observed().basic_publish("".into(), queue, options, order.as_bytes(), properties).await?.await
        };
        let published = run.with_context(publish).await;
        run.end_with(&published);
        published?;
    }

    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    let jobs = channel.basic_consume(arguments.queue.as_str().into(), "".into(), options, table).await?;
    let mut jobs = jobs.observed().with(ReceiveOptions::new().capture(CAPTURE));
    for _ in &runs {
        handle(&shop, jobs.next().await.context("the consumer was cancelled")??).await?;
    }
    finish(recorder);
    if let Some(failed) = runs.last() {
        println!("Order 2 failed. Replay it:");
        println!("  cargo run --example replay_worker -- {failed}");
    }
    Ok(())
}

/// The service that knows how many of an item are left.
async fn serve_stock() -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let left = |Path(item): Path<String>| async move { if item == "boots" { "3" } else { "7" } };
    let app = axum::Router::new().route("/items/{item}", get(left));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// The case in a file, or the one of a run in the store.
fn case_of(which: &str, records: &Records) -> anyhow::Result<Case> {
    if std::path::Path::new(which).exists() {
        return Case::read(which).map_err(|error| anyhow::anyhow!("failed to {error}"));
    }
    let store = Store::open(records.path()?)?;
    match choose(&store, which, None).map_err(|error| anyhow::anyhow!("failed to {error}"))? {
        Entry::One(case) => Ok(*case),
        _ => anyhow::bail!("failed to choose a handler of {which}: `spanbridge replay {which}` lists them"),
    }
}
