//! What `#[handler]` makes of a function's body.

use super::flush::Flushing;
use super::invocation::{End, Invocation, UnderWay};
use super::watchdog;
use futures_util::FutureExt;
use lambda_runtime::LambdaEvent;
use spanbridge::{ContextExt, Failure, panics};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

/// The body of a handler, before it runs.
#[derive(Debug)]
pub struct Annotated(Owner);

/// Owner the invocation is.
#[derive(Debug)]
enum Owner {
    /// Somebody else tells how it ends, and the body runs in it already. What the body knows of its error is more.
    Observed(Arc<Invocation>),
    /// Our layer's, which has to be told.
    Layer(Arc<Invocation>),
    /// There is no layer of ours: it begins and ends here.
    Own(UnderWay),
}

/// Of the event that a handler was called with.
pub fn handling<T>(event: &LambdaEvent<T>) -> Annotated {
    Annotated(match watchdog::find(&event.context.request_id) {
        Some(invocation) if invocation.claim() => Owner::Layer(invocation),
        Some(invocation) => Owner::Observed(invocation),
        None => {
            super::set_up();
            let own = Invocation::begin_without_event(&event.context);
            own.claim();
            Owner::Own(own)
        }
    })
}

impl Annotated {
    /// Runs the body.
    pub async fn run<T>(
        self,
        body: impl Future<Output = T>,
        judge: impl for<'a> FnOnce(&'a T) -> Option<Failure<'a>>,
    ) -> T {
        match self.0 {
            Owner::Observed(invocation) => {
                let value = body.await;
                if let failed @ End::Failed { .. } = judged(&value, judge) {
                    invocation.note(failed)
                }
                value
            }
            Owner::Layer(invocation) => tell(&invocation, body, judge).await,
            Owner::Own(own) => {
                let result = AssertUnwindSafe(tell(&own, body, judge)).catch_unwind().await;
                // The answer has to wait, of a panic, too: nobody is called after it.
                Flushing::begin(&own).await;
                result.unwrap_or_else(|panic| resume_unwind(panic))
            }
        }
    }
}

async fn tell<T>(
    invocation: &Arc<Invocation>,
    body: impl Future<Output = T>,
    judge: impl for<'a> FnOnce(&'a T) -> Option<Failure<'a>>,
) -> T {
    let mut body = pin!(body.in_context(invocation.context().clone()));
    let value = poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))).unwrap_or_else(|panic| {
            invocation.end(&End::Panicked(panics::text(&*panic)));
            resume_unwind(panic)
        })
    })
    .await;
    invocation.end(&judged(&value, judge));
    value
}

/// The application's code says how it went, and may panic.
fn judged<T>(value: &T, judge: impl for<'a> FnOnce(&'a T) -> Option<Failure<'a>>) -> End {
    panics::caught(|| judge(value).map_or(End::Ok, End::from)).unwrap_or_else(|panic| {
        let message = format!("how it went is not known: who was asked has panicked: {panic}");
        End::Failed { message, kind: Failure::untold::<()>().error_type().to_owned() }
    })
}
