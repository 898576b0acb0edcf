//! Answers calls instead of the outside: what a replay is made of.
//!
//! A recorder has at most one [`StandIn`] (`RecorderBuilder::stand_in`). Adapters [`ask`] it before a call leaves the process. It hangs on
//! the recorder and is found by the context of the call's span, so replays run side by side in one process. A recorder without
//! one costs a span nothing, and a call one branch: a context says in its pointer whether it is recorded and nobody stands in.

mod ask;
mod call;
mod recorded;
mod reply;

pub(crate) use ask::began;
pub use ask::{ask, ask_here, stands_in};
pub use call::OutboundCall;
pub use recorded::{Recorded, RecordedArtifact, RecordedError};
pub use reply::{Refused, Reply};

use crate::{Primitive, SpanId};

/// Answers calls instead of the outside: a replay.
///
/// Both functions are called on threads of the application, with nothing current of the recorder and no lock held. What they
/// do is not recorded, and calls that they make are not asked about. A panic in `began` is ignored, one in `call` refuses the call.
pub trait StandIn: Send + Sync + 'static {
    /// A span has begun: any span of this recorder. Called on the thread that begins it, before anything inside it runs.
    fn began(&self, span: &BegunSpan<'_>);

    /// A call is about to leave the process.
    fn call(&self, call: &OutboundCall<'_>) -> Reply;
}

/// A span that has begun, for [`StandIn::began`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BegunSpan<'a> {
    /// Its id.
    pub id: SpanId,
    /// Its parent. `None` for a span that has none in its run.
    pub parent: Option<SpanId>,
    /// Its name.
    pub name: &'a str,
    /// What kind of step it is.
    pub primitive: Primitive,
}
