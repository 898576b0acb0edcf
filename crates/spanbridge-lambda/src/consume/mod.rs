//! Handling events with `lambda_runtime`.

mod annotated;
mod answer;
mod breaker;
mod captured;
mod deadline;
mod drive;
mod flush;
mod headers;
mod invocation;
mod layer;
mod records;
mod service;
mod settings;
mod signals;
mod snapstart;
mod stream;
mod watchdog;

pub use annotated::handling;
pub use layer::ObservedLayer;
pub use records::{BatchError, BatchResponse, Records, for_each_record};
pub use service::observed;
pub use settings::Observe;
pub use snapstart::snapstart;

use bytes::Bytes;
use drive::Loop;
use futures_core::Stream;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::Service;
use lambda_runtime::{Diagnostic, Error, IntoFunctionResponse, LambdaEvent, LambdaInvocation, Runtime};
use layer::ObservedService;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::io::Write;
use std::time::Duration;

/// What [`ObservedLayer`] and [`observed`] make of a service. Nobody needs to name these.
pub mod parts {
    pub use super::answer::Answer;
    pub use super::layer::{ObservedInvocation, ObservedService};
    pub use super::service::{HandlerError, Handling, Observed};
    pub use super::stream::{ObservedStream, StreamError};
}

/// How long `std::process::exit` may wait for what was recorded.
const AT_EXIT: Duration = Duration::from_secs(1);

/// What a process needs, whichever way its handler is observed.
fn set_up() {
    watchdog::start();
    spanbridge::flush_at_exit(AT_EXIT);
    signals::own_sigterm()
}

/// A line for who reads the function's log. Where there is no standard error nobody does.
fn tell_standard_error(what: &str) {
    let _ = writeln!(std::io::stderr(), "spanbridge: {what}");
}

/// As [`lambda_runtime::run`], observed: each event is handled in a span of its own, under the span that caused it, and
/// everything is delivered before the next event is taken.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde::{Deserialize, Serialize};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let _recorder = spanbridge::Recorder::builder("score").sink(spanbridge::JsonLines::new(std::io::stderr())).install()?;
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
/// - The span ends as the handler does: ok, with its error, by a panic, or with the last of a response stream.
/// - The flush is given the time that is left but for a margin, and at most two seconds ([`Observe::flush_within`]).
///   How it went is told by the next invocation: `spanbridge.flush.previous_ms`, and a diagnostic `flush.incomplete`.
///   If sinks take nothing, standard error says so once, and most flushes wait for 50 ms only until they take something.
/// - Shortly before the function runs out of time (a tenth of it, 50 ms to 1 s) open spans are delivered by a thread of
///   our own, so that also a handler that blocks its executor leaves its trace.
/// - Headers that would end the process in `lambda_runtime` (a client context that is not of its type, …) are mended, and
///   a diagnostic `runtime.header` says so.
/// - What the initialisation has recorded is delivered before the first event is asked for.
/// - On SIGTERM everything is delivered within 400 ms, whatever handler and executor are at. The process then ends, unless
///   it has a handler for SIGTERM of its own: then it is for that to end it. Lambda sends SIGTERM only to functions that
///   have an extension; for one that has none, call `lambda_runtime::spawn_graceful_shutdown_handler` before this.
/// - Whatever context comes with an event is believed. Where strangers can call, as at a function URL, [`Observe`] says how
///   far it is.
/// - Of payloads and headers nothing is recorded but the sizes of messages, unless [`Observe::capture`] asks for more.
/// - With SnapStart ids begin anew when a snapshot is restored.
/// - `std::process::exit` waits up to a second for what was recorded.
///
/// # Errors
/// When the Runtime API cannot be reached or an answer cannot be written, as in [`lambda_runtime::run`].
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
    Observe::new().run(handler).await
}

/// As [`lambda_runtime::run_concurrent`], observed as by [`run`]: handles `AWS_LAMBDA_MAX_CONCURRENCY` events at a time,
/// or one where that is not set. Each flush delivers what all of them have recorded.
///
/// # Errors
/// When none of the workers can go on, with the error of the last.
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
    Observe::new().run_concurrent(handler).await
}

impl Observe {
    /// As [`run`], in this way.
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
        let events = Loop::begin(1, self.settings.flush_within).await?;
        events.run(self.around(Runtime::new(observed(handler)).layer(TracingLayer::new()))).await
    }

    /// As [`run_concurrent`], in this way.
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
        let workers = drive::workers();
        let events = Loop::begin(workers, self.settings.flush_within).await?;
        let service = self.around(Runtime::new(observed(handler)).layer(TracingLayer::new()));
        if workers == 1 { events.run(service).await } else { events.run_concurrent(service, workers).await }
    }

    /// What [`ObservedLayer`] makes of a runtime's service, where a loop of ours takes the events.
    fn around<S>(self, runtime: Runtime<S>) -> ObservedService<S>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error>,
    {
        ObservedService::new(drive::service_of(runtime), self.settings)
    }
}
