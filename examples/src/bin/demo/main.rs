//! `cargo demo`: sends one order through every kind of transport, then prints the run as a tree. With `--serve`, it then shows it in
//! the browser.
//!
//! Real:
//!
//! - lapin and RabbitMQ, if `AMQP_URL` is set
//! - librdkafka, with the brokers in `KAFKA_BROKERS`, else with its own in-process broker
//! - axum and reqwest, between the shop, the gateway and the payments service
//! - AWS's SDK and `lambda_runtime`, in a second process
//! - SQLite, by rusqlite: the orders, the stock, and what was packed
//!
//! Simulated:
//!
//! - the services: they share one process, and each has its own recorder
//! - the queue `parcels`
//! - Lambda's side of its APIs

mod browser;
mod checkout;
mod database;
mod gateway;
mod http;
#[cfg_attr(not(unix), path = "no_notify.rs")]
mod notify;
mod orders;
mod output;
mod page;
mod payments;
mod projection;
mod services;
mod shipping;
mod transports;
mod warehouse;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use services::Services;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_examples::Records;
use spanbridge_query::Store;
use std::path::Path;
use std::process::ExitCode;
use transports::{Transports, amqp_url};

/// Sends one order from a shop to a worker that fails once, and prints the run as a tree.
///
/// Nothing has to be installed. Kafka is a broker inside this process, or the brokers in KAFKA_BROKERS. If AMQP_URL is set,
/// the order also goes through RabbitMQ. The last step is a function on AWS's lambda_runtime, in a second process.
#[derive(Parser)]
#[command(name = "cargo demo")]
struct Arguments {
    #[command(flatten)]
    records: Records,
    /// Print the tree, or only the graph as JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Let the order fail: the label printer stays out of paper
    #[arg(long)]
    fail: bool,
    /// Then show the run in the browser, until Ctrl-C
    #[arg(long)]
    serve: bool,
    /// Open no browser, only print the address; so does BROWSER=none
    #[arg(long, requires = "serve")]
    no_open: bool,
    /// Run as the Lambda function of the demo
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
    let services = Services::start(&arguments.records, arguments.fail)?;
    let transports = Transports::start(&store).await?;
    let run = checkout::run(&services, &transports).await;
    transports.stop().await;
    services.stop();
    let run = run?;
    output::print(&show(arguments, &store, run)?)?;
    if arguments.serve { page::serve(&store, run, !arguments.no_open).await } else { Ok(()) }
}

fn show(arguments: &Arguments, path: &Path, run: RunId) -> anyhow::Result<String> {
    let failed = |e: spanbridge_query::Error| anyhow::anyhow!("failed to {e}");
    let graph = Store::open(path).map_err(failed)?.graph(run).map_err(failed)?;
    let graph = graph.context("the run did not reach the store")?;
    Ok(match arguments.format {
        Format::Json => format!("{}\n", graph.to_json()),
        Format::Text => {
            let tree = render::tree(&graph, &spanbridge_cli::terminal::options());
            let db = arguments.records.path.as_ref().map(|p| format!(" --db {}", quoted(p))).unwrap_or_default();
            let why = match arguments.fail {
                true => format!("cargo run -q -p spanbridge-cli -- why {run:.8}{db}\n  "),
                false => String::new(),
            };
            let more = match amqp_url() {
                Some(_) => "",
                None => "If you set AMQP_URL, the order also goes through RabbitMQ.\n",
            };
            format!(
                "{tree}\n\
                 To see more (the records are in {}):\n  \
                   cargo run -q -p spanbridge-cli -- serve{db}    # in the browser; at once: cargo demo --serve\n  \
                   cargo run -q -p spanbridge-cli -- runs{db}\n  \
                   cargo run -q -p spanbridge-cli -- trace {run:.8}{db}\n  \
                   cargo run -q -p spanbridge-cli -- trace {run:.8}{db} --format json\n  \
                   {why}\
                   cargo run -q -p spanbridge-cli -- state history orders 1{db}\n  \
                   cargo run -q -p spanbridge-cli -- export {run:.8}{db}\n\
                 {more}\n\
                 run {run}\n",
                path.display()
            )
        }
    })
}

/// The path, quoted for a shell if necessary.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
