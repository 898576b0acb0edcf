//! A service around the handler, which reports how the handler ends.

use super::invocation::{End, Invocation};
use super::late_panic::LatePanic;
use super::response::CapturableResponse;
use super::stream::ObservedStream;
use super::watchdog;
use lambda_runtime::tower::Service;
use lambda_runtime::{Diagnostic, FunctionResponse, IntoFunctionResponse, LambdaEvent, StreamResponse};
use pin_project_lite::pin_project;
use serde::Serialize;
use spanbridge::observe::WithContext;
use spanbridge::{ContextExt, Failure, observe, panics};
use std::any::type_name;
use std::fmt::{self, Debug};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Makes a handler report how it ends to the [`ObservedLayer`](crate::ObservedLayer) of its runtime: ok, with an error, with
/// a panic, or with the end of a response stream. Without such a layer it records nothing and changes nothing.
///
/// [`run`](crate::run) includes both.
pub fn observed<H, B, S>(handler: H) -> Observed<H, B, S> {
    Observed { handler, response: PhantomData }
}

/// The handler that [`observed`] makes. `B` and `S` are its response types, buffered and streamed.
pub struct Observed<H, B, S> {
    handler: H,
    response: PhantomData<fn() -> (B, S)>,
}

impl<H: Clone, B, S> Clone for Observed<H, B, S> {
    fn clone(&self) -> Self {
        observed(self.handler.clone())
    }
}

impl<H: Debug, B, S> Debug for Observed<H, B, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.handler).finish()
    }
}

impl<H, A, R, B, S> Service<LambdaEvent<A>> for Observed<H, B, S>
where
    H: Service<LambdaEvent<A>, Response = R>,
    H::Error: Into<Diagnostic> + Debug,
    R: IntoFunctionResponse<B, S>,
    B: Serialize,
{
    type Response = FunctionResponse<CapturableResponse<B>, ObservedStream<S>>;
    type Error = HandlerError;
    type Future = HandlerFuture<H::Future, B, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        self.handler.poll_ready(cx).map_err(HandlerError::new)
    }

    fn call(&mut self, event: LambdaEvent<A>) -> Self::Future {
        let invocation = watchdog::find(&event.context.request_id).filter(|i| i.claim());
        let context = invocation.as_ref().map_or_else(observe::current_context, |i| i.context().clone());
        let inner = observe::in_scope(&context, || guarded(invocation.as_ref(), || self.handler.call(event)));
        let inner = Some(inner.in_context(context));
        HandlerFuture { inner, invocation, late: LatePanic::default(), response: PhantomData }
    }
}

/// Records a panic, and lets it continue.
fn guarded<T>(invocation: Option<&Arc<Invocation>>, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        if let Some(invocation) = invocation {
            invocation.end(&End::Panicked(panics::text(&*panic)))
        }
        resume_unwind(panic)
    })
}

pin_project! {
    /// A handler in progress.
    #[must_use = "does nothing unless polled"]
    pub struct HandlerFuture<F, B, S> {
        #[pin]
        inner: Option<WithContext<F>>,
        invocation: Option<Arc<Invocation>>,
        late: LatePanic,
        response: PhantomData<fn() -> (B, S)>,
    }
}

impl<F, R, E, B, S> Future for HandlerFuture<F, B, S>
where
    F: Future<Output = Result<R, E>>,
    E: Into<Diagnostic> + Debug,
    R: IntoFunctionResponse<B, S>,
    B: Serialize,
{
    type Output = Result<FunctionResponse<CapturableResponse<B>, ObservedStream<S>>, HandlerError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        let result = ready!(guarded(this.invocation.as_ref(), || inner.poll(cx)));
        let invocation = this.invocation.take();
        if let (Some(message), Some(invocation)) = (this.late.catch(|| this.inner.set(None)), &invocation) {
            invocation.end(&End::Panicked(message))
        }
        let response = guarded(invocation.as_ref(), || result.map(IntoFunctionResponse::into_response));
        Poll::Ready(match response {
            Ok(FunctionResponse::BufferedResponse(response)) => {
                let mut response = CapturableResponse::new(response);
                if let Some(invocation) = invocation {
                    invocation.capture_response(&mut response);
                    invocation.end(&invocation.answered(|| response.status()))
                }
                Ok(FunctionResponse::BufferedResponse(response))
            }
            Ok(FunctionResponse::StreamingResponse(StreamResponse { metadata_prelude, stream })) => {
                let end = invocation.as_ref().map_or(End::Ok, |i| i.answered(|| Some(metadata_prelude.status_code)));
                let stream = ObservedStream::new(stream, invocation, end);
                Ok(FunctionResponse::StreamingResponse(StreamResponse { metadata_prelude, stream }))
            }
            Err(error) => Err(match invocation {
                Some(invocation) => HandlerError::ending(error, &invocation),
                None => HandlerError::new(error),
            }),
        })
    }
}

/// A handler's error, as Lambda gets it. If lambda_runtime logs it (with `{:?}`), it looks like the handler's own. An error
/// with a backtrace takes long to format, so it is not formatted unless it is logged.
#[derive(Clone)]
pub struct HandlerError {
    /// `Err` if the error panicked while it was formatted.
    diagnostic: Result<Diagnostic, String>,
    debug: Option<String>,
}

impl HandlerError {
    fn new<E: Into<Diagnostic> + Debug>(error: E) -> Self {
        // Both run the application's code. Whatever that does, the error is passed on.
        let debug = is_logged().then(|| panics::caught(|| format!("{error:?}")).ok()).flatten();
        HandlerError { diagnostic: panics::caught(|| error.into()), debug }
    }

    /// The error with which the handler of an invocation has ended.
    fn ending<E: Into<Diagnostic> + Debug>(error: E, invocation: &Invocation) -> Self {
        let causes = Failure::in_box(&error).filter(|_| invocation.is_recorded()).map(|failure| failure.message());
        let error = HandlerError::new(error);
        let class = Failure::of_type::<E>().error_type().to_owned();
        invocation.end(&match error.diagnostic.clone() {
            Ok(Diagnostic { error_type, error_message }) => End::Failed {
                message: causes.unwrap_or(error_message),
                // By default lambda_runtime gives the name of a reference's type.
                kind: if error_type == type_name::<&E>() { class } else { error_type },
            },
            Err(_) => End::Failed { message: UNFORMATTABLE.to_owned(), kind: class },
        });
        error
    }
}

/// The message of an error whose formatting panics.
const UNFORMATTABLE: &str = "an error that panics when it is formatted";

/// Whether lambda_runtime logs a handler's error.
fn is_logged() -> bool {
    use lambda_runtime::tracing::{Level, enabled};
    enabled!(target: "lambda_runtime::layers::panic", Level::ERROR)
}

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Diagnostic {
        // Without us it would have panicked here, too.
        error.diagnostic.unwrap_or_else(|message| resume_unwind(Box::new(message)))
    }
}

impl Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.debug, &self.diagnostic) {
            (Some(debug), _) => f.write_str(debug),
            (None, Ok(diagnostic)) => f.write_str(&diagnostic.error_message),
            (None, Err(message)) => f.write_str(message),
        }
    }
}
