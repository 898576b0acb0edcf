//! A transactional outbox on SQLite: the message is there if and only if the order is.
//!
//! ```sh
//! cargo run --example outbox -- place --orders orders.db            # prints `run <32 hex>`
//! cargo run --example outbox -- place --orders orders.db --fail     # rolled back: no order, no message
//! cargo run --example outbox -- relay --orders orders.db            # sends what is there
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```
//!
//! docs/guide/outbox.md tells the rules, and has the form for PostgreSQL.

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use rusqlite::{Connection, TransactionBehavior};
use spanbridge::{ContextExt, RunContext, observe, outbox};
use spanbridge_examples::mailbox::{Mailbox, Sender, mailbox};
use spanbridge_examples::{Records, finish, told_to_stop};
use std::path::PathBuf;
use std::time::Duration;

/// Orders that are placed and told of in one transaction.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The database of the application
    #[arg(long, global = true, default_value = "orders.db", value_name = "FILE")]
    orders: PathBuf,
    /// The store file [default: the user's data directory]
    #[arg(long, global = true, env = "SPANBRIDGE_DB", value_name = "PATH")]
    db: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Places an order, and prints its run
    Place {
        /// Fail after the message was written, and before the commit
        #[arg(long)]
        fail: bool,
        /// Stay until told to stop, as a service does
        #[arg(long)]
        stay: bool,
    },
    /// Sends the messages that are in the outbox, and prints how many
    Relay,
}

/// Where the messages go: a queue inside the relay's process, for an example that needs no broker.
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
                told_to_stop()?.await;
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

/// The order and the message that tells of it, in one transaction.
fn place(database: &mut Connection, fail: bool) -> anyhow::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO orders (item) VALUES ('umbrella')", [])?;
    let order = transaction.last_insert_rowid();

    let enqueued = outbox::enqueue(QUEUE); // whatever goes wrong from here on: rolled back
    let message = (format!(r#"{{"order":{order}}}"#), enqueued.context().to_string());
    transaction.execute("INSERT INTO outbox (payload, context) VALUES (?, ?)", message)?;
    if fail {
        bail!("the warehouse has no umbrella")
    }
    transaction.commit()?;
    enqueued.commit();
    Ok(())
}

/// Sends each message under the span that enqueued it, and deletes it afterwards: at least once.
async fn relay(database: &Connection) -> anyhow::Result<usize> {
    let (sender, letters) = mailbox(QUEUE);
    let consumer = tokio::spawn(consume(letters).in_context(spanbridge::Context::detached()));
    let mut select = database.prepare("SELECT id, payload, context FROM outbox ORDER BY id")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, payload, context) in &rows {
        // A column that cannot be read keeps no message back: it is sent as if it had come from nowhere.
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

/// Who is told.
async fn consume(mut letters: Mailbox) {
    while let Some(job) = letters.next().await {
        job.run(|| observe::span("send mail").run(|| tokio::time::sleep(Duration::from_millis(3)))).await
    }
}
