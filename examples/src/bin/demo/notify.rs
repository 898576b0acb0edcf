//! The last step: an AWS Lambda function notifies the customer.
//!
//! The caller uses AWS's SDK, and the function runs on `lambda_runtime` in a second process. That process is this program,
//! started with a hidden argument, so nothing has to be built or installed. Between the two is
//! [`local_lambda`](spanbridge_examples::local_lambda), which serves Lambda's APIs on this machine. It needs Unix signals. On
//! other systems, `no_notify.rs` replaces this file, and the demo ends before this step.

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

/// The local Lambda with its one function, and a client for it.
pub(crate) struct Notify {
    lambda: LocalLambda,
    client: Client,
}

impl Notify {
    /// Deploys the function: this program, started with `argument`. The process starts at the first call.
    pub(crate) async fn deploy(argument: &str, store: &Path) -> anyhow::Result<Self> {
        let lambda = LocalLambda::start().await.context("failed to start the local Lambda")?;
        let program = std::env::current_exe().context("failed to find this program")?;
        let function = Function::new(NAME, program).argument(argument).variable("SPANBRIDGE_DB", store);
        lambda.add(function.timeout(Duration::from_secs(10))).await?;
        Ok(Notify { client: lambda.client(), lambda })
    }

    /// Calls the function. The context is in the client context, so the payload is unchanged.
    pub(crate) async fn call(&self, order: &Value) -> anyhow::Result<()> {
        let call = self.client.invoke().function_name(NAME).payload(Blob::new(order.to_string()));
        let output = call.observed().send().await?;
        let response = output.payload.map(Blob::into_inner).unwrap_or_default();
        ensure!(output.function_error.is_none(), "the function failed: {}", String::from_utf8_lossy(&response));
        Ok(())
    }

    /// Ends the function's process after it has delivered its records, which it does after its response.
    pub(crate) async fn retire(self) {
        self.lambda.retire(NAME).await
    }
}

/// Runs the function, in its own process.
pub(crate) async fn function(records: &Records) -> anyhow::Result<()> {
    let recorder = records.recorder("mail")?.install()?;
    let ended = spanbridge_lambda::run(service_fn(send_mail)).await;
    finish(recorder);
    ended.map_err(|e| anyhow::anyhow!("failed to run the function: {e}"))
}

async fn send_mail(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let order = event.payload["order"].as_i64().ok_or("the order has no number")?;
    let write = observe::span("write mail").primitive(Primitive::TOOL_CALL).attribute("order.id", order);
    let text = write.in_scope_value(|| format!("Order {order} is on its way."));
    Ok(json!({ "sent": text }))
}
