//! The questions, each written once over a [`Snapshot`](crate::engine::Snapshot).

pub(crate) mod descendants;
pub(crate) mod diff;
pub(crate) mod find;
pub(crate) mod gaps;
mod good;
pub(crate) mod graph;
mod linked;
pub(crate) mod list;
mod pruned;
mod reach;
mod summaries;
pub(crate) mod why;
