//! The event loop, with lambda_runtime's own services around the handler. Why we have our own:
//! `docs/adr/0007-our-own-loop-on-lambda.md`.

use super::api::{NEXT, get};
use super::flush::Flushing;
use super::log::log_to_stderr;
use super::{headers, setup, snapstart};
use crate::carrier::XRay;
use bytes::Bytes;
use http::StatusCode;
use http::response::Parts;
use http_body_util::BodyExt;
use lambda_runtime::tower::{Layer, Service, ServiceExt};
use lambda_runtime::{Config, Error, LambdaInvocation, Runtime};
use lambda_runtime_api_client::PooledClient;
use spanbridge::{ContextExt, Kind, observe};
use std::future::{Ready, ready};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often in a row one of several workers may fail to get an event.
const MAX_FAILURES: u32 = 5;

/// The event loop.
pub(crate) struct EventLoop {
    client: PooledClient,
    config: Arc<Config>,
    flush_within: Duration,
}

impl EventLoop {
    /// Sets the process up, and meanwhile delivers what the initialization has recorded: after the request for the first event
    /// the process may be frozen, and for long. Panics without the variables that Lambda sets, as lambda_runtime does.
    pub(crate) async fn begin(workers: usize, flush_within: Duration) -> Result<Self, Error> {
        let is_snapstart = snapstart::is_on();
        let flushing = Flushing::after_initialization(if is_snapstart { snapstart::FLUSH_LIMIT } else { flush_within });
        setup::set_up();
        let client = PooledClient::builder().with_pool_size(workers).build();
        let config = Arc::new(Config::from_env());
        flushing.await;
        if is_snapstart {
            snapstart::wait_for_restore(&client).await?
        }
        Ok(EventLoop { client, config, flush_within })
    }

    /// Handles one event after another.
    pub(crate) async fn run<S>(self, mut service: S) -> Result<(), Error>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error>,
    {
        loop {
            let event = self.next().await?;
            self.handle(&mut service, event, true).await?
        }
    }

    /// Handles several events at a time. A worker that cannot continue ends alone; the last one's error is returned.
    pub(crate) async fn run_concurrent<S>(self, service: S, workers: usize) -> Result<(), Error>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error> + Clone + Send + 'static,
        S::Future: Send,
    {
        let this = Arc::new(self);
        let work = |mut service: S| {
            let this = this.clone();
            async move {
                let mut failures = 0;
                loop {
                    match this.next().await {
                        Ok(event) => {
                            failures = 0;
                            this.handle(&mut service, event, false).await?
                        }
                        Err(_) if failures < MAX_FAILURES => {
                            failures += 1;
                            tokio::time::sleep(Duration::from_millis(10) * (1 << failures)).await
                        }
                        Err(error) => return Err::<(), Error>(error),
                    }
                }
            }
        };
        let mut running: JoinSet<_> = (0..workers).map(|_| work(service.clone()).in_current_context()).collect();
        let mut last = Ok(());
        while let Some(ended) = running.join_next().await {
            last = ended.unwrap_or_else(|panic| Err(panic.into()))
        }
        last
    }

    async fn next(&self) -> Result<(Parts, Bytes), Error> {
        let (parts, body) = self.client.call(get(NEXT)?).await?.into_parts();
        if !parts.status.is_success() {
            // There is no event; 500 means that the process has to end.
            return Err(format!("{NEXT}: {}", parts.status).into());
        }
        Ok((parts, body.collect().await?.to_bytes()))
    }

    /// Handles an event. `is_alone` is whether the process handles one event at a time, so that the environment may hold
    /// the event's X-Ray header.
    async fn handle<S>(&self, service: &mut S, (mut parts, body): (Parts, Bytes), is_alone: bool) -> Result<(), Error>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error>,
    {
        if parts.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        let (context, repairs) = match headers::context(&mut parts.headers, &self.config) {
            Ok(read) => read,
            Err(why) => {
                // For Lambda, the event times out.
                let span = observe::span(self.config.function_name.clone()).kind(Kind::Server).open();
                span.error(format!("failed to respond to an event, which was skipped: {why}"));
                Flushing::after_skipped_event(self.flush_within).await;
                return Ok(());
            }
        };
        if is_alone {
            set_trace_variable(context.xray_trace_id.as_deref())
        }
        parts.extensions.insert(repairs);
        service.ready().await?.call(LambdaInvocation { parts, body, context }).await
    }
}

/// Sets the variable that AWS and X-Ray clients read to pass the header on. Lambda detects endless loops by it.
fn set_trace_variable(trace: Option<&str>) {
    let trace = trace.filter(|t| !t.contains('\0'));
    // SAFETY: lambda_runtime's own loop does this at the same moment, between two events, when no handler runs. Rust code
    // that reads the environment takes the same lock.
    unsafe {
        match trace {
            Some(trace) => std::env::set_var(XRay::VARIABLE, trace),
            None => std::env::remove_var(XRay::VARIABLE),
        }
    }
}

/// The number of events to handle at a time, from the environment.
pub(crate) fn workers() -> usize {
    let set = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok();
    set.and_then(|n| n.parse().ok()).map_or(1, NonZero::<u16>::get).into()
}

/// Warns that events are handled one at a time although Lambda would send several: in the log if there is one, else on
/// standard error, as lambda_runtime does.
pub(crate) fn warn_of_workers() {
    let workers = workers();
    if workers == 1 {
        return;
    }
    let what = format!(
        "AWS_LAMBDA_MAX_CONCURRENCY is {workers}, but `spanbridge_lambda::run` handles one event at a time: \
         use `run_concurrent`"
    );
    if lambda_runtime::tracing::dispatcher::has_been_set() {
        lambda_runtime::tracing::warn!("{what}")
    } else {
        log_to_stderr(&what)
    }
}

/// Takes lambda_runtime's services out of a runtime, which then never runs.
pub(crate) fn service_of<S>(runtime: Runtime<S>) -> S
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let taken = TakeService(Mutex::new(None));
    drop(runtime.layer(&taken));
    let service = taken.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    service.expect("`Runtime::layer` passes its service to the layer")
}

/// A layer that takes the service that it is applied to.
struct TakeService<S>(Mutex<Option<S>>);

impl<S> Layer<S> for TakeService<S> {
    type Service = Placeholder;

    fn layer(&self, service: S) -> Placeholder {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(service);
        Placeholder
    }
}

/// Stands in for the service that was taken.
struct Placeholder;

impl Service<LambdaInvocation> for Placeholder {
    type Response = ();
    type Error = Error;
    type Future = Ready<Result<(), Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: LambdaInvocation) -> Self::Future {
        ready(Ok(()))
    }
}
