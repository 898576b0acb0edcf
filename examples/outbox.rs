//! A transactional outbox on SQLite: an order and the message about it are committed together, or neither is.
//!
//! ```sh
//! cargo run --example outbox -- place --orders orders.db            # prints `run <32 hex>`
//! cargo run --example outbox -- place --orders orders.db --fail     # rolled back: no order, no message
//! cargo run --example outbox -- relay --orders orders.db            # sends the messages
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! The trace shows the message's spans under the transaction that wrote it, however much later the relay sends it.
//! docs/guide/outbox.md has the rules, and the code for PostgreSQL.

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use rusqlite::{Connection, TransactionBehavior};
use spanbridge::{ContextExt, RunContext, observe, outbox};
use spanbridge_examples::mailbox::{Mailbox, Sender, mailbox};
use spanbridge_examples::{Records, finish, shutdown_signal};
use std::path::PathBuf;
use std::time::Duration;

/// Writes an order and the message about it in one transaction; a relay sends the message.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The application's database
    #[arg(long, global = true, default_value = "orders.db", value_name = "FILE")]
    orders: PathBuf,
    /// The store [default: spanbridge/store in the user's data directory]
    #[arg(long, global = true, env = "SPANBRIDGE_DB", value_name = "PATH")]
    db: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Place an order, and print its run id
    Place {
        /// Fail between writing the message and the commit
        #[arg(long)]
        fail: bool,
        /// Keep running until SIGINT or SIGTERM, as a service does
        #[arg(long)]
        stay: bool,
    },
    /// Send the messages in the outbox, and print how many
    Relay,
}

/// The queue that the messages go to. It is inside the relay's process, so the example needs no broker.
const QUEUE: &str = "confirmations";

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, payload TEXT NOT NULL, context TEXT NOT NULL);";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let service = if let Command::Relay = arguments.command { "relay" } else { "orders" };
    let recorder = Records { path: arguments.db.clone() }.recorder(service)?.install()?;
    let result = run(&arguments).await;
    finish(recorder);
    result
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut database = Connection::open(&arguments.orders)
        .with_context(|| format!("failed to open {}", arguments.orders.display()))?;
    database.busy_timeout(Duration::from_secs(5))?;
    database.execute_batch(TABLES)?;
    match arguments.command {
        Command::Place { fail, stay } => {
            let run = observe::run("order").open();
            println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
            let placed = run.in_scope(|| observe::span("place order").in_scope(|| place(&mut database, fail)));
            run.end_with(&placed);
            placed?;
            println!("placed");
            if stay {
                shutdown_signal()?.await;
            }
            Ok(())
        }
        Command::Relay => {
            let sent = observe::run("relay").run(|| relay(&database)).await?;
            println!("sent {sent}");
            Ok(())
        }
    }
}

/// Writes the order and the message about it in one transaction.
fn place(database: &mut Connection, fail: bool) -> anyhow::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO orders (item) VALUES ('umbrella')", [])?;
    let order = transaction.last_insert_rowid();

    let enqueued = outbox::enqueue(QUEUE); // dropped by an error below: recorded as rolled back
    let message = (format!(r#"{{"order":{order}}}"#), enqueued.context().to_string());
    transaction.execute("INSERT INTO outbox (payload, context) VALUES (?, ?)", message)?;
    if fail {
        bail!("the warehouse has no umbrella")
    }
    transaction.commit()?;
    enqueued.commit();
    Ok(())
}

/// Sends each message under the span that enqueued it, then deletes it: at-least-once delivery. Returns how many it sent.
async fn relay(database: &Connection) -> anyhow::Result<usize> {
    let (sender, messages) = mailbox(QUEUE);
    let consumer = tokio::spawn(consume(messages).in_context(spanbridge::Context::detached()));
    let mut select = database.prepare("SELECT id, payload, context FROM outbox ORDER BY id")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, payload, context) in &rows {
        // If the context cannot be read, send the message without one.
        let context: RunContext = context.parse().unwrap_or_else(|e| {
            eprintln!("message {id}: failed to {e}");
            RunContext::default()
        });
        observe::with_context(context, || send(&sender, payload)).await?;
        database.execute("DELETE FROM outbox WHERE id = ?", [id])?;
    }
    drop(sender);
    consumer.await?;
    Ok(rows.len())
}

async fn send(queue: &Sender, payload: &str) -> anyhow::Result<()> {
    Ok(queue.send_bytes(QUEUE, payload.as_bytes())?)
}

/// The consumer of the messages.
async fn consume(mut messages: Mailbox) {
    while let Some(job) = messages.next().await {
        job.run(|| observe::span("send mail").run(|| tokio::time::sleep(Duration::from_millis(3)))).await
    }
}
