//! A function without a Runtime API: does what matters of what lambda_runtime does between the layer and the handler.

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{Stream, StreamExt};
use lambda_runtime::tower::{Layer, Service, service_fn};
use lambda_runtime::{Config, Context, Diagnostic, Error, FunctionResponse, IntoFunctionResponse};
use lambda_runtime::{LambdaEvent, LambdaInvocation};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use spanbridge::conformance::{Seen, spans, tree};
use spanbridge::record::Record;
use spanbridge::{Memory, Recorder};
use spanbridge_lambda::{FunctionOptions, ObservedLayer};
use std::fmt::Debug;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the caller of a function gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Value(Value),
    Stream(Vec<String>),
    Error(Diagnostic),
    Panic,
    /// The handler was not called.
    NotItsType,
    /// The response could not be sent.
    Lost(String),
}

/// A context with its own request id and the usual time limit.
pub(crate) fn context() -> Context {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut context = Context::default();
    context.request_id = format!("request-{}", NUMBER.fetch_add(1, Relaxed));
    context.invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:score:live".to_owned();
    context.deadline = in_ms(3000);
    context.env_config = Arc::new(Config {
        function_name: "score".to_owned(),
        memory: 128,
        version: "7".to_owned(),
        log_stream: String::new(),
        log_group: String::new(),
    });
    context
}

pub(crate) fn in_ms(ms: u64) -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(ms);
    since.as_millis() as u64
}

pub(crate) fn invocation(payload: impl ToString, context: Context) -> LambdaInvocation {
    let (parts, ()) = http::Response::new(()).into_parts();
    LambdaInvocation { parts, body: payload.to_string().into(), context }
}

/// An invocation, and the layer around it.
pub(crate) struct Call(ObservedLayer, LambdaInvocation);

impl From<LambdaInvocation> for Call {
    fn from(invocation: LambdaInvocation) -> Self {
        Call(ObservedLayer::new(), invocation)
    }
}

impl From<(FunctionOptions, LambdaInvocation)> for Call {
    fn from((observe, invocation): (FunctionOptions, LambdaInvocation)) -> Self {
        Call(observe.layer(), invocation)
    }
}

/// The response of a handler below our layer. `None` if it was not waited for.
pub(crate) async fn answer<H, A, R, B, S, D, E>(handler: H, call: impl Into<Call>) -> Option<Answer>
where
    H: Service<LambdaEvent<A>, Response = R> + Send + 'static,
    H::Future: Send + 'static,
    H::Error: Into<Diagnostic> + Debug + Send,
    A: DeserializeOwned + Send + 'static,
    R: IntoFunctionResponse<B, S> + Send,
    B: Serialize + Send,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<bytes::Bytes> + Send,
    E: Into<Error> + Send,
{
    let told = Arc::new(Mutex::new(None));
    let (tell, handler) = (told.clone(), Mutex::new(handler));
    let below = service_fn(move |invocation: LambdaInvocation| -> BoxFuture<'static, Result<(), Error>> {
        let tell = tell.clone();
        let Ok(payload) = serde_json::from_slice::<A>(&invocation.body) else {
            *tell.lock().unwrap() = Some(Answer::NotItsType);
            return async { Ok(()) }.boxed();
        };
        let work = handler.lock().unwrap().call(LambdaEvent::new(payload, invocation.context));
        async move {
            let answer = match AssertUnwindSafe(work).catch_unwind().await {
                Err(_) => Answer::Panic,
                Ok(Err(error)) => Answer::Error(error.into()),
                Ok(Ok(response)) => match response.into_response() {
                    FunctionResponse::BufferedResponse(value) => Answer::Value(serde_json::to_value(value)?),
                    FunctionResponse::StreamingResponse(mut response) => {
                        // On its own task, as in lambda_runtime.
                        let all = tokio::spawn(async move {
                            let mut all = vec![];
                            while let Some(item) = response.stream.next().await {
                                all.push(match item {
                                    Ok(data) => String::from_utf8_lossy(&data.into()).into_owned(),
                                    Err(error) => error.into().to_string(),
                                })
                            }
                            all
                        });
                        all.await.map_or(Answer::Panic, Answer::Stream)
                    }
                },
            };
            *tell.lock().unwrap() = Some(answer);
            Ok(())
        }
        .boxed()
    });
    let Call(layer, invocation) = call.into();
    if let Err(error) = layer.layer(below).call(invocation).await {
        return Some(Answer::Lost(error.to_string()));
    }
    told.lock().unwrap().take()
}

/// What is recorded in a future, and its output.
pub(crate) async fn record<F: Future>(work: F) -> (Recorded, F::Output) {
    let memory = Memory::new();
    let recorder = Recorder::builder("lambda").sink(memory.clone()).on_flush_only().build().unwrap();
    let output = recorder.scope(|| work).await;
    // An invocation delivers what it has recorded before it ends.
    (Recorded(memory.take()), output)
}

pub(crate) struct Recorded(pub(crate) Vec<Record<'static>>);

impl Recorded {
    /// The spans, indented, with these attributes.
    pub(crate) fn tree(&self, attributes: &[&str]) -> String {
        tree(&self.0, attributes)
    }

    #[track_caller]
    pub(crate) fn span(&self, name: &str) -> Seen {
        self.spans(name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {}", self.tree(&[])))
    }

    pub(crate) fn spans(&self, name: &str) -> Vec<Seen> {
        spans(&self.0).into_iter().filter(|span| span.name == name).collect()
    }
}
