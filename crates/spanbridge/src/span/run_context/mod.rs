//! What a run needs to go on in another process, on another day: a value that can be stored anywhere.

mod any;
mod serde;

use crate::Context;
use crate::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use crate::{RunId, TraceId};
use any::Any;

#[cfg(feature = "json")]
use std::{fmt, str::FromStr};

/// A context as it is stored: in a database column, a message, a file, a checkpoint.
///
/// There are two kinds. [`Run::suspend`](crate::observe::Run::suspend), [`leave`](crate::observe::Run::leave) and
/// [`checkpoint`](crate::observe::Run::checkpoint) give one of a run that is yours, which
/// [`observe::resume_run`](crate::observe::resume_run) goes on with and may end. `RunContext::from(context)` gives one of
/// a mere [`Context`], which [`observe::with_context`](crate::observe::with_context) takes, as it takes the other.
///
/// # As text
///
/// `to_string()` and `parse()` (feature `json`) write and read one line of JSON, less than 200 bytes without baggage and
/// `tracestate` of others. With serde it is the same object in any format:
///
/// | field | what |
/// |---|---|
/// | `version` | 1 |
/// | `traceparent`, `tracestate`, `baggage` | as on the wire; `traceparent` and `tracestate` are absent where nobody recorded |
/// | `runId` | the run, where it is one that may be resumed and ended |
/// | `suspensionId` | the suspension that a resume is the end of |
/// | `legId` | who had resumed the run and saved this, so that who goes on is known to come after, whatever the clocks say |
///
/// # From release to release
///
/// What this release writes, later ones read. Fields that this release does not know are kept and written again, also
/// by the next [`suspend`](crate::observe::Run::suspend), in every format that spanbridge has written them in, those
/// that do not describe themselves included. A `version` that is higher than 1 means something else, and is refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunContext {
    /// The run in here is one that may be resumed and ended.
    pub(crate) owned: bool,
    pub(crate) parent: Option<TraceParent>,
    pub(crate) run: Option<RunId>,
    pub(crate) trace_state: TraceState,
    pub(crate) baggage: Baggage,
    /// What a resume is the end of, or 0.
    pub(crate) suspension: u64,
    /// The resumption of the run in which it was saved, or 0.
    pub(crate) resumption: u64,
    pub(crate) unknown: Unknown,
}

/// Fields of later releases.
pub(crate) type Unknown = Vec<(String, Any)>;

impl RunContext {
    /// The run. `None` where nobody recorded.
    pub fn run_id(&self) -> Option<RunId> {
        self.run.or(self.trace_id().map(RunId::of_trace))
    }

    /// The trace. `None` where nobody recorded.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.parent.map(|p| p.trace_id)
    }

    /// Whether the run was suspended, so that resuming it ends a suspension.
    pub fn is_suspended(&self) -> bool {
        self.suspension != 0
    }

    /// Whether there is no trace in it: where nobody recorded. Baggage may be in it all the same.
    pub fn is_empty(&self) -> bool {
        self.parent.is_none()
    }

    /// What goes on of the `traceparent`. A run that began with its trace began here, and release 0.1 said in the flags that
    /// its id is random: there are peers that drop a header with that flag.
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

/// As for a reference.
impl From<Context> for RunContext {
    fn from(context: Context) -> Self {
        Self::from(&context)
    }
}

/// As if it had arrived with a message; the recorder in effect decides whether it is recorded. Of an empty one: a context
/// under which nothing hangs under what is current.
impl From<RunContext> for Context {
    fn from(saved: RunContext) -> Self {
        match saved.parent() {
            Some(parent) => Context::remote(parent, saved.run, saved.trace_state, saved.baggage),
            None => Context::detached().with_baggage(saved.baggage),
        }
    }
}

/// A text that is not that of a [`RunContext`].
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
        Some(&self.0)
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
