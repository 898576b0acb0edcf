//! What `#[handler]` makes of a function's body.

use super::flush::Flushing;
use super::invocation::{End, Invocation};
use super::service::said;
use super::watchdog;
use spanbridge::ContextExt;
use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;

/// Runs the body of a handler that has the attribute: in the invocation that is under way, and telling how it ends if
/// nobody else does; where no layer of ours has begun one, in one that begins and ends here.
pub async fn handle<T>(
    context: &lambda_runtime::Context,
    body: impl Future<Output = T>,
    judge: impl for<'a> FnOnce(&'a T) -> Option<&'a dyn Display>,
) -> T {
    let Some(invocation) = watchdog::find(&context.request_id) else {
        watchdog::start();
        let under_way = Invocation::begin_without_event(context);
        let value = tell(&under_way, body, judge).await;
        // The answer has to wait: there is nobody who would be called after it.
        Flushing::begin(under_way.context(), under_way.deadline.as_ref()).await;
        return value;
    };
    if !invocation.claim() {
        return body.await;
    }
    tell(&invocation, body, judge).await
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
