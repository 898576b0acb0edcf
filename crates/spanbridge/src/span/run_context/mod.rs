//! What a run needs to continue in another process: a value that can be stored anywhere.

mod any;
mod serde;

use crate::Context;
use crate::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use crate::{RunId, TraceId};
use any::Any;

#[cfg(feature = "json")]
use std::{fmt, str::FromStr};

/// A context that is saved: in a database column, a message, a file, a checkpoint.
///
/// There are two kinds:
///
/// - [`Run::suspend`](crate::observe::Run::suspend), [`leave`](crate::observe::Run::leave) and
///   [`checkpoint`](crate::observe::Run::checkpoint) save your run. [`observe::resume_run`](crate::observe::resume_run)
///   continues it, and can end it.
/// - `RunContext::from(context)` saves a [`Context`] only.
///
/// [`observe::with_context`](crate::observe::with_context) takes both.
///
/// # As text
///
/// `to_string()` and `parse()` (feature `json`) write and read one line of JSON, less than 200 bytes without baggage and
/// foreign `tracestate`. With serde it is the same object in any format:
///
/// | field | what |
/// |---|---|
/// | `version` | 1 |
/// | `traceparent`, `tracestate`, `baggage` | as on the wire; `traceparent` and `tracestate` are absent if nothing was recorded |
/// | `runId` | the run, if it can be resumed and ended |
/// | `suspensionId` | the suspension that a resume ends |
/// | `legId` | the resumption in which this was saved. It orders resumptions, whatever the clocks say |
///
/// # From release to release
///
/// Later releases read what this one writes. Fields that this release does not know are kept and written again, also by the
/// next [`suspend`](crate::observe::Run::suspend), in every format, including formats that do not describe themselves. A
/// `version` above 1 is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunContext {
    /// The run can be resumed and ended.
    pub(crate) owned: bool,
    pub(crate) parent: Option<TraceParent>,
    pub(crate) run: Option<RunId>,
    pub(crate) trace_state: TraceState,
    pub(crate) baggage: Baggage,
    /// The suspension that a resume ends, or 0.
    pub(crate) suspension: u64,
    /// The resumption of the run in which it was saved, or 0.
    pub(crate) resumption: u64,
    pub(crate) unknown: Unknown,
}

/// Fields of later releases.
pub(crate) type Unknown = Vec<(String, Any)>;

impl RunContext {
    /// The run. `None` if nothing was recorded.
    pub fn run_id(&self) -> Option<RunId> {
        self.run.or(self.trace_id().map(RunId::of_trace))
    }

    /// The trace. `None` if nothing was recorded.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.parent.map(|p| p.trace_id)
    }

    /// Whether the run was suspended, so that resuming it ends a suspension.
    pub fn is_suspended(&self) -> bool {
        self.suspension != 0
    }

    /// Whether it has no trace, because nothing was recorded. It can have baggage all the same.
    pub fn is_empty(&self) -> bool {
        self.parent.is_none()
    }

    /// The `traceparent` to continue with. A run that began with its trace began here, and release 0.1 set the flag for a random
    /// id: some peers drop a header with that flag.
    pub(crate) fn parent(&self) -> Option<TraceParent> {
        let began_here = |trace| self.owned && self.run == Some(RunId::of_trace(trace));
        self.parent.map(|p| if began_here(p.trace_id) { TraceParent { flags: p.flags & SAMPLED, ..p } } else { p })
    }
}

/// The context alone: it can neither resume nor end the run.
impl From<&Context> for RunContext {
    fn from(context: &Context) -> Self {
        RunContext {
            parent: context.trace_parent(),
            run: context.run_id(),
            trace_state: context.trace_state().clone(),
            baggage: context.baggage().clone(),
            ..Self::default()
        }
    }
}

/// As from a reference.
impl From<Context> for RunContext {
    fn from(context: Context) -> Self {
        Self::from(&context)
    }
}

/// As if it came with a message: the recorder in effect decides whether it is recorded. From an empty one: a context in which
/// nothing has the current span as its parent.
impl From<RunContext> for Context {
    fn from(saved: RunContext) -> Self {
        match saved.parent() {
            Some(parent) => Context::remote(parent, saved.run, saved.trace_state, saved.baggage),
            None => Context::detached().with_baggage(saved.baggage),
        }
    }
}

/// A text is not a saved [`RunContext`].
#[cfg(feature = "json")]
#[derive(Debug)]
pub struct ParseRunContextError(serde_json::Error);

#[cfg(feature = "json")]
impl fmt::Display for ParseRunContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read a run context: {}", self.0)
    }
}

#[cfg(feature = "json")]
impl std::error::Error for ParseRunContextError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source() // the cause itself is in our text
    }
}

/// One line of JSON.
#[cfg(feature = "json")]
impl fmt::Display for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// From JSON, as [`RunContext`]'s `to_string` writes it.
#[cfg(feature = "json")]
impl FromStr for RunContext {
    type Err = ParseRunContextError;

    fn from_str(text: &str) -> Result<Self, ParseRunContextError> {
        serde_json::from_str(text).map_err(ParseRunContextError)
    }
}
