//! Spans in nested functions, without passing a parent through every function.
//!
//! A span's parent is the current span, also across `.await`. The example prints three sums, of which one fails, and the
//! run id.
//!
//! ```sh
//! cargo run --example deep_spans
//! cargo run -p spanbridge-cli -- trace <the run it prints>
//! ```

use clap::Parser;
use spanbridge::{ContextExt, Primitive, observe};
use spanbridge_examples::{Records, finish};

/// Records spans in nested functions, without passing a parent through every function.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
}

/// A library function. It does not know its caller. `implicit_run(false)`: outside of a run it records nothing.
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
            tokio::task::yield_now().await; // the current span is kept across every await
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
        // A spawned task does not inherit the current context, so pass it on.
        tokio::spawn(async { sum("40 2").await }.in_current_context()).await
    };
    println!("{:?}", run.with_context(work).await?);
    println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
    run.end();
    finish(recorder);
    Ok(())
}
