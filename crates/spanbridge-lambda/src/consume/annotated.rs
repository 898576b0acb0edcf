//! What `#[handler]` makes of a function's body.

use super::flush::Flushing;
use super::invocation::{End, Invocation, UnderWay};
use super::service::said;
use super::watchdog;
use futures_util::FutureExt;
use lambda_runtime::LambdaEvent;
use spanbridge::ContextExt;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

/// The body of a handler, before it runs.
#[derive(Debug)]
pub struct Annotated(Whose);

/// Whose the invocation is.
#[derive(Debug)]
enum Whose {
    /// Somebody else tells how it ends, and the body runs in it already.
    Observed,
    /// Our layer's, which has to be told.
    Layer(Arc<Invocation>),
    /// There is no layer of ours: it begins and ends here.
    Own(UnderWay),
}

/// Of the event that a handler was called with.
pub fn handling<T>(event: &LambdaEvent<T>) -> Annotated {
    Annotated(match watchdog::find(&event.context.request_id) {
        Some(invocation) if invocation.claim() => Whose::Layer(invocation),
        Some(_) => Whose::Observed,
        None => {
            super::set_up();
            let own = Invocation::begin_without_event(&event.context);
            own.claim();
            Whose::Own(own)
        }
    })
}

impl Annotated {
    /// Runs the body.
    pub async fn run<T>(
        self,
        body: impl Future<Output = T>,
        judge: impl for<'a> FnOnce(&'a T) -> Option<&'a dyn Display>,
    ) -> T {
        match self.0 {
            Whose::Observed => body.await,
            Whose::Layer(invocation) => tell(&invocation, body, judge).await,
            Whose::Own(own) => {
                let result = AssertUnwindSafe(tell(&own, body, judge)).catch_unwind().await;
                // The answer has to wait, of a panic, too: nobody is called after it.
                Flushing::begin(own.context(), own.deadline.as_ref()).await;
                result.unwrap_or_else(|panic| resume_unwind(panic))
            }
        }
    }
}

async fn tell<T>(
    invocation: &Arc<Invocation>,
    body: impl Future<Output = T>,
    judge: impl for<'a> FnOnce(&'a T) -> Option<&'a dyn Display>,
) -> T {
    let mut body = pin!(body.in_context(invocation.context().clone()));
    let value = poll_fn(|cx| {
        catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))).unwrap_or_else(|panic| {
            invocation.end(&End::Panicked(said(&*panic)));
            resume_unwind(panic)
        })
    })
    .await;
    // Telling an error's text is the application's code.
    let text = catch_unwind(AssertUnwindSafe(|| judge(&value).map(|error| error.to_string())));
    match text.unwrap_or_else(|_| Some(String::new())) {
        None => invocation.end(&End::Ok),
        Some(message) => invocation.end(&End::Failed { message, kind: error_type::<T>().to_owned() }),
    }
    value
}

/// The type of the error in a result, as far as its name says.
fn error_type<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let error = name.strip_prefix("core::result::Result<").and_then(|rest| rest.strip_suffix('>'));
    error.and_then(last_argument).unwrap_or(name)
}

/// What stands behind the last comma that is in no brackets.
fn last_argument(arguments: &str) -> Option<&str> {
    let mut depth = 0;
    let comma = arguments.bytes().rposition(|b| {
        match b {
            b'>' | b')' | b']' => depth += 1,
            b'<' | b'(' | b'[' => depth -= 1,
            _ => {}
        }
        b == b',' && depth == 0
    });
    comma.map(|at| arguments[at + 1..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_result_is_named() {
        type Error = Box<dyn std::error::Error + Send + Sync>;
        let boxed = "alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>";
        assert_eq!(error_type::<Result<Vec<(u8, u16)>, Error>>(), boxed);
        assert_eq!(error_type::<Result<(), std::fmt::Error>>(), "core::fmt::Error");
        assert_eq!(error_type::<Result<(), Result<u8, u16>>>(), "core::result::Result<u8, u16>");
    }
}
