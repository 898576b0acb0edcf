//! How two runs differ.

use super::good;
use super::reach::Reach;
use crate::Result;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions};

/// How the right run differs from the left one. `None` if one of them has no records.
pub(crate) fn diff(snapshot: &dyn Snapshot, left: RunId, right: RunId, options: &DiffOptions) -> Result<Option<Diff>> {
    let (left, right) = (Reach::of(snapshot, &[left])?, Reach::of(snapshot, &[right])?);
    Ok(Diff::of(&left.graphs, &right.graphs, options))
}

/// The last good run of the same kind as this one.
pub(crate) fn last_good(snapshot: &dyn Snapshot, run_id: RunId) -> Result<Option<RunId>> {
    let reach = Reach::of(snapshot, &[run_id])?;
    let Some(graph) = reach.graphs.first() else { return Ok(None) };
    Ok(good::last_good(snapshot, graph)?.map(|(run, _)| run))
}
