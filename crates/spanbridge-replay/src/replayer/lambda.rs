//! Events of AWS Lambda.

use super::replay::Replay;
use super::{Replayer, Transport};
use crate::case::Input;
use futures_util::{Stream, StreamExt};
use lambda_runtime::tower::{Layer, Service, ServiceExt, service_fn};
use lambda_runtime::{
    Config, Context, Diagnostic, Error, FunctionResponse, IntoFunctionResponse, LambdaEvent, LambdaInvocation,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spanbridge_lambda::{FunctionOptions, observed};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TRANSPORT: Transport = Transport { name: "lambda", takes: "events of AWS Lambda" };

impl Replayer {
    /// Hands the event to your handler, inside of what [`spanbridge_lambda::run`] puts around it: what you give to that.
    ///
    /// ```no_run
    /// use lambda_runtime::{Error, LambdaEvent, service_fn};
    /// use serde_json::Value;
    /// use spanbridge_replay::Replayer;
    /// use std::process::ExitCode;
    ///
    /// async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    ///     Ok(event.payload)
    /// }
    ///
    /// # async fn f() -> Result<ExitCode, Error> {
    /// if let Some(replay) = Replayer::from_environment()? {
    ///     return Ok(replay.lambda(service_fn(score)).await.finish());
    /// }
    /// spanbridge_lambda::run(service_fn(score)).await?;
    /// # Ok(ExitCode::SUCCESS) }
    /// ```
    ///
    /// The time that the function has is that of the replay's [deadline](Replayer::deadline).
    pub async fn lambda<H, A, R, B, S, D, E>(self, handler: H) -> Replay
    where
        H: Service<LambdaEvent<A>, Response = R> + Send + 'static,
        H::Future: Send + 'static,
        H::Error: Into<Diagnostic> + Debug + Send,
        A: DeserializeOwned + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send,
        B: Serialize + Send,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<bytes::Bytes> + Send,
        E: Into<Error> + Send + Debug,
    {
        self.lambda_with(FunctionOptions::new(), handler).await
    }

    /// The same with the options that your function has.
    pub async fn lambda_with<H, A, R, B, S, D, E>(self, options: FunctionOptions, handler: H) -> Replay
    where
        H: Service<LambdaEvent<A>, Response = R> + Send + 'static,
        H::Future: Send + 'static,
        H::Error: Into<Diagnostic> + Debug + Send,
        A: DeserializeOwned + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send,
        B: Serialize + Send,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<bytes::Bytes> + Send,
        E: Into<Error> + Send + Debug,
    {
        let within = self.deadline;
        let answer = |invocation: LambdaInvocation| async move {
            // What the runtime has between the layer and the handler: the event is read, and the response is sent.
            let failure = Arc::new(Mutex::new(None));
            let (told, handler) = (failure.clone(), Arc::new(tokio::sync::Mutex::new(observed(handler))));
            let inside = service_fn(move |invocation: LambdaInvocation| {
                let (told, handler) = (told.clone(), handler.clone());
                async move {
                    let payload = serde_json::from_slice::<A>(&invocation.body)?;
                    let event = LambdaEvent::new(payload, invocation.context);
                    let mut handler = handler.lock().await;
                    let ready = match handler.ready().await {
                        Ok(ready) => ready.call(event),
                        Err(error) => return fail(&told, error.into()),
                    };
                    match ready.await {
                        Ok(response) => respond(response).await,
                        Err(error) => fail(&told, error.into()),
                    }
                }
            });
            options.layer().layer(inside).call(invocation).await.map_err(|error| error.to_string())?;
            failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
        };
        self.handle(TRANSPORT, |input| invocation(input, within), answer).await
    }
}

/// The handler's error is a response like any other.
fn fail(told: &Mutex<Option<String>>, error: Diagnostic) -> Result<(), Error> {
    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.error_message);
    Ok(())
}

/// Reads a response to its end.
async fn respond<B: Serialize, S, D, E>(response: FunctionResponse<B, S>) -> Result<(), Error>
where
    S: Stream<Item = Result<D, E>> + Unpin,
    E: Into<Error>,
{
    match response {
        FunctionResponse::BufferedResponse(value) => drop(serde_json::to_vec(&value)?),
        FunctionResponse::StreamingResponse(mut response) => {
            while let Some(item) = response.stream.next().await {
                item.map_err(Into::into)?;
            }
        }
    }
    Ok(())
}

fn invocation(input: &Input<'_>, within: Duration) -> Option<LambdaInvocation> {
    let recorded = input.properties.get("context")?;
    let text = |name: &str| recorded.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut context = Context::default();
    context.request_id = text("requestId")?;
    context.invoked_function_arn = text("invokedFunctionArn").unwrap_or_default();
    context.xray_trace_id = text("xrayTraceId");
    context.tenant_id = text("tenantId");
    // A string is what a redaction hook has left of an object.
    let object = |name: &str| recorded.get(name).filter(|value| value.is_object()).cloned();
    context.client_context = object("clientContext").and_then(|value| serde_json::from_value(value).ok());
    context.identity = object("identity").and_then(|value| serde_json::from_value(value).ok());
    context.deadline = deadline(within);
    context.env_config = Arc::new(config(&context.invoked_function_arn));
    let (parts, ()) = http::Response::new(()).into_parts();
    Some(LambdaInvocation { parts, body: input.payload.as_deref()?.to_vec().into(), context })
}

/// In milliseconds since the epoch.
fn deadline(within: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // More than a year is no time limit, and does not fit into every clock.
    let until = now + within.min(Duration::from_secs(400 * 86_400));
    until.as_millis() as u64
}

/// The configuration of the function, as far as its ARN tells it: `arn:aws:lambda:region:account:function:name:qualifier`.
fn config(arn: &str) -> Config {
    let mut parts = arn.split(':').skip(6).map(str::to_owned);
    Config {
        function_name: parts.next().unwrap_or_default(),
        memory: 128,
        version: parts.next().unwrap_or_else(|| "$LATEST".to_owned()),
        log_stream: String::new(),
        log_group: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::borrow::Cow;

    fn made(properties: Value) -> Option<LambdaInvocation> {
        invocation(&Input { properties, payload: Some(Cow::Borrowed(b"{}")) }, Duration::MAX)
    }

    #[test]
    fn an_invocation_is_made_as_it_was() {
        let made = made(json!({"transport": "lambda", "context": {
            "requestId": "8f5", "deadline": 1, "invokedFunctionArn": "arn:aws:lambda:eu-west-1:1:function:score:live",
            "xrayTraceId": "Root=1-2", "clientContext": {"client": {"installation_id": "", "app_title": "", "app_version_name": "",
            "app_version_code": "", "app_package_name": ""}, "custom": {"tenant": "eu"}, "environment": {}},
            "identity": "REDACTED",
        }}))
        .unwrap();
        let context = &made.context;
        assert_eq!((context.request_id.as_str(), context.env_config.function_name.as_str()), ("8f5", "score"));
        assert_eq!((context.env_config.version.as_str(), &made.body[..]), ("live", &b"{}"[..]));
        assert_eq!(context.client_context.as_ref().unwrap().custom["tenant"], "eu");
        assert!(context.identity.is_none() && context.deadline > 1_700_000_000_000);
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [json!({}), json!({"context": {}}), json!({"context": {"requestId": 1}})] {
            assert!(made(bad).is_none());
        }
    }
}
