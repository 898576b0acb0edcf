//! The questions, each written once over a [`Snapshot`](crate::engine::Snapshot).

pub(crate) mod bounded;
pub(crate) mod changed_tables;
pub(crate) mod descendants;
pub(crate) mod diff;
pub(crate) mod find;
pub(crate) mod gaps;
mod good;
pub(crate) mod graph;
mod linked;
pub(crate) mod list;
pub(crate) mod operations;
mod other_writers;
mod pruned;
mod reach;
pub(crate) mod state;
mod summaries;
pub(crate) mod why;
