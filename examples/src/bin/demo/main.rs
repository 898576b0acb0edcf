//! `cargo demo`: one order across every hop, and the run it made.
//!
//! What is real: RabbitMQ, where there is one, and lapin; librdkafka, and its own in-process broker where there is no other;
//! AWS's SDK and `lambda_runtime`, in a process of its own. What is played: the services, which share a process (each has
//! a recorder of its own), HTTP between them, the database, the queue `parcels`, and Lambda's side of its APIs.

mod hops;
#[cfg_attr(not(unix), path = "no_notify.rs")]
mod notify;
mod projection;
mod services;
mod shipping;
mod story;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use hops::{Hops, amqp_url};
use services::Services;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_examples::Records;
use spanbridge_query::Store;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Carries one order from a gateway to a worker that fails once, and shows the run that it made.
///
/// It needs nothing but itself: Kafka's broker is one inside this process, or the one that KAFKA_BROKERS names. With
/// AMQP_URL set the order goes through RabbitMQ, too. The last hop is a function on AWS's lambda_runtime, in a process of
/// its own.
#[derive(Parser)]
#[command(name = "cargo demo")]
struct Arguments {
    #[command(flatten)]
    records: Records,
    /// What to print: the tree, or the graph as JSON and nothing else
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Be the function of the story, in a process of its own
    #[arg(long, hide = true)]
    function: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.function {
        true => notify::function(&arguments.records).await,
        false => demo(&arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("demo: {e:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: &Arguments) -> anyhow::Result<()> {
    let store = arguments.records.path()?;
    let services = Services::start(&arguments.records)?;
    let hops = Hops::start(&store).await?;
    let run = story::tell(&services, &hops).await;
    hops.stop().await;
    services.stop();
    let text = show(arguments, &store, run?)?;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()), // whoever reads has seen enough
        result => result.context("failed to write the tree"),
    }
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
