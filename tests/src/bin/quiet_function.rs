//! A function whose spans go to the store only at a flush. Its handler writes the file `STARTED` and never returns.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use spanbridge_store::StoreSink;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sink = StoreSink::open_default()?;
    let _recorder = spanbridge::Recorder::builder("quiet").sink(sink).on_flush_only().install()?;
    spanbridge_lambda::run(service_fn(|_: LambdaEvent<Value>| async {
        let marker = std::env::var_os("STARTED").unwrap_or_default();
        std::fs::write(marker, "at work")?;
        std::future::pending::<Result<(), Error>>().await
    }))
    .await
}
