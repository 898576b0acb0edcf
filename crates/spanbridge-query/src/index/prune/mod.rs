//! Pruning: runs leave the index, and the space that they took is freed.
//!
//! Runs go in transactions of many, the oldest first. A transaction removes their rows, their records from the blocks, and what
//! they mention, so whatever dies when, a run is stored or pruned, and never half. What is left of a block is written in its
//! place, under its number. So the runs in it keep their pieces, and the table of span ids stays right.
//!
//! Of a pruned run that a stored one is connected with, the id is kept, so that a link to it is not taken for a gap.

mod connected;
mod options;
mod pages;
mod pruning;
mod remove;
mod select;

pub use options::{OPEN_GRACE, Prune, PruneReport};
