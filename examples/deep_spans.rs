//! Spans deep inside code, without a parent threaded through every function.
//!
//! ```sh
//! cargo run --example deep_spans
//! cargo run -p spanbridge-cli -- trace <the run it prints>
//! ```

use clap::Parser;
use spanbridge::{ContextExt, Primitive, observe};
use spanbridge_examples::{Records, finish};

/// Spans deep inside code, without a parent threaded through every function.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
}

/// A library function: it knows nothing of who calls it, and costs nothing where nobody records.
fn tokenize(text: &str) -> Vec<&str> {
    observe::span("tokenize").implicit_run(false).attribute("bytes", text.len()).in_scope_value(|| {
        let tokens: Vec<_> = text.split_whitespace().collect();
        if let Some(span) = observe::active_span() {
            span.attribute("tokens", tokens.len());
        }
        tokens
    })
}

fn parse(token: &str) -> Result<i64, std::num::ParseIntError> {
    observe::span("parse").attribute("token", token).in_scope(|| token.parse())
}

async fn sum(text: &str) -> Result<i64, std::num::ParseIntError> {
    let work = async || {
        let mut total = 0;
        for token in tokenize(text) {
            total += parse(token)?;
            tokio::task::yield_now().await; // what is current survives every await
        }
        observe::event("summed", &[("total", total.into())]);
        Ok(total)
    };
    observe::span("sum").primitive(Primitive::FLOW_STEP).run(work).await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let recorder = Arguments::parse().records.recorder("calculator")?.install()?;
    let run = observe::run("sums").open();
    let work = async || {
        println!("{:?}", sum("1 2 3").await);
        println!("{:?}", sum("1 two 3").await);
        // A spawned task does not inherit what is current: take it along.
        tokio::spawn(async { sum("40 2").await }.in_current_context()).await
    };
    println!("{:?}", run.with_context(work).await?);
    println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
    run.end();
    finish(recorder);
    Ok(())
}
