//! A tower layer around a whole invocation, from the raw event to the answer that Lambda has.

use super::flush::Flushing;
use super::invocation::{Invocation, UnderWay, beside};
use super::settings::Settings;
use crate::event::Event;
use lambda_runtime::tower::{Layer, Service};
use lambda_runtime::{Error, LambdaInvocation};
use pin_project_lite::pin_project;
use spanbridge::current::WithContext;
use spanbridge::observe;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What was wrong with the headers of an invocation, and what was done about it: an extension of its parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repairs(pub(crate) Vec<String>);

/// For a [`lambda_runtime::Runtime`] of one's own: reads the raw event, takes the context that came with it, and runs
/// everything inside in the span of the invocation. The handler's payload is without the hidden field. Once Lambda has
/// the answer, and before the next event is taken, everything that was recorded is delivered.
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
        ObservedService { inner, settings: self.settings.clone() }
    }
}

/// What [`ObservedLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct ObservedService<S> {
    inner: S,
    settings: Settings,
}

impl<S> Service<LambdaInvocation> for ObservedService<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    type Response = ();
    type Error = Error;
    type Future = ObservedInvocation<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> Self::Future {
        let (event, payload) = Event::read(&invocation.body, beside(&invocation.context));
        if let Cow::Owned(payload) = payload {
            invocation.body = payload.into()
        }
        let repairs = invocation.parts.extensions.remove::<Repairs>().unwrap_or_default();
        let under_way = Invocation::begin(&invocation.context, event, &invocation.body, &repairs.0, &self.settings);
        let inner = observe::in_scope(under_way.context(), || self.inner.call(invocation));
        let inner = observe::with_context(under_way.context().clone(), inner);
        ObservedInvocation { inner, state: State::Handling, under_way }
    }
}

pin_project! {
    /// An invocation that is under way, until everything that was recorded about it is delivered.
    #[must_use = "does nothing unless polled"]
    pub struct ObservedInvocation<F> {
        #[pin]
        inner: WithContext<F>,
        state: State,
        under_way: UnderWay,
    }
}

enum State {
    Handling,
    Flushing { flushing: Flushing, result: Option<Result<(), Error>> },
}

impl<F: Future<Output = Result<(), Error>>> Future for ObservedInvocation<F> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state {
                State::Handling => {
                    let result = ready!(this.inner.as_mut().poll(cx));
                    this.under_way.answered(&result);
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
