//! A service that only knows `tracing`, in the run graph.
//!
//! It has `#[instrument]` functions, events, a spawned task and an error, as services have that never heard of spanbridge.
//! Nothing below `main` was changed. In `main`, the lines that were added say so.
//!
//! ```sh
//! export SPANBRIDGE_DB=/tmp/records
//! cargo run --example existing_tracing_app
//! cargo run -p spanbridge-cli -- runs
//! cargo run -p spanbridge-cli -- trace <a trace_id of any line>
//! ```

use spanbridge_tracing::fmt::WithIds;
use std::time::Duration;
use tracing::{Instrument, error, info, instrument, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

#[derive(Debug)]
struct OutOfStock {
    item: &'static str,
}

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no {} left", self.item)
    }
}

impl std::error::Error for OutOfStock {}

#[instrument(err)]
async fn place_order(order: u32, item: &'static str) -> Result<(), OutOfStock> {
    info!("received");
    reserve(item).await?;
    let receipt = async move {
        send_receipt(order).await;
    };
    // The task belongs to the order: `in_current_span` says so to `tracing`, and so to spanbridge.
    tokio::spawn(receipt.in_current_span()).await.ok();
    Ok(())
}

#[instrument(fields(left))]
async fn reserve(item: &'static str) -> Result<(), OutOfStock> {
    let left = stock(item).await;
    tracing::Span::current().record("left", left);
    match left {
        0 => return Err(OutOfStock { item }),
        1 => warn!(item, "this was the last one"),
        _ => info!(item, "reserved"),
    }
    Ok(())
}

#[instrument(name = "SELECT stock", fields(otel.kind = "client"))]
async fn stock(item: &str) -> u32 {
    tokio::time::sleep(Duration::from_millis(3)).await;
    item.len() as u32 % 5
}

#[instrument]
async fn send_receipt(order: u32) {
    tokio::time::sleep(Duration::from_millis(2)).await;
    info!("sent");
}

#[tokio::main]
async fn main() {
    // Added: where records go, once per process.
    let _recording = spanbridge_store::install_from_env("shop");

    tracing_subscriber::registry()
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with(fmt::layer().with_ids()) // `.with_ids()` was added: each line names its trace and span
        .with(spanbridge_tracing::layer()) // added: spans and events become part of the run graph
        .init();

    for (order, item) in [(1, "apples"), (2, "pears")] {
        if let Err(error) = place_order(order, item).await {
            error!(order, %error, "not placed");
        }
    }
    println!("\nSee `spanbridge runs`, and `spanbridge trace` with a trace_id from above.");
}
