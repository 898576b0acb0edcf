//! A run or a span, as the parts of this module see it.

use super::hop::Hop;
use crate::model::{Run, Span};

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// The end of what has none.
pub(super) const OPEN: u64 = u64::MAX;

/// A run or a span. Small, since there may be millions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Not before its cause, unless they contradict each other.
    pub(super) started_at: u64,
    /// [`OPEN`]: it has no end, or its end is before its start.
    pub(super) ended_at: u64,
    /// What caused it, or [`NONE`].
    pub(super) cause: u32,
    pub(super) hop: Hop,
    pub(super) standing: Standing,
    /// Whether it is not known when it worked itself, because clocks contradict each other.
    pub(super) is_unsure: bool,
}

/// Whether the times of a node can be compared with those of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// They can.
    Sound,
    /// They contradict those of its cause.
    Skewed,
    /// Something above it is skewed.
    BelowSkewed,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'g> {
    Run(&'g Run),
    Span(&'g Run, &'g Span),
}
