//! Saying what is happening: spans, runs and the context that is current.
//!
//! ```
//! use spanbridge::{Primitive, observe};
//!
//! # fn parse(text: &str) -> Result<u8, std::num::ParseIntError> { text.parse() }
//! # async fn call(n: u8) -> Result<u8, std::fmt::Error> { Ok(n) }
//! # async fn stream_work() {}
//! # async fn work() -> Result<(), Box<dyn std::error::Error>> {
//! // lexical, sync and async: the span ends by the result
//! let n = observe::span("parse").in_scope(|| parse("7"))?;
//! let n = observe::span("delegate").primitive(Primitive::DELEGATE_INVOKE).attribute("delegate.id", 7).run(|| call(n)).await?;
//!
//! // held: it ends where you say
//! let span = observe::span("my-stream").open();
//! span.with_context(stream_work).await;
//! span.end();
//!
//! // deep inside, without threading a parent through every function
//! if let Some(span) = observe::active_span() {
//!     let child = span.start_child("oracle.inference");
//!     child.attribute("tokens", 12);
//!     child.end();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A run may outlive its process. What [`Run::suspend`] gives can be stored as text, or with serde; any process goes on
//! with it, on any day, and whoever finishes says how it ended:
//!
//! ```
//! use spanbridge::observe;
//!
//! # async fn ask() {}
//! # async fn decide() {}
//! # #[cfg(feature = "json")]
//! # async fn work() -> Result<(), Box<dyn std::error::Error>> {
//! let run = observe::run("approval").open();
//! run.with_context(ask).await;
//! let saved = run.suspend("waiting for a person").to_string(); // keep it with your workflow's state
//!
//! let run = observe::resume_run(saved.parse()?);
//! run.with_context(decide).await;
//! run.end();
//! # Ok(())
//! # }
//! ```
//!
//! # What is current
//!
//! [`current_context`] is the context that a span, a run or a message begins under. There is one way to set it for each
//! thing:
//!
//! | for | write |
//! |---|---|
//! | a call | [`in_scope`] |
//! | async work | [`with_context`] |
//! | a future, stream or sink that exists already | [`in_context`](crate::ContextExt::in_context) |
//! | a closure that another thread calls | [`bind`] |
//!
//! Threads and spawned tasks do not inherit it: see [`bind`] and [`in_current_context`](crate::ContextExt::in_current_context),
//! and for tokio `spawn`, `spawn_blocking` and `spawn_local` in here (feature `tokio`).

pub use crate::current::{WithContext, bind, context as current_context, in_scope};
pub use crate::span::{
    ActiveSpan, Anything, By, ByOutcome, DisplayValue, EdgeType, InSpan, NewArtifact, Run, RunBuilder, Span,
    SpanBuilder, Target, active_span, display, end_run, resume_run, run, span,
};

#[cfg(all(feature = "tokio", not(loom)))]
pub use crate::span::{spawn, spawn_blocking, spawn_local};

use crate::{Context, Value};
use std::future::Future;

/// Calls `work` with `context` as the current one, and returns the future that it makes, whose every poll has it, too. It
/// records nothing itself. From a saved [`RunContext`](crate::RunContext) it takes the context; it neither resumes nor ends
/// the run.
///
/// A ready-made future does not compile here. For a future, stream or sink that exists already there is
/// [`in_context`](crate::ContextExt::in_context).
///
/// ```compile_fail,E0277
/// # use spanbridge::{Context, observe};
/// # async fn send() {}
/// # async fn relay(context: Context) {
/// observe::with_context(context, send()).await; // write `observe::with_context(context, || send())`
/// # }
/// ```
pub fn with_context<F, Fut>(context: impl Into<Context>, work: F) -> WithContext<Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    WithContext::made(context.into(), work)
}

/// Records that something happened now, on the current span if there is one.
pub fn event(name: &str, attributes: &[(&'static str, Value<'_>)]) {
    if let Some(span) = active_span() {
        span.event(name, attributes)
    }
}
