//! Running a handler.

use super::drive::{self, EventLoop};
use super::layer::ObservedService;
use super::options::FunctionOptions;
use super::service::observed;
use super::settings::Settings;
use bytes::Bytes;
use futures_core::Stream;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::Service;
use lambda_runtime::{Diagnostic, Error, IntoFunctionResponse, LambdaEvent, LambdaInvocation, Runtime};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;

/// Runs a handler as [`lambda_runtime::run`] does, and observes it: each event is handled in a span of its own under the
/// span that caused it, and everything is delivered before the next event is requested.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde::{Deserialize, Serialize};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let _recorder = spanbridge::Recorder::builder("score").sink(spanbridge::JsonLines::new(std::io::stdout())).install()?;
///     spanbridge_lambda::run(service_fn(score)).await
/// }
///
/// #[derive(Deserialize)]
/// struct Order { id: u64 }
///
/// #[derive(Serialize)]
/// struct Score { order: u64, points: u32 }
///
/// async fn score(event: LambdaEvent<Order>) -> Result<Score, Error> {
///     Ok(Score { order: event.payload.id, points: 7 })
/// }
/// ```
///
/// - The span ends as the handler does: ok, with its error, with a panic, or with the end of a response stream. If the event is an
///   HTTP request, it has the status of the response (`statusCode`), which is an error from 500 on.
/// - The flush gets the time that is left minus a margin, and at most two seconds
///   ([`flush_within`](FunctionOptions::flush_within)). The next invocation records how it went:
///   `spanbridge.flush.previous_ms`, and a diagnostic `flush.incomplete`. If sinks accept nothing, a line on standard error
///   says so, and most flushes are limited to 50 ms until they do.
/// - Shortly before the function's time limit (a tenth of it, 50 ms to 1 s) a thread of its own delivers open spans, so that
///   even a handler that blocks its executor leaves its trace.
/// - Headers that would end the process in `lambda_runtime` (a client context of another type, …) are repaired, and a
///   diagnostic `runtime.header` says so.
/// - What the initialization has recorded is delivered before the first event is requested.
/// - On SIGTERM everything is delivered within 400 ms, whatever the handler and its executor are doing. The process then
///   ends, unless it has its own SIGTERM handler, which has to end it. Lambda sends SIGTERM only to functions with an
///   extension; without one, call `lambda_runtime::spawn_graceful_shutdown_handler` first.
/// - Contexts that come with an event are trusted. If strangers can call the function, as through a function URL, use
///   [`FunctionOptions`].
/// - Nothing of payloads and headers is recorded but the sizes of messages, unless you choose another capture
///   ([`FunctionOptions::with`]).
/// - With SnapStart, ids start anew when a snapshot is restored.
/// - `std::process::exit` waits up to a second for records to be delivered.
///
/// # Errors
/// If the Runtime API cannot be reached or a response cannot be sent, as with [`lambda_runtime::run`].
///
/// # Panics
/// Without the environment variables that Lambda sets, as [`lambda_runtime::run`].
pub async fn run<A, F, R, B, S, D, E>(handler: F) -> Result<(), Error>
where
    F: Service<LambdaEvent<A>, Response = R>,
    F::Future: Future<Output = Result<R, F::Error>>,
    F::Error: Into<Diagnostic> + Debug,
    A: for<'de> Deserialize<'de>,
    R: IntoFunctionResponse<B, S>,
    B: Serialize,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<Bytes> + Send,
    E: Into<Error> + Send + Debug,
{
    FunctionOptions::new().run(handler).await
}

/// Runs a handler as [`lambda_runtime::run_concurrent`] does, and observes it as [`run`] does. Handles
/// `AWS_LAMBDA_MAX_CONCURRENCY` events at a time, or one if that is not set. Each flush delivers what all of them have
/// recorded.
///
/// # Errors
/// If no worker can continue, with the error of the last.
///
/// # Panics
/// Outside of tokio, and without the environment variables that Lambda sets.
pub async fn run_concurrent<A, F, R, B, S, D, E>(handler: F) -> Result<(), Error>
where
    F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
    F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
    F::Error: Into<Diagnostic> + Debug,
    A: for<'de> Deserialize<'de> + Send + 'static,
    R: IntoFunctionResponse<B, S> + Send + 'static,
    B: Serialize + Send + 'static,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<Bytes> + Send + 'static,
    E: Into<Error> + Send + Debug + 'static,
{
    FunctionOptions::new().run_concurrent(handler).await
}

impl FunctionOptions {
    /// As [`run`], with these options.
    ///
    /// # Errors
    /// As [`run`].
    ///
    /// # Panics
    /// As [`run`].
    pub async fn run<A, F, R, B, S, D, E>(self, handler: F) -> Result<(), Error>
    where
        F: Service<LambdaEvent<A>, Response = R>,
        F::Future: Future<Output = Result<R, F::Error>>,
        F::Error: Into<Diagnostic> + Debug,
        A: for<'de> Deserialize<'de>,
        R: IntoFunctionResponse<B, S>,
        B: Serialize,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send,
        E: Into<Error> + Send + Debug,
    {
        drive::warn_of_workers();
        let settings = self.into_settings();
        let events = EventLoop::begin(1, settings.flush_within).await?;
        events.run(around(Runtime::new(observed(handler)).layer(TracingLayer::new()), settings)).await
    }

    /// As [`run_concurrent`], with these options.
    ///
    /// # Errors
    /// As [`run_concurrent`].
    ///
    /// # Panics
    /// As [`run_concurrent`].
    pub async fn run_concurrent<A, F, R, B, S, D, E>(self, handler: F) -> Result<(), Error>
    where
        F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
        F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
        F::Error: Into<Diagnostic> + Debug,
        A: for<'de> Deserialize<'de> + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send + 'static,
        B: Serialize + Send + 'static,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send + 'static,
        E: Into<Error> + Send + Debug + 'static,
    {
        let (workers, settings) = (drive::workers(), self.into_settings());
        let events = EventLoop::begin(workers, settings.flush_within).await?;
        let service = around(Runtime::new(observed(handler)).layer(TracingLayer::new()), settings);
        if workers == 1 { events.run(service).await } else { events.run_concurrent(service, workers).await }
    }
}

/// The service of a runtime as [`ObservedLayer`](crate::ObservedLayer) would make it, for our own event loop.
fn around<S>(runtime: Runtime<S>, settings: Settings) -> ObservedService<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    ObservedService::new(drive::service_of(runtime), settings)
}
