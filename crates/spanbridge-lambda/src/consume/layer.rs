//! A tower layer around a whole invocation, from the raw event until Lambda has the response.

use super::flush::{Flushing, flush_initialization_blocking};
use super::headers::Repairs;
use super::in_flight::InFlight;
use super::settings::Settings;
use super::setup;
use crate::event::{Event, InvocationMetadata};
use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};
use pin_project_lite::pin_project;
use spanbridge::adapter::InRestored;
use spanbridge::observe::WithContext;
use spanbridge::{ContextExt, panics};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// The layer for a [`lambda_runtime::Runtime`] that you build yourself.
///
/// It reads the raw event, restores the context that came with it, and runs everything inside in the span of the invocation.
/// The handler gets the payload without the hidden field. Once Lambda has the response, and before the next event is
/// requested, everything that was recorded is delivered.
///
/// A layer cannot see how the handler ends: put [`observed`](crate::observed) around the handler, or
/// [`#[handler]`](crate::handler) on it.
///
/// Adding the layer to a runtime delivers what was recorded before. That blocks for at most
/// [`flush_within`](crate::FunctionOptions::flush_within), because after the request for its first event a process may be
/// frozen for long. On SIGTERM everything is delivered, as with [`run`](crate::run).
///
/// `poll_ready` of the service inside is called in the span of the invocation, so that a service that waits, fails or panics
/// there is in the trace. The layer itself is always ready: `lambda_runtime` calls a service again only after it has
/// finished.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
/// use serde_json::Value;
/// use spanbridge_lambda::{ObservedLayer, observed, snapstart};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// Runtime::new(observed(service_fn(score)))
///     .layer(ObservedLayer::new()) // the outermost: what is added later is not inside the span
///     .register_snapstart_resource(snapstart())
///     .run()
///     .await
/// # }
///
/// async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
///     Ok(event.payload)
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ObservedLayer {
    settings: Settings,
}

impl ObservedLayer {
    /// A layer with the defaults of [`run`](crate::run). For other settings use
    /// [`FunctionOptions::layer`](crate::FunctionOptions::layer).
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        setup::set_up();
        ObservedLayer { settings }
    }
}

impl<S> Layer<S> for ObservedLayer {
    type Service = ObservedService<S>;

    fn layer(&self, inner: S) -> ObservedService<S> {
        flush_initialization_blocking(self.settings.flush_within);
        ObservedService::new(inner, self.settings.clone())
    }
}

/// The service that [`ObservedLayer`] makes.
pub struct ObservedService<S> {
    /// Shared with the invocation in progress, which waits until it is ready.
    inner: Arc<Mutex<S>>,
    settings: Settings,
}

impl<S> ObservedService<S> {
    pub(crate) fn new(inner: S, settings: Settings) -> Self {
        ObservedService { inner: Arc::new(Mutex::new(inner)), settings }
    }
}

impl<S: Clone> Clone for ObservedService<S> {
    fn clone(&self) -> Self {
        ObservedService::new(lock(&self.inner).clone(), self.settings.clone())
    }
}

impl<S: Debug> Debug for ObservedService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedService").field("inner", &self.inner).field("settings", &self.settings).finish()
    }
}

/// Locks a service, also one that has panicked: whether it can be called again is up to the service.
fn lock<S>(service: &Mutex<S>) -> MutexGuard<'_, S> {
    service.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Service<LambdaInvocation> for ObservedService<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    type Response = ();
    type Error = Error;
    type Future = ObservedInvocation<S, S::Future>;

    /// Always ready: the invocation waits for the service inside, where the wait is recorded.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let (event, payload) = Event::read(&invocation.body, InvocationMetadata::from(&invocation.context));
        if let Cow::Owned(payload) = payload {
            invocation.body = payload.into()
        }
        let repairs = invocation.parts.extensions.remove::<Repairs>().unwrap_or_default();
        let in_flight = InFlight::begin(&invocation.context, event, &invocation.body, &repairs, &self.settings);
        let work = Work::Waiting { service: self.inner.clone(), invocation: Some(invocation) };
        let inner = in_flight.restored().around(work).in_context(in_flight.context().clone());
        ObservedInvocation { inner, state: State::Handling, in_flight }
    }
}

pin_project! {
    /// The service inside: first until it is ready, then its future.
    #[project = WorkProjected]
    enum Work<S, F> {
        Waiting { service: Arc<Mutex<S>>, invocation: Option<LambdaInvocation> },
        Called { #[pin] future: F },
    }
}

impl<S, F> Future for Work<S, F>
where
    S: Service<LambdaInvocation, Future = F, Error = Error>,
    F: Future<Output = Result<(), Error>>,
{
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let WorkProjected::Waiting { service, invocation } = self.as_mut().project() {
            let mut service = lock(service);
            ready!(service.poll_ready(cx))?;
            // Taken once: after a panic this is not polled again.
            let Some(invocation) = invocation.take() else { return Poll::Pending };
            let future = service.call(invocation);
            drop(service);
            self.set(Work::Called { future })
        }
        match self.project() {
            WorkProjected::Called { future } => future.poll(cx),
            WorkProjected::Waiting { .. } => Poll::Pending,
        }
    }
}

pin_project! {
    /// An invocation, until everything that was recorded about it is delivered.
    #[must_use = "does nothing unless polled"]
    pub struct ObservedInvocation<S, F> {
        #[pin]
        inner: WithContext<InRestored<Work<S, F>>>,
        state: State,
        in_flight: InFlight,
    }
}

enum State {
    Handling,
    Flushing { flushing: Flushing, result: Option<Result<(), Error>> },
}

impl<S, F> Future for ObservedInvocation<S, F>
where
    S: Service<LambdaInvocation, Future = F, Error = Error>,
    F: Future<Output = Result<(), Error>>,
{
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state {
                State::Handling => {
                    let polled = catch_unwind(AssertUnwindSafe(|| this.inner.as_mut().poll(cx)));
                    let result = ready!(polled.unwrap_or_else(|panic| {
                        this.in_flight.panicked(panics::text(&*panic));
                        resume_unwind(panic)
                    }));
                    let was_called = matches!(this.inner.get_ref().get_ref(), Some(Work::Called { .. }));
                    this.in_flight.responded(&result, was_called);
                    let flushing = this.in_flight.flush();
                    *this.state = State::Flushing { flushing, result: Some(result) }
                }
                State::Flushing { flushing, result } => {
                    ready!(Pin::new(flushing).poll(cx));
                    return Poll::Ready(result.take().unwrap_or(Ok(())));
                }
            }
        }
    }
}
