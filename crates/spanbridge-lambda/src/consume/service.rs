//! A service around the handler, which knows how it ends.

use super::answer::Answer;
use super::invocation::{End, Invocation};
use super::stream::ObservedStream;
use super::watchdog;
use lambda_runtime::tower::Service;
use lambda_runtime::{Diagnostic, FunctionResponse, IntoFunctionResponse, LambdaEvent, StreamResponse};
use pin_project_lite::pin_project;
use serde::Serialize;
use spanbridge::observe::WithContext;
use spanbridge::{Failure, observe, panics};
use std::any::{Any, type_name};
use std::fmt::{self, Debug};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// A handler that tells how it ends: ok, an error and which, a panic and what it said, the end of a response stream. It
/// tells the [`ObservedLayer`](crate::ObservedLayer) of its runtime; without one it changes nothing and records nothing.
///
/// [`run`](crate::run) has both.
pub fn observed<H, B, S>(handler: H) -> Observed<H, B, S> {
    Observed { handler, response: PhantomData }
}

/// What [`observed`] makes of a handler. `B` and `S` are what it responds with, at once or as a stream.
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
    type Response = FunctionResponse<Answer<B>, ObservedStream<S>>;
    type Error = HandlerError;
    type Future = Handling<H::Future, B, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandlerError>> {
        self.handler.poll_ready(cx).map_err(HandlerError::new)
    }

    fn call(&mut self, event: LambdaEvent<A>) -> Self::Future {
        let invocation = watchdog::find(&event.context.request_id).filter(|i| i.claim());
        let context = invocation.as_ref().map_or_else(observe::current_context, |i| i.context().clone());
        let inner = observe::in_scope(&context, || guarded(invocation.as_ref(), || self.handler.call(event)));
        let inner = Some(observe::with_context(context, inner));
        Handling { inner, invocation, late: LatePanic::default(), response: PhantomData }
    }
}

/// A panic is told, and goes on.
fn guarded<T>(invocation: Option<&Arc<Invocation>>, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        if let Some(invocation) = invocation {
            invocation.end(&End::Panicked(panics::text(&*panic)))
        }
        resume_unwind(panic)
    })
}

pin_project! {
    /// A handler at work.
    #[must_use = "does nothing unless polled"]
    pub struct Handling<F, B, S> {
        #[pin]
        inner: Option<WithContext<F>>,
        invocation: Option<Arc<Invocation>>,
        late: LatePanic,
        response: PhantomData<fn() -> (B, S)>,
    }
}

impl<F, R, E, B, S> Future for Handling<F, B, S>
where
    F: Future<Output = Result<R, E>>,
    E: Into<Diagnostic> + Debug,
    R: IntoFunctionResponse<B, S>,
    B: Serialize,
{
    type Output = Result<FunctionResponse<Answer<B>, ObservedStream<S>>, HandlerError>;

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
                let mut answer = Answer::new(response);
                if let Some(invocation) = invocation {
                    invocation.capture_answer(&mut answer);
                    invocation.end(&End::Ok)
                }
                Ok(FunctionResponse::BufferedResponse(answer))
            }
            Ok(FunctionResponse::StreamingResponse(StreamResponse { metadata_prelude, stream })) => {
                let stream = ObservedStream::new(stream, invocation);
                Ok(FunctionResponse::StreamingResponse(StreamResponse { metadata_prelude, stream }))
            }
            Err(error) => Err(match invocation {
                Some(invocation) => HandlerError::ending(error, &invocation),
                None => HandlerError::new(error),
            }),
        })
    }
}

/// A panic of something that was dropped where we see it. It goes on where it would have come without us: where its owner is
/// dropped. (A lock only makes it `Sync`.)
#[derive(Default)]
pub(crate) struct LatePanic(Option<Mutex<Box<dyn Any + Send>>>);

impl LatePanic {
    /// Drops something; what it says where it panics.
    pub(crate) fn catch(&mut self, drop: impl FnOnce()) -> Option<String> {
        let panic = catch_unwind(AssertUnwindSafe(drop)).err()?;
        let message = panics::text(&*panic);
        self.0 = Some(Mutex::new(panic));
        Some(message)
    }
}

impl Drop for LatePanic {
    fn drop(&mut self) {
        if let Some(panic) = self.0.take().filter(|_| !std::thread::panicking()) {
            resume_unwind(panic.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// A handler's error, as Lambda is told it. It looks (`{:?}`) as the handler's own where lambda_runtime logs that: an error with
/// a backtrace takes long to show, so it is not shown for nobody.
#[derive(Clone)]
pub struct HandlerError {
    /// Or what the error's text has panicked with.
    diagnostic: Result<Diagnostic, String>,
    debug: Option<String>,
}

impl HandlerError {
    fn new<E: Into<Diagnostic> + Debug>(error: E) -> Self {
        // Both are the application's code; whatever it does, its error goes on its way.
        let debug = is_logged().then(|| panics::caught(|| format!("{error:?}")).ok()).flatten();
        HandlerError { diagnostic: panics::caught(|| error.into()), debug }
    }

    /// Of the handler of an invocation, which has ended with it.
    fn ending<E: Into<Diagnostic> + Debug>(error: E, invocation: &Invocation) -> Self {
        let causes = Failure::inside(&error).filter(|_| invocation.is_recorded()).map(|failure| failure.message());
        let error = HandlerError::new(error);
        let class = Failure::untold::<E>().error_type().to_owned();
        invocation.end(&match error.diagnostic.clone() {
            Ok(Diagnostic { error_type, error_message }) => End::Failed {
                message: causes.unwrap_or(error_message),
                // By default lambda_runtime tells the name of a reference's type.
                kind: if error_type == type_name::<&E>() { class } else { error_type },
            },
            Err(_) => End::Failed { message: SILENT.to_owned(), kind: class },
        });
        error
    }
}

/// Of an error that panics when it is to say what it is.
const SILENT: &str = "an error that panics when it is shown";

/// Whether lambda_runtime logs a handler's error.
fn is_logged() -> bool {
    use lambda_runtime::tracing::{Level, enabled};
    enabled!(target: "lambda_runtime::layers::panic", Level::ERROR)
}

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Diagnostic {
        // Here lambda_runtime asks for it, and would have panicked without us, too.
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
