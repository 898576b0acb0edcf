//! A boundary of one's own: two tasks, a queue between them that spanbridge has never heard of, and one run.
//!
//! The boundary itself is `src/mailbox.rs` beside this file, and small. Here is what its users write.
//!
//! ```sh
//! cargo run --example custom_boundary
//! ```

use clap::Parser;
use serde_json::json;
use spanbridge::observe;
use spanbridge_examples::mailbox::mailbox;
use spanbridge_examples::{Records, finish};

/// Two tasks, a queue between them that spanbridge has never heard of, and one run.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let recorder = Arguments::parse().records.recorder("letters")?.install()?;
    let (sender, mut inbox) = mailbox("letters");

    // The reader is a task of its own: nothing but the letter ties it to the writer.
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
