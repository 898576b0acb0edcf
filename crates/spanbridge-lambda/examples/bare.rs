//! A function on plain `lambda_runtime`: the baseline for `observed` and `stored` in the benchmark
//! `tests/benches/lambda.rs`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(score)).await
}

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}
