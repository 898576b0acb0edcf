//! Invokes a Lambda function. The function's spans are in the caller's trace.
//!
//! Start `local_lambda` with a function first. This example prints the run id, then the function's response.
//!
//! ```sh
//! cargo run --example lambda_invoke -- --endpoint http://127.0.0.1:9001 --function score --payload '{"order": 42}'
//! ```

use anyhow::Context as _;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use clap::Parser;
use spanbridge::observe;
use spanbridge_examples::local_lambda::client_config;
use spanbridge_examples::{Records, finish};
use spanbridge_lambda::CallExt;

/// Invokes a Lambda function, and prints the run id and the function's response.
#[derive(Parser)]
struct Arguments {
    /// The HTTP endpoint of local_lambda or of another server with Lambda's API
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// The function's name or ARN
    #[arg(long)]
    function: String,
    /// The event as JSON
    #[arg(long, default_value = "{}", value_name = "JSON")]
    payload: String,
    /// Invoke asynchronously: do not wait for the response
    #[arg(long)]
    event: bool,
    #[command(flatten)]
    records: Records,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let recorder = arguments.records.recorder("orders")?.install()?;
    let run = observe::run("order").open();
    let id = run.id().map(|id| id.to_string()).unwrap_or_default();
    let result = run.with_context(|| invoke(&arguments)).await;
    run.end_with(&result);
    println!("run {id}");
    finish(recorder);
    println!("{}", result?);
    Ok(())
}

/// Makes one call. `observed()` is the only change to the SDK call.
async fn invoke(arguments: &Arguments) -> anyhow::Result<String> {
    let client = Client::from_conf(client_config(&arguments.endpoint).build());
    let kind = if arguments.event { InvocationType::Event } else { InvocationType::RequestResponse };
    let call = client
        .invoke()
        .function_name(&arguments.function)
        .invocation_type(kind)
        .payload(Blob::new(arguments.payload.as_str()));
    let output = call.observed().send().await.map_err(service_error).context("failed to invoke the function")?;
    let response = output.payload().map(|payload| String::from_utf8_lossy(payload.as_ref()).into_owned());
    match output.function_error() {
        Some(_) => anyhow::bail!("the function failed: {}", response.unwrap_or_default()),
        None if arguments.event => Ok("accepted".to_owned()),
        None => Ok(response.unwrap_or_default()),
    }
}

/// The code and message of an error that the service returned; any other error unchanged.
fn service_error(error: SdkError<InvokeError>) -> anyhow::Error {
    match error.as_service_error().and_then(|error| Some((error.code()?, error.message()?))) {
        Some((code, message)) => anyhow::anyhow!("{code}: {message}"),
        None => error.into(),
    }
}
