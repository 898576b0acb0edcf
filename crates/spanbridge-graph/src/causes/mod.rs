//! What caused what: the spans and runs of several graphs as one tree.
//!
//! A graph has one run and its tree of parents. The work of one operation goes on: into child runs, into traces that are only
//! linked, to a consumer in another service. Here each span stands below what caused it, wherever that was recorded, and the
//! edge says how the work got there and whether the cause waited for it. No clock is asked.
//!
//! `why` looks for failures in this tree, and `diff` compares two of them. What they look for does not belong here.

mod build;
mod hop;
mod links;
mod node;
mod order;

pub use hop::Hop;
pub(crate) use node::Causes;
