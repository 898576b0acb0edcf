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
use std::io::Write;
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
        let kafka = Kafka::start(std::env::var("KAFKA_BROKERS").ok().filter(|b| !b.is_empty()))?;
        Ok(Brokers { amqp_url: amqp_url(), kafka })
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
    let run = story::tell(&services, &Brokers::from_environment()?).await;
    services.stop();
    let text = show(arguments, &arguments.records.path()?, run?)?;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()), // whoever reads has seen enough
        result => result.context("failed to write the tree"),
    }
}

fn amqp_url() -> Option<String> {
    std::env::var("AMQP_URL").ok().filter(|url| !url.is_empty())
}

fn show(arguments: &Arguments, path: &Path, run: RunId) -> anyhow::Result<String> {
    let failed = |e: spanbridge_store::Error| anyhow::anyhow!("failed to {e}");
    let graph = Store::open(path).map_err(failed)?.graph(run).map_err(failed)?;
    let graph = graph.context("the run did not reach the store")?;
    Ok(match arguments.format {
        Format::Json => format!("{}\n", graph.to_json()),
        Format::Text => {
            let tree = render::tree(&graph, &spanbridge_cli::terminal::options());
            let db = arguments.records.path.as_ref().map(|p| format!(" --db {}", quoted(p))).unwrap_or_default();
            let more = match amqp_url() {
                Some(_) => "",
                None => "With AMQP_URL set, the order goes through RabbitMQ, too.\n",
            };
            format!(
                "{tree}\n\
                 Look further (the records are in {}):\n  \
                   cargo run -q -p spanbridge-cli -- runs{db}\n  \
                   cargo run -q -p spanbridge-cli -- trace {run:.8}{db}\n  \
                   cargo run -q -p spanbridge-cli -- trace {run:.8}{db} --format json\n  \
                   cargo run -q -p spanbridge-cli -- export {run:.8}{db}\n\
                 {more}\n\
                 run {run}\n",
                path.display()
            )
        }
    })
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
