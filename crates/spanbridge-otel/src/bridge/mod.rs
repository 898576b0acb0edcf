//! The context bridge: a team keeps its tracer, and takes only our transports.
//!
//! Say once, before the first message, whose current context counts:
//!
//! ```
//! # #[cfg(feature = "opentelemetry_0_33")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge_otel::bridge::Bridge;
//!
//! Bridge::new().opentelemetry_0_33().install()?;
//! # Ok(()) }
//! # #[cfg(not(feature = "opentelemetry_0_33"))]
//! # fn main() {}
//! ```
//!
//! From then on, every adapter (`spanbridge-amqp`, `-kafka`, `-lambda`, `-http`) sends *their* current span with each message:
//! trace id, span id, flags, `tracestate` and baggage. While the work on a message runs, the sender's span and baggage are
//! current *there*, in each poll of a future on whichever thread, and in calls. No recorder of ours is needed.
//!
//! # Which library
//!
//! | method | for |
//! |---|---|
//! | [`opentelemetry_0_33`](Bridge::opentelemetry_0_33), `_0_32`, `_0_31` | the API of this version, by hand or through `tracing-opentelemetry` (0.34 is for 0.33, 0.33 for 0.32) |
//! | [`fastrace`](Bridge::fastrace) | fastrace's local parent |
//! | [`source`](Bridge::source) | a library of your choice |
//!
//! Name all that are in the program. Two versions of OpenTelemetry's API know nothing of each other; what is restored is
//! current in all of them, so a trace stays whole. If several have begun a span, the first one that you named counts.
//!
//! `tracing-opentelemetry` has to activate contexts, which it does by default (`with_context_activation`): then a `tracing` span
//! in a handler is a child of the sender's span, even inside of a `tracing` span around the consumer.
//!
//! # With a recorder of ours
//!
//! It is one trace. A message that is sent hangs under their current span, if that is inside of what is current here, else
//! under ours; so does what begins where nothing of ours is current. If the process span of a message is recorded, their spans
//! in the handler hang under it. A span that you open with `observe` in a handler is not made current there: their spans
//! inside of it hang under the process span.
//!
//! # What does not apply without one
//!
//! - [`Relation::NewRun`](spanbridge::messaging::Relation::NewRun): there is no run, so it is the same as `Parent`.
//! - [`Relation::Link`](spanbridge::messaging::Relation::Link): no span is current in the handler, and their first span begins a
//!   trace; it has the baggage. The link is yours to add: `job.context()` has the sender's span.
//! - [`Trust::IdsOnly`](spanbridge::messaging::Trust::IdsOnly) drops the baggage. Your sampler decides what becomes of the
//!   sampled flag. [`Trust::Ignore`](spanbridge::messaging::Trust::Ignore) restores nothing.
//! - A batch has no span and many senders: it keeps what is current there. The work on each of its messages does not.
//! - Capture and attributes: nothing is recorded.
//!
//! # fastrace
//!
//! fastrace has no remote context, so the work on a message is in a root span of the name that you give, with the sender as its
//! parent. It ends with the work, and each poll has it as the local parent. What came without a context begins a trace. fastrace
//! knows of no `tracestate`, baggage or other flags than *sampled*: in a handler they are passed on all the same.

#[cfg(feature = "fastrace")]
mod fastrace;
#[cfg(any(feature = "opentelemetry_0_31", feature = "opentelemetry_0_32", feature = "opentelemetry_0_33"))]
mod opentelemetry;

pub use spanbridge::adapter::SourcesInstalled;

use spanbridge::adapter::{ContextSource, install_sources};
use std::fmt;

/// The libraries whose current context counts. See the [module](self).
#[derive(Default)]
#[must_use = "nothing is bridged before `install`"]
pub struct Bridge {
    sources: Vec<Box<dyn ContextSource>>,
}

impl Bridge {
    /// None.
    pub fn new() -> Self {
        Bridge::default()
    }

    /// OpenTelemetry's API 0.33.
    #[cfg(feature = "opentelemetry_0_33")]
    pub fn opentelemetry_0_33(self) -> Self {
        self.source(opentelemetry::v0_33::Source)
    }

    /// OpenTelemetry's API 0.32.
    #[cfg(feature = "opentelemetry_0_32")]
    pub fn opentelemetry_0_32(self) -> Self {
        self.source(opentelemetry::v0_32::Source)
    }

    /// OpenTelemetry's API 0.31.
    #[cfg(feature = "opentelemetry_0_31")]
    pub fn opentelemetry_0_31(self) -> Self {
        self.source(opentelemetry::v0_31::Source)
    }

    /// fastrace. The work on a message is in a root span of this name.
    #[cfg(feature = "fastrace")]
    pub fn fastrace(self, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        self.source(fastrace::Source { name: name.into() })
    }

    /// Another library.
    pub fn source(mut self, source: impl ContextSource + 'static) -> Self {
        self.sources.push(Box::new(source));
        self
    }

    /// Has them count, for the rest of this process.
    ///
    /// # Errors
    /// A bridge is installed already, and stays.
    pub fn install(self) -> Result<(), SourcesInstalled> {
        install_sources(self.sources)
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}
