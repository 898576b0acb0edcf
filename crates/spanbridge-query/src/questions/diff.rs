//! How two runs differ.

use super::good;
use super::reach::Reach;
use crate::Result;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::{Diff, DiffOptions, GraphLimit};

/// How the right run differs from the left one. `None` if one of them has no records.
pub(crate) fn diff(
    snapshot: &dyn Snapshot,
    left: RunId,
    right: RunId,
    options: &DiffOptions,
    limit: &GraphLimit,
) -> Result<Option<Diff>> {
    let (left, right) = (Reach::of(snapshot, &[left], limit)?, Reach::of(snapshot, &[right], limit)?);
    let mut diff = Diff::of(&left.graphs, &right.graphs, options);
    if let Some(diff) = &mut diff {
        diff.notes.extend(left.summarised().chain(right.summarised()));
        diff.runs_not_read = left.left_out + right.left_out;
    }
    Ok(diff)
}

/// The last good run of the same kind as this one.
pub(crate) fn last_good(snapshot: &dyn Snapshot, run_id: RunId, limit: &GraphLimit) -> Result<Option<RunId>> {
    let reach = Reach::of(snapshot, &[run_id], limit)?;
    let Some(graph) = reach.graphs.first() else { return Ok(None) };
    Ok(good::last_good(snapshot, graph, limit)?.map(|(run, _)| run))
}
