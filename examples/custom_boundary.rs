//! spanbridge on a transport that it has no adapter for: two tasks, an in-process queue between them, and one run.
//!
//! The adapter is `src/mailbox.rs`. This file shows how an application uses it. It prints the message that was read and
//! the run id, and the trace shows the reader's span under the writer's.
//!
//! ```sh
//! cargo run --example custom_boundary
//! cargo run -p spanbridge-cli -- trace <the run>
//! ```

use clap::Parser;
use serde_json::json;
use spanbridge::observe;
use spanbridge_examples::mailbox::mailbox;
use spanbridge_examples::{Records, finish};

/// Sends a message between two tasks through a custom transport, in one run.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let recorder = Arguments::parse().records.recorder("letters")?.install()?;
    let (sender, mut inbox) = mailbox("letters");

    // A separate task: the message is the only link between the reader and the writer.
    let reader = tokio::spawn(async move {
        while let Some(job) = inbox.next().await {
            let read = async || {
                observe::span("read").attribute("bytes", job.data.len()).in_scope(|| ());
                serde_json::from_slice::<serde_json::Value>(&job.data)
            };
            if let Ok(letter) = job.run(read).await {
                println!("read {letter}");
            }
        }
    });

    let run = observe::run("correspondence").open();
    run.in_scope(|| observe::span("write").in_scope(|| sender.send("letters", &json!({"dear": "reader"}))))?;
    println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
    run.end();

    drop(sender);
    reader.await?;
    finish(recorder);
    Ok(())
}
