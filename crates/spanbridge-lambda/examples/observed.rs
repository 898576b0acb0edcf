//! The function of `bare`, observed, with a sink that discards its records. For the benchmark `tests/benches/lambda.rs`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use spanbridge::{JsonLines, Recorder};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let _recorder = Recorder::builder("score").sink(JsonLines::new(std::io::sink())).install()?;
    spanbridge_lambda::run(service_fn(score)).await
}

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}
