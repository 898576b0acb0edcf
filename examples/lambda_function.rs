//! A function for AWS Lambda, or for any other Runtime API (`AWS_LAMBDA_RUNTIME_API`). It scores an order:
//!
//! ```json
//! {"order": 42, "do": "ok", "ms": 5}
//! ```
//!
//! `do` may be `ok`, `error`, `panic`, `sleep` (for `ms`), `block` (the same, with the executor blocked), `stream` (the answer in
//! bits, one in `ms`), or `exit` (the process). Where `Records` are given, as by SQS, each body is such an order.
//!
//! Records go to the store that `SPANBRIDGE_DB` names. On Lambda itself that is lost with the environment: use a sink that
//! sends them away.

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
    // One event at a time, or as many as Lambda says. `run` does where there is never more than one.
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
        return Ok(FunctionResponse::StreamingResponse(bits(&event.payload)));
    }
    work(&event.payload).await.map(FunctionResponse::BufferedResponse)
}

async fn work(order: &Value) -> Result<Value, Error> {
    let number = observe::span("read order").in_scope(|| order["order"].as_u64().ok_or("an order has a number"))?;
    observe::span("score risk").attribute("order", number).run(|| risk(order)).await?;
    Ok(json!({"order": number, "score": number % 100}))
}

async fn risk(order: &Value) -> Result<(), Error> {
    match order["do"].as_str() {
        Some("error") => return Err("the model has no opinion".into()),
        Some("panic") => panic!("the model is on fire"),
        Some("sleep") => tokio::time::sleep(time(order)).await,
        Some("block") => std::thread::sleep(time(order)),
        Some("exit") => std::process::exit(7),
        _ => {}
    }
    Ok(())
}

fn bits(order: &Value) -> Response<Body> {
    let (mut sender, body) = channel();
    let time = time(order);
    let send = async move {
        for bit in ["low", " ", "risk"] {
            observe::span("bit").in_scope(|| ());
            tokio::time::sleep(time).await;
            if sender.send_data(bit.into()).await.is_err() {
                return; // nobody listens any more
            }
        }
    };
    tokio::spawn(send.in_current_context());
    Response::from(body)
}

fn time(order: &Value) -> Duration {
    Duration::from_millis(order["ms"].as_u64().unwrap_or(5))
}
