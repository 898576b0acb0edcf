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
//! let n = observe::span("delegate").primitive(Primitive::DELEGATE_INVOKE).attribute("delegate.id", 7).run(call(n)).await?;
//!
//! // held: it ends where you say
//! let span = observe::span("my-stream").open();
//! span.with_context(stream_work()).await;
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

pub use crate::current::{bind, context as capture_context, in_scope};
pub use crate::span::{
    ActiveSpan, Artifact, EdgeType, InSpan, Run, RunBuilder, Span, SpanBuilder, Target, active_span, run,
    run_with_span, span,
};

#[doc(hidden)]
pub use crate::span::{Stopped, run_value_with_span, span_with_id};

use crate::current::WithContext;
use crate::{Context, Value};

/// A future, stream or sink whose every poll has `context` as the current one: context only, it records nothing itself.
pub fn with_context<T>(context: Context, inner: T) -> WithContext<T> {
    WithContext::new(context, inner)
}

/// Records that something happened now, on the current span if there is one.
pub fn event(name: &str, attributes: &[(&'static str, Value<'_>)]) {
    if let Some(span) = active_span() {
        span.event(name, attributes)
    }
}
