//! What a graph is built from.

use crate::outline::Outline;
use spanbridge::RunId;
use spanbridge::record::{Body, Record};

/// The records of a run, and their outline.
pub(super) struct Input<'r, 'a> {
    pub(super) run_id: RunId,
    pub(super) records: &'r [Record<'a>],
    pub(super) outline: &'r Outline,
}

impl<'r, 'a> Input<'r, 'a> {
    /// The body of the record at this place.
    pub(super) fn body(&self, place: usize) -> &'r Body<'a> {
        &self.records[place].body
    }
}
