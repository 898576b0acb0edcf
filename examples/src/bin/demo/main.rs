//! `cargo demo`: one order across every hop, and the run it made.

mod projection;
mod services;
mod shipping;
mod story;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use projection::Kafka;
use services::Services;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_examples::Records;
use spanbridge_store::Store;
use std::path::Path;
use std::process::ExitCode;

/// Carries one order from a gateway to a worker that fails once, and shows the run that it made.
///
/// It needs nothing but itself: Kafka's broker is one inside this process, or the one that KAFKA_BROKERS names. With
/// AMQP_URL set the order goes through RabbitMQ, too.
#[derive(Parser)]
#[command(name = "cargo demo")]
struct Arguments {
    #[command(flatten)]
    records: Records,
    /// What to print: the tree, or the graph as JSON and nothing else
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What brokers there are.
struct Brokers {
    amqp_url: Option<String>,
    kafka: Kafka,
}

impl Brokers {
    fn from_environment() -> anyhow::Result<Self> {
        let kafka = Kafka::start(std::env::var("KAFKA_BROKERS").ok())?;
        Ok(Brokers { amqp_url: std::env::var("AMQP_URL").ok(), kafka })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match demo(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("demo: {e:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: &Arguments) -> anyhow::Result<()> {
    let services = Services::start(&arguments.records)?;
    let run = story::tell(&services, &Brokers::from_environment()?).await?;
    services.stop();
    show(arguments, &arguments.records.path()?, run)
}

fn show(arguments: &Arguments, path: &Path, run: RunId) -> anyhow::Result<()> {
    let failed = |e: spanbridge_store::Error| anyhow::anyhow!("failed to {e}");
    let graph =
        Store::open(path).map_err(failed)?.graph(run).map_err(failed)?.context("the run did not reach the store")?;
    match arguments.format {
        Format::Json => println!("{}", graph.to_json()),
        Format::Text => {
            print!("{}", render::tree(&graph, &spanbridge_cli::terminal::options()));
            let db = match &arguments.records.path {
                Some(path) => format!(" --db {}", path.display()),
                None => String::new(),
            };
            println!();
            println!("Look further (the records are in {}):", path.display());
            println!("  cargo run -q -p spanbridge-cli -- runs{db}");
            println!("  cargo run -q -p spanbridge-cli -- trace {run:.8}{db}");
            println!("  cargo run -q -p spanbridge-cli -- trace {run:.8}{db} --format json");
            println!("  cargo run -q -p spanbridge-cli -- export {run:.8}{db}");
            if std::env::var_os("AMQP_URL").is_none() {
                println!("With AMQP_URL set, the order goes through RabbitMQ, too.");
            }
            println!();
            println!("run {run}");
        }
    }
    Ok(())
}
