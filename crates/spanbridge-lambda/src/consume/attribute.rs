//! What `#[handler]` makes of a function's body.

use super::in_flight::InFlight;
use super::invocation::{End, Invocation};
use super::{setup, watchdog};
use futures_util::FutureExt;
use lambda_runtime::LambdaEvent;
use spanbridge::{ContextExt, Failure, panics};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

/// The body of a handler, before it runs.
#[derive(Debug)]
pub struct HandlerBody(Owner);

/// Who reports how the invocation ends.
#[derive(Debug)]
enum Owner {
    /// [`observed`](crate::observed), in whose context the body runs already. The body only adds what it knows of its error.
    Observed(Arc<Invocation>),
    /// The body, to the layer.
    Layer(Arc<Invocation>),
    /// The body. There is no layer of ours, so the invocation begins and ends here.
    Body(InFlight),
}

/// The body of the handler that was called with this event.
pub fn handling<T>(event: &LambdaEvent<T>) -> HandlerBody {
    HandlerBody(match watchdog::find(&event.context.request_id) {
        Some(invocation) if invocation.claim() => Owner::Layer(invocation),
        Some(invocation) => Owner::Observed(invocation),
        None => {
            setup::set_up();
            let own = InFlight::begin_without_event(&event.context);
            own.claim();
            Owner::Body(own)
        }
    })
}

impl HandlerBody {
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
            Owner::Layer(invocation) => run_in(&invocation, body, judge).await,
            Owner::Body(own) => {
                let body = own.restored().around(body);
                let result = AssertUnwindSafe(run_in(&own, body, judge)).catch_unwind().await;
                // The response waits for the flush, also after a panic: nothing of ours is called later.
                own.flush().await;
                result.unwrap_or_else(|panic| resume_unwind(panic))
            }
        }
    }
}

/// Runs the body in the context of its invocation, and ends that.
async fn run_in<T>(
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

/// Asks the application's code how the handler ended. That code may panic.
fn judged<T>(value: &T, judge: impl for<'a> FnOnce(&'a T) -> Option<Failure<'a>>) -> End {
    panics::caught(|| judge(value).map_or(End::Ok, End::from)).unwrap_or_else(|panic| {
        let message = format!("the outcome is unknown, because formatting the error panicked: {panic}");
        End::Failed { message, kind: Failure::of_type::<()>().error_type().to_owned() }
    })
}
