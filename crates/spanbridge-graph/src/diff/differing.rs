//! A difference that was found.

use super::matching::Pair;
use super::model::{Change, DifferenceKind};

/// A difference, by nodes.
pub(super) struct Differing {
    pub(super) kind: DifferenceKind,
    pub(super) pair: Pair,
    pub(super) changes: Vec<Change>,
    /// How many differences are like this one, with it.
    pub(super) count: usize,
}
