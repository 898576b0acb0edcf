//! A function for AWS Lambda, or for any server with Lambda's Runtime API (`AWS_LAMBDA_RUNTIME_API`). It scores an order:
//!
//! ```json
//! {"order": 42, "do": "ok", "ms": 5}
//! ```
//!
//! To run it without AWS, use `local_lambda` and `lambda_invoke`.
//!
//! `do` selects what the function does:
//!
//! | `do` | effect |
//! |---|---|
//! | `ok` (default) | returns the score |
//! | `error`, `panic` | fails |
//! | `sleep` | sleeps for `ms` milliseconds, then returns the score |
//! | `block` | the same, but blocks the thread |
//! | `stream` | streams its response, a chunk every `ms` milliseconds |
//! | `exit` | ends the process |
//!
//! If the event has `Records`, as from SQS, each record's `body` is such an order.
//!
//! Spans go to the store that `SPANBRIDGE_DB` names. On Lambda itself, it is lost with the environment. Use a sink
//! there that sends the records over the network.

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, FunctionResponse, LambdaEvent, service_fn};
use serde_json::{Value, json};
use spanbridge::{ContextExt, observe};
use spanbridge_examples::Records;
use spanbridge_lambda::for_each_record;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|_| "score".to_owned());
    let _recorder = Records { path: None }.recorder(&name)?.install()?;
    // Handles as many events at once as Lambda allows, by default one. If it is always one, use `run`.
    spanbridge_lambda::run_concurrent(service_fn(score)).await
}

async fn score(event: LambdaEvent<Value>) -> Result<FunctionResponse<Value, Body>, Error> {
    if let Some(records) = event.payload["Records"].as_array() {
        let failed = for_each_record(&event.context, records.clone(), |record| async move {
            work(&serde_json::from_str(record["body"].as_str().unwrap_or_default())?).await
        });
        return Ok(FunctionResponse::BufferedResponse(serde_json::to_value(failed.await?)?));
    }
    if event.payload["do"] == "stream" {
        return Ok(FunctionResponse::StreamingResponse(stream(&event.payload)));
    }
    work(&event.payload).await.map(FunctionResponse::BufferedResponse)
}

async fn work(order: &Value) -> Result<Value, Error> {
    let number = observe::span("read order").in_scope(|| order["order"].as_u64().ok_or("the order has no number"))?;
    observe::span("score risk").attribute("order", number).run(|| risk(order)).await?;
    Ok(json!({"order": number, "score": number % 100}))
}

async fn risk(order: &Value) -> Result<(), Error> {
    match order["do"].as_str() {
        Some("error") => return Err("the model has no opinion".into()),
        Some("panic") => panic!("the model is on fire"),
        Some("sleep") => tokio::time::sleep(delay(order)).await,
        Some("block") => std::thread::sleep(delay(order)),
        Some("exit") => std::process::exit(7),
        _ => {}
    }
    Ok(())
}

fn stream(order: &Value) -> Response<Body> {
    let (mut sender, body) = channel();
    let delay = delay(order);
    let send = async move {
        for bit in ["low", " ", "risk"] {
            observe::span("bit").in_scope(|| ());
            tokio::time::sleep(delay).await;
            if sender.send_data(bit.into()).await.is_err() {
                return; // the client has disconnected
            }
        }
    };
    tokio::spawn(send.in_current_context());
    Response::from(body)
}

fn delay(order: &Value) -> Duration {
    Duration::from_millis(order["ms"].as_u64().unwrap_or(5))
}
