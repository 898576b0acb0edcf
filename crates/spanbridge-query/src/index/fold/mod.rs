//! Folding: what the logs have behind their watermarks goes into the index.
//!
//! One transaction takes frames of all files, up to a bounded number of spans, merges them by run, and moves the watermarks. So
//! each delivery is folded exactly once, whatever dies when. Whoever finds another folding leaves at once.

pub(super) mod blocks;
mod budget;
pub(super) mod heads;
pub(super) mod lost;
pub(super) mod merge;
mod pieces;
pub(super) mod rows;
pub(super) mod take;
mod tiers;

pub use budget::{FoldBudget, FoldReport};
