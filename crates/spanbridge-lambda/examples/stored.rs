//! The function of `bare`, observed, with the store at `SPANBRIDGE_DB` as the sink. For the benchmark
//! `tests/benches/lambda.rs`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use spanbridge::Recorder;
use spanbridge_store::StoreSink;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let _recorder = Recorder::builder("score").sink(StoreSink::open_default()?).install()?;
    spanbridge_lambda::run(service_fn(score)).await
}

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}
