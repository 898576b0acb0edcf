//! A Lambda function that returns what it received, or fails as its event says. It does not use spanbridge.
//!
//! Events: `{"do": "fail" | "panic" | "exit" | "hang"}`; anything else returns the event and its context.
//! `{"count": "<file>"}` appends the event to a file.
//!
//! The variable `FUNCTION` chooses the kind of function: `stream` streams its response, and `exit` and `hang` happen after
//! its chunks; `broken` exits before the first event; `graceful` writes the file `GOODBYE` on SIGTERM; `concurrent` takes
//! several events at once.

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    eprintln!("hello from the function");
    match std::env::var("FUNCTION").as_deref() {
        Ok("broken") => std::process::exit(7),
        Ok("stream") => lambda_runtime::run(service_fn(stream)).await,
        Ok("graceful") => {
            let file = std::env::var("GOODBYE")?;
            lambda_runtime::spawn_graceful_shutdown_handler(|| async move { drop(std::fs::write(file, "bye")) }).await;
            lambda_runtime::run(service_fn(answer)).await
        }
        Ok("concurrent") => lambda_runtime::run_concurrent(service_fn(answer)).await,
        _ => lambda_runtime::run(service_fn(answer)).await,
    }
}

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
    match payload["do"].as_str() {
        Some("fail") => return Err("it went wrong".into()),
        Some("panic") => panic!("it went very wrong"),
        Some("exit") => std::process::exit(3),
        Some("hang") => std::future::pending().await,
        _ => {}
    }
    if let Some(file) = payload["count"].as_str() {
        // For asynchronous calls, whose response the test does not see.
        let before = std::fs::read_to_string(file).unwrap_or_default();
        std::fs::write(file, format!("{before}{payload} {} {:?}\n", context.request_id, context.client_context))?;
    }
    Ok(json!({
        "payload": payload,
        "custom": context.client_context.map(|context| context.custom),
        "xray": context.xray_trace_id,
        "requestId": context.request_id,
        "deadline": context.deadline,
        "arn": context.invoked_function_arn,
        "process": std::process::id(),
    }))
}

async fn stream(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let (mut sender, body) = channel();
    let payload = event.payload;
    if payload["do"] == "fail" {
        return Err("it went wrong".into());
    }
    tokio::spawn(async move {
        for chunk in 0..3 {
            if sender.send_data(format!("chunk {chunk};").into()).await.is_err() {
                return;
            }
        }
        match payload["do"].as_str() {
            Some("exit") => std::process::exit(3),
            Some("hang") => std::future::pending().await,
            _ => {}
        }
    });
    Ok(Response::from(body))
}
