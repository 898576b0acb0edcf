//! An agent that answers a question: it searches a handbook, asks a model, calls a tool, and asks the model again.
//!
//! The model is a function that knows one conversation, so nothing is sent anywhere. The example prints the answer and the
//! run id.
//!
//! ```sh
//! cargo run --example agent                # with `--content`, messages and results are recorded as well
//! cargo run -p spanbridge-cli -- trace <the run it prints>
//! ```

use clap::Parser;
use serde_json::{Value, json};
use spanbridge::agent::{self, Content, CostEvent, SpanExt};
use spanbridge::messaging::CaptureMode;
use spanbridge::{Kind, observe};
use spanbridge_examples::{Records, finish};
use std::time::Instant;

/// Records what an agent does: searches, calls of a model and a tool, and what they cost.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
    /// Records messages, arguments and results, too
    #[arg(long)]
    content: bool,
}

/// What the client of a model returns.
struct Answer {
    message: Value,
    finish_reason: &'static str,
    input_tokens: u32,
    output_tokens: u32,
}

/// The model: it calls the tool first, and answers when it has its result.
async fn model(messages: &[Value]) -> anyhow::Result<Answer> {
    tokio::task::yield_now().await;
    Ok(match messages.last().map(|message| message["role"] == "tool") {
        Some(true) => Answer {
            message: json!({"role": "assistant", "content": "Take an umbrella: it will rain in Lisbon."}),
            finish_reason: "stop",
            input_tokens: 212,
            output_tokens: 11,
        },
        _ => Answer {
            message: json!({"role": "assistant", "tool_call": {"id": "call-1", "arguments": {"city": "Lisbon"}}}),
            finish_reason: "tool_calls",
            input_tokens: 160,
            output_tokens: 18,
        },
    })
}

/// One call of the model. The span knows what is asked for; the answer says the rest.
async fn ask(messages: &[Value]) -> anyhow::Result<Answer> {
    let work = async || {
        agent::content(Content::InputMessages, || Value::from(messages).to_string());
        let answer = model(messages).await?;
        agent::content(Content::OutputMessages, || json!([answer.message]).to_string());
        observe::active_span()
            .response_model("parrot-1-0613")
            .finish_reasons(&[answer.finish_reason])
            .input_tokens(answer.input_tokens)
            .output_tokens(answer.output_tokens)
            .cost(price(&answer));
        anyhow::Ok(answer)
    };
    agent::generation("chat", "parrot-1").provider("example").run(work).await
}

/// In US dollars: two for a million tokens that are read, eight for a million that are written.
fn price(answer: &Answer) -> f64 {
    f64::from(2 * answer.input_tokens + 8 * answer.output_tokens) / 1e6
}

/// The handbook is part of this program, so its embeddings and the search are not remote calls.
fn search(question: &str) -> Vec<&'static str> {
    agent::retrieval("handbook").kind(Kind::Internal).top_k(1).in_scope_value(|| {
        agent::content(Content::RetrievalQuery, || question);
        agent::embeddings("letters").kind(Kind::Internal).dimensions(26).in_scope(|| ());
        let found = vec!["Ask the weather service before a trip."];
        agent::content(Content::RetrievalDocuments, || json!(found).to_string());
        found
    })
}

/// The forecast, of which the model is shown one word.
fn weather(call: &Value) -> anyhow::Result<&'static str> {
    let id = call["id"].as_str();
    agent::tool("weather").tool_type("function").call_id(id).in_scope(|| {
        agent::content(Content::ToolArguments, || call["arguments"].to_string());
        let raw =
            json!({"city": call["arguments"]["city"], "sky": "rain", "hours": [3, 4, 4, 5, 6, 6, 4, 2]}).to_string();
        agent::content(Content::ToolResult, || &raw);
        let shown = "rain";
        observe::active_span().output_type("json").raw_bytes(raw.len()).model_bytes(shown.len());
        Ok(shown)
    })
}

/// The same answer, a word at a time: the span stays open until the last one.
async fn read_aloud(answer: &Answer) -> String {
    let (span, begun) = (agent::stream("generate_content", "voice-1").provider("example").open(), Instant::now());
    let mut spoken = String::new();
    for word in answer.message["content"].as_str().unwrap_or_default().split_inclusive(' ') {
        if spoken.is_empty() {
            span.time_to_first_chunk(begun.elapsed());
        }
        span.with_context(tokio::task::yield_now).await;
        spoken += word;
    }
    span.end();
    spoken
}

async fn answer(question: &str) -> anyhow::Result<String> {
    let mut messages: Vec<_> =
        search(question).iter().map(|found| json!({"role": "system", "content": found})).collect();
    messages.push(json!({"role": "user", "content": question}));
    let first = ask(&messages).await?;
    let found = weather(&first.message["tool_call"])?;
    messages.extend([first.message.clone(), json!({"role": "tool", "content": found})]);
    let last = ask(&messages).await?;
    agent::judge("relevance").in_scope(|| agent::evaluated("relevance", 0.92, "pass"));
    let total = price(&first) + price(&last);
    agent::cost(CostEvent::Report).cost_source("parrot-1").cost_total(total).cost_threshold(0.01).in_scope(|| ());
    Ok(read_aloud(&last).await)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let content = if arguments.content { CaptureMode::Inline { max: 4096 } } else { CaptureMode::Off };
    let recorder = arguments.records.recorder("assistant")?.content(content).install()?;
    let run = observe::run("question").open();
    let work = || agent::delegate("travel assistant").run(|| answer("Do I need an umbrella in Lisbon?"));
    println!("{}", run.with_context(work).await?);
    println!("run {}", run.id().map(|id| id.to_string()).unwrap_or_default());
    run.end();
    finish(recorder);
    Ok(())
}
