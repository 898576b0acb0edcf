//! The loop that takes events, with lambda_runtime's own services around the handler. Why there is one:
//! `docs/adr/0007-our-own-loop-on-lambda.md`.

use super::flush::Flushing;
use super::headers;
use super::layer::Repairs;
use super::snapstart;
use crate::carrier::XRay;
use bytes::Bytes;
use http::response::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use lambda_runtime::tower::{Layer, Service, ServiceExt};
use lambda_runtime::{Config, Error, LambdaInvocation, Runtime};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{PooledClient, build_request};
use spanbridge::{ContextExt, Kind, observe};
use std::future::{Ready, ready};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinSet;

/// How often in a row a worker may fail to get an event, of several.
const PATIENCE: u32 = 5;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// What takes events.
pub(crate) struct Loop {
    client: PooledClient,
    config: Arc<Config>,
    flush_within: Duration,
}

impl Loop {
    /// Sets up what a process needs, and delivers meanwhile what the initialisation has recorded: a process that has asked for
    /// its first event may be frozen, and for long. Panics without the variables that Lambda sets, as lambda_runtime does.
    pub(crate) async fn begin(workers: usize, flush_within: Duration) -> Result<Loop, Error> {
        let is_snapstart = snapstart::is_on();
        let flushing = Flushing::of_the_initialisation(if is_snapstart { snapstart::WITHIN } else { flush_within });
        super::set_up();
        let client = PooledClient::builder().with_pool_size(workers).build();
        let config = Arc::new(Config::from_env());
        flushing.await;
        if is_snapstart {
            snapstart::pass(&client).await?
        }
        Ok(Loop { client, config, flush_within })
    }

    /// One event after another.
    pub(crate) async fn run<S>(self, mut service: S) -> Result<(), Error>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error>,
    {
        loop {
            let event = self.next().await?;
            self.handle(&mut service, event, true).await?
        }
    }

    /// So many at a time. A worker that cannot go on ends alone; the last one's error is the end.
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
                        Err(_) if failures < PATIENCE => {
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
        let (parts, body) = self.client.call(request(Method::GET, NEXT, Body::empty())?).await?.into_parts();
        if !parts.status.is_success() {
            // There is no event; 500 means that the process is to end.
            return Err(format!("{NEXT}: {}", parts.status).into());
        }
        Ok((parts, body.collect().await?.to_bytes()))
    }

    /// `alone`: one event at a time, so what is in the environment is the event's.
    async fn handle<S>(&self, service: &mut S, (mut parts, body): (Parts, Bytes), alone: bool) -> Result<(), Error>
    where
        S: Service<LambdaInvocation, Response = (), Error = Error>,
    {
        if parts.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        let (context, repairs) = match headers::context(&mut parts.headers, &self.config) {
            Ok(read) => read,
            Err(why) => {
                // Lambda takes it for timed out.
                let span = observe::span(self.config.function_name.clone()).kind(Kind::Server).open();
                span.error(format!("an event cannot be answered, and was left: {why}"));
                Flushing::of_an_event_left(self.flush_within).await;
                return Ok(());
            }
        };
        if alone {
            set_trace_variable(context.xray_trace_id.as_deref())
        }
        parts.extensions.insert(Repairs(repairs));
        service.ready().await?.call(LambdaInvocation { parts, body, context }).await
    }
}

/// For clients of AWS and of X-Ray, which pass it on; Lambda finds endless loops by it.
fn set_trace_variable(trace: Option<&str>) {
    let trace = trace.filter(|t| !t.contains('\0'));
    // SAFETY: as lambda_runtime's own loop does, at the same moment: between two events, when no handler runs. Rust code
    // that reads the environment takes the same lock.
    unsafe {
        match trace {
            Some(trace) => std::env::set_var(XRay::VARIABLE, trace),
            None => std::env::remove_var(XRay::VARIABLE),
        }
    }
}

pub(super) fn request(method: Method, path: &'static str, body: Body) -> Result<Request<Body>, Error> {
    Ok(build_request().method(method).uri(path).body(body)?)
}

/// The number of events that are handled at a time, from the environment.
pub(crate) fn workers() -> usize {
    let set = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok();
    set.and_then(|n| n.parse().ok()).map_or(1, NonZero::<u16>::get).into()
}

/// Says that events will be handled one at a time where Lambda would send several: to who logs, else to standard error, as
/// lambda_runtime does.
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
        super::tell_standard_error(&what)
    }
}

/// lambda_runtime's services, out of a runtime that will not run.
pub(crate) fn service_of<S>(runtime: Runtime<S>) -> S
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let taken = Taken(Mutex::new(None));
    drop(runtime.layer(&taken));
    let service = taken.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    service.expect("`Runtime::layer` hands its service to the layer")
}

struct Taken<S>(Mutex<Option<S>>);

impl<S> Layer<S> for Taken<S> {
    type Service = Nothing;

    fn layer(&self, service: S) -> Nothing {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(service);
        Nothing
    }
}

/// Stands where the service was.
struct Nothing;

impl Service<LambdaInvocation> for Nothing {
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
