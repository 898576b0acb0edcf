//! A function that is open to strangers, at a function URL say. It answers with the trace that its handler is in.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use spanbridge::observe;
use spanbridge_lambda::{Observe, Trust};
use spanbridge_store::StoreSink;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let _recorder = spanbridge::Recorder::builder("open").sink(StoreSink::open_default()?).install()?;
    let observe = Observe::new().trust(Trust::Ignore).flush_within(Duration::from_secs(20));
    match std::env::var_os("AWS_LAMBDA_MAX_CONCURRENCY") {
        None => observe.run(service_fn(trace)).await,
        Some(_) => observe.run_concurrent(service_fn(trace)).await,
    }
}

async fn trace(_: LambdaEvent<Value>) -> Result<Option<String>, Error> {
    Ok(observe::capture_context().trace_id().map(|id| id.to_string()))
}
