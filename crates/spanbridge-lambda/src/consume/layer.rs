//! A tower layer around a whole invocation, from the raw event to the answer that Lambda has.

use super::flush::{Flushing, flush_the_initialisation};
use super::invocation::{Invocation, UnderWay, beside};
use super::settings::Settings;
use crate::event::Event;
use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};
use pin_project_lite::pin_project;
use spanbridge::observe::WithContext;
use spanbridge::{observe, panics};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

/// What was wrong with the headers of an invocation, and what was done about it: an extension of its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repairs(pub(crate) Vec<String>);

/// For a [`lambda_runtime::Runtime`] of one's own: reads the raw event, takes the context that came with it, and runs
/// everything inside in the span of the invocation. The handler's payload is without the hidden field. Once Lambda has
/// the answer, and before the next event is taken, everything that was recorded is delivered.
///
/// What was recorded before the layer is added to a runtime is delivered then, which blocks for as long as
/// [`Observe::flush_within`](crate::Observe::flush_within) says: a process that has asked for its first event may be frozen
/// for long. On SIGTERM everything is delivered, as [`run`](crate::run) has it.
///
/// The service inside is asked whether it is ready in the span of the invocation, so that one which has to wait, fails or
/// panics then is in the trace. The layer itself is always ready: it is for `lambda_runtime`, which calls a service again only
/// when it is done.
///
/// How the handler ended no layer can see: put [`observed`](crate::observed) around the handler, or
/// [`#[handler]`](crate::handler) on it.
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
    /// The layer, as [`run`](crate::run) has it. [`Observe::layer`](crate::Observe::layer) makes others.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        super::set_up();
        ObservedLayer { settings }
    }
}

impl<S> Layer<S> for ObservedLayer {
    type Service = ObservedService<S>;

    fn layer(&self, inner: S) -> ObservedService<S> {
        flush_the_initialisation(self.settings.flush_within);
        ObservedService::new(inner, self.settings.clone())
    }
}

/// What [`ObservedLayer`] makes of a service.
pub struct ObservedService<S> {
    /// Shared with the invocation that is under way, which waits until it is ready.
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

/// What a service that has panicked is good for it knows itself.
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

    /// Always: it is the invocation that waits for the service inside, where that is seen.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let (event, payload) = Event::read(&invocation.body, beside(&invocation.context));
        if let Cow::Owned(payload) = payload {
            invocation.body = payload.into()
        }
        let repairs = invocation.parts.extensions.remove::<Repairs>().unwrap_or_default();
        let under_way = Invocation::begin(&invocation.context, event, &invocation.body, &repairs.0, &self.settings);
        let work = Work::Waiting { service: self.inner.clone(), invocation: Some(invocation) };
        let inner = observe::with_context(under_way.context().clone(), work);
        ObservedInvocation { inner, state: State::Handling, under_way }
    }
}

pin_project! {
    /// What is inside, from the question whether it is ready.
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
            // There once: who has panicked is not polled again.
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
    /// An invocation that is under way, until everything that was recorded about it is delivered.
    #[must_use = "does nothing unless polled"]
    pub struct ObservedInvocation<S, F> {
        #[pin]
        inner: WithContext<Work<S, F>>,
        state: State,
        under_way: UnderWay,
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
                        this.under_way.panicked(panics::text(&*panic));
                        resume_unwind(panic)
                    }));
                    let was_called = matches!(this.inner.get_ref(), Work::Called { .. });
                    this.under_way.answered(&result, was_called);
                    let flushing = Flushing::begin(this.under_way);
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
