//! The harness, and what it measures.

pub(crate) mod allocations;
pub(crate) mod bench;
pub(crate) mod clock;
pub(crate) mod harness;
pub(crate) mod inactive;
pub(crate) mod ours;
pub(crate) mod polls;
pub(crate) mod sustained;
pub(crate) mod theirs;
pub(crate) mod threads;
pub(crate) mod worker;
