//! Other libraries that have a current context of their own, and which of them this process uses.

use super::Context;
use crate::w3c::{Baggage, TraceParent};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

/// Another library that has a current context, such as OpenTelemetry's API. See
/// [the module's documentation](crate::adapter#contexts-of-another-library).
///
/// Its methods are called on the application's threads, with no lock held. What they panic with is discarded: then the library
/// counts as one that has no context.
pub trait ContextSource: Send + Sync {
    /// What is current on this thread. `None` if there is neither a span nor baggage.
    fn current(&self) -> Option<SourceContext>;

    /// Prepares to make a context current: that of a received message, or of a span of ours. This is called once per message.
    ///
    /// A context [without a trace](Context::is_empty) may still have baggage. Inside, no span must be current, so that the work
    /// begins a trace of its own, whatever it is called from.
    fn scope(&self, context: &Context) -> Box<dyn SourceScope>;
}

/// A context that a [`ContextSource`] has prepared. It is dropped when the work has ended.
pub trait SourceScope: Send + Sync {
    /// Calls `f` once, on this thread, with the context current; then what was current before is so again. This is called for
    /// each call, and each poll of a future, on whichever thread. `f` does not panic.
    fn enter(&self, f: &mut dyn FnMut());

    /// The id of the span that is current inside, if it is another one than the context's: a span that the library has begun for
    /// the work. It has to be of the same trace.
    fn span_id(&self) -> Option<crate::SpanId> {
        None
    }
}

/// What is current in another library.
#[derive(Clone, Debug, Default)]
pub struct SourceContext {
    pub(crate) parent: Option<TraceParent>,
    pub(crate) trace_state: Option<String>,
    pub(crate) baggage: Option<Baggage>,
}

impl SourceContext {
    /// The current span, if there is one that is valid.
    pub fn new(span: Option<TraceParent>) -> Self {
        SourceContext { parent: span, trace_state: None, baggage: None }
    }

    /// The span's `tracestate`, as in the header. If it is not said, it is taken from our own context, if that is of the same
    /// trace.
    pub fn trace_state(self, text: impl Into<String>) -> Self {
        SourceContext { trace_state: Some(text.into()), ..self }
    }

    /// The baggage. If it is not said, or is what was made current there last, it is taken from our own context.
    pub fn baggage(self, baggage: Baggage) -> Self {
        SourceContext { baggage: Some(baggage), ..self }
    }
}

type Sources = AssertUnwindSafe<Box<[Box<dyn ContextSource>]>>;

static SOURCES: OnceLock<Sources> = OnceLock::new();

/// The sources of this process, in their order. If there are none, this is one atomic load.
#[inline(always)]
pub(crate) fn sources() -> Option<&'static [Box<dyn ContextSource>]> {
    SOURCES.get().map(|sources| &*sources.0)
}

/// Sets the libraries whose current context adapters send and restore, for the rest of this process. If several of them have a
/// current span, the first one that has begun it counts.
///
/// # Errors
/// Sources were set before; these are dropped.
pub fn install_sources(sources: Vec<Box<dyn ContextSource>>) -> Result<(), SourcesInstalled> {
    SOURCES.set(AssertUnwindSafe(sources.into())).map_err(|_| SourcesInstalled(()))
}

/// The process has [context sources](install_sources) already. The message follows "failed to …".
#[derive(Debug)]
pub struct SourcesInstalled(());

impl fmt::Display for SourcesInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("install context sources: this process has some already")
    }
}

impl std::error::Error for SourcesInstalled {}
