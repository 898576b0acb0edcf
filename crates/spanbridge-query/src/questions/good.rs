//! The last run of the same kind in which nothing failed.

use super::reach::Reach;
use crate::Result;
use crate::engine::{Order, Snapshot};
use crate::runs::{RunFilter, RunRow};
use spanbridge::RunId;
use spanbridge_graph::{Graph, GraphLimit, RunStatus, Why};

/// How many runs of the same name are listed at once.
const MAX_LISTED: usize = 1_000;

/// If there are more of them that are newer, how many runs before the one that was asked about are looked at.
const MAX_BEFORE: usize = 20_000;

/// How many of them are looked at closely: a run that ended as ok may have caused work that failed.
const MAX_CHECKED: usize = 10;

/// The last good run of the same kind that began before this one, and its connected runs.
pub(super) fn last_good(snapshot: &dyn Snapshot, graph: &Graph, limit: &GraphLimit) -> Result<Option<(RunId, Reach)>> {
    let (name, service, _) = graph.kind();
    if name.is_empty() {
        return Ok(None);
    }
    let is_before = |row: &RunRow| {
        (row.started_at, row.run_id) < (graph.run.started_at, graph.run.run_id)
            && row.name == name
            && row.counts_as(RunStatus::Ok)
    };
    let filter = RunFilter::default().status(RunStatus::Ok).name(name).service(service);
    let newest = snapshot.runs(&filter, MAX_LISTED)?;
    let is_all = newest.len() < MAX_LISTED;
    let mut rows: Vec<RunRow> = newest.into_iter().filter(is_before).collect();
    if rows.is_empty() && !is_all {
        let before = snapshot.started(0..=graph.run.started_at, Order::NewestFirst, MAX_BEFORE)?;
        let before: Vec<RunId> = before.into_iter().map(|(_, run)| run).collect();
        rows = snapshot.rows(&before)?.into_iter().filter(is_before).collect();
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
    }
    for row in rows.into_iter().take(MAX_CHECKED) {
        let reach = Reach::of(snapshot, &[row.run_id], limit)?;
        let is_alike = reach.graphs.first().is_some_and(|other| other.kind() == graph.kind());
        if is_alike && Why::of(&reach.graphs, &[row.run_id]).is_some_and(|why| why.is_good()) {
            return Ok(Some((row.run_id, reach)));
        }
    }
    Ok(None)
}
