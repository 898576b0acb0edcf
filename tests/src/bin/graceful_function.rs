//! A function with its own SIGTERM handler, which takes 200 ms and then writes the file `ENDED`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let _recorder = spanbridge::Recorder::builder("graceful").sink(spanbridge::Memory::new()).install()?;
    let at_the_end = || async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let marker = std::env::var_os("ENDED").unwrap_or_default();
        std::fs::write(marker, "in its own time").expect("a place to write to");
    };
    lambda_runtime::spawn_graceful_shutdown_handler(at_the_end).await;
    spanbridge_lambda::run(service_fn(|event: LambdaEvent<Value>| async { Ok::<_, Error>(event.payload) })).await
}
