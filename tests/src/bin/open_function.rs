//! A function for untrusted callers, as behind a function URL. It ignores their context, and returns its handler's trace id.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use spanbridge::observe;
use spanbridge_lambda::{CaptureMode, CapturePolicy, FunctionOptions, Part, ReceiveOptions, Trust};
use spanbridge_store::StoreSink;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let _recorder = spanbridge::Recorder::builder("open").sink(StoreSink::open_default()?).install()?;
    let all = CaptureMode::Inline { max: 4096 };
    let capture = CapturePolicy::from(all).headers(all).redact(redact);
    let observe = FunctionOptions::new()
        .with(ReceiveOptions::new().trust(Trust::Ignore).capture(capture))
        .flush_within(Duration::from_secs(20));
    match std::env::var_os("AWS_LAMBDA_MAX_CONCURRENCY") {
        None => observe.run(service_fn(trace)).await,
        Some(_) => observe.run_concurrent(service_fn(trace)).await,
    }
}

/// Redacts the authorization header, in the headers and in the payload.
fn redact(part: &mut Part<'_>) -> Result<(), serde_json::Error> {
    match part.header() {
        Some("authorization") => part.replace("***"),
        Some(_) => {}
        None => {
            let mut payload: Value = serde_json::from_slice(part.bytes())?;
            if let Some(header) = payload.pointer_mut("/headers/authorization") {
                *header = "***".into();
                part.replace(payload.to_string())
            }
        }
    }
    Ok(())
}

async fn trace(_: LambdaEvent<Value>) -> Result<Option<String>, Error> {
    Ok(observe::current_context().trace_id().map(|id| id.to_string()))
}
