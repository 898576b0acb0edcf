//! The last hop: a function of AWS Lambda tells the customer.
//!
//! The caller is the SDK and the function runs on `lambda_runtime`, both real, in two processes. The function's process is
//! this program, started again with a hidden argument, so there is nothing to build or to install. Between them stands
//! [`local_lambda`](spanbridge_examples::local_lambda): Lambda's APIs on this machine. It takes Unix's signals; elsewhere
//! `no_notify.rs` stands in for this file, and the story ends before this hop.

use anyhow::{Context as _, ensure};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use spanbridge::{Primitive, observe};
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_examples::{Records, finish};
use spanbridge_lambda::CallExt;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "notify";

/// Lambda with the one function, and a client for it.
pub(crate) struct Notify {
    lambda: LocalLambda,
    client: Client,
}

impl Notify {
    /// The function that this program is when it is given `argument`. Its process starts when it is called.
    pub(crate) async fn deploy(argument: &str, store: &Path) -> anyhow::Result<Self> {
        let lambda = LocalLambda::start().await.context("failed to start the local Lambda")?;
        let program = std::env::current_exe().context("failed to find this program")?;
        let function = Function::new(NAME, program).argument(argument).variable("SPANBRIDGE_DB", store);
        lambda.add(function.timeout(Duration::from_secs(10))).await?;
        Ok(Notify { client: lambda.client(), lambda })
    }

    /// Calls the function: the context goes along beside the payload.
    pub(crate) async fn call(&self, order: &Value) -> anyhow::Result<()> {
        let call = self.client.invoke().function_name(NAME).payload(Blob::new(order.to_string()));
        let output = call.observed().send().await?;
        let answer = output.payload.map(Blob::into_inner).unwrap_or_default();
        ensure!(output.function_error.is_none(), "the function failed: {}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    /// Ends the function's process once it has delivered what it recorded, which comes after its answer.
    pub(crate) async fn retire(self) {
        self.lambda.retire(NAME).await
    }
}

/// The function's process.
pub(crate) async fn function(records: &Records) -> anyhow::Result<()> {
    let recorder = records.recorder("mail")?.install()?;
    let ended = spanbridge_lambda::run(service_fn(tell)).await;
    finish(recorder);
    ended.map_err(|e| anyhow::anyhow!("failed to handle events: {e}"))
}

async fn tell(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let order = event.payload["order"].as_i64().ok_or("an order has a number")?;
    let write = observe::span("write mail").primitive(Primitive::TOOL_CALL).attribute("order.id", order);
    let text = write.in_scope_value(|| format!("Order {order} is on its way."));
    Ok(json!({ "sent": text }))
}
