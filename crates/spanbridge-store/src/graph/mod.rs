//! The run graph: what a reader of a run wants to know, and its JSON.
//!
//! Records come in any order and any number of times. `identity` recognises repeated and contradictory ones. `join` sorts the
//! rest by what they are about, and `lifecycle` those about the run itself. `tree` orders the spans. `outline` has the name
//! and the status of the run. `build` fills in the [model](Graph), `derive` adds what no single process knows, and `json`
//! writes it. `gaps` says what is missing.
//!
//! This module needs only records. It knows nothing of files, deliveries or the store.

mod build;
mod conflict;
mod derive;
mod gaps;
mod identity;
mod index;
mod join;
mod json;
mod lifecycle;
mod message;
mod model;
mod outline;
mod record;
mod tree;
mod values;

pub(crate) use derive::edges_between;
pub use gaps::{Checkup, Gap, GapKind};
pub use model::{
    Artifact, Diagnostic, Edge, Event, Graph, Link, LinkDirection, LinkedRun, Run, RunStatus, RunSummary, Segment,
    Span, SpanStatus, Suspension, Trigger,
};
pub(crate) use outline::Outline;
pub(crate) use record::{links_of, run_of, span_of, time_of};
