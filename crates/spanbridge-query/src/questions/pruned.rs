//! Runs that a run was connected with and that are pruned.

use crate::Result;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Graph, PrunedRun, Relation};

/// Which of these runs, which are connected with the graph's, are pruned. Each comes with its first relation.
pub(super) fn pruned_runs(
    snapshot: &dyn Snapshot,
    graph: &Graph,
    connected: impl Iterator<Item = (RunId, Relation)>,
) -> Result<Vec<PrunedRun>> {
    let summaries = graph.child_runs.iter().chain(&graph.related_runs).chain(graph.linked_runs.iter().map(|l| &l.run));
    let mut known: Set<RunId> = summaries.map(|run| run.run_id).chain([graph.run.run_id]).collect();
    let parent = graph.run.parent_run_id.map(|run| (run, Relation::Parent));
    let missing: Vec<_> = parent.into_iter().chain(connected).filter(|(run, _)| known.insert(*run)).collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let pruned: Set<RunId> =
        snapshot.pruned(&missing.iter().map(|(run, _)| *run).collect::<Vec<_>>())?.into_iter().collect();
    let found = missing.into_iter().filter(|(run, _)| pruned.contains(run));
    Ok(found.map(|(run, relation)| PrunedRun::new(run, relation)).collect())
}
