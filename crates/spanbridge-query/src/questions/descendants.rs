//! The runs that a run started, and those that they started.

use super::summaries::summaries;
use crate::Result;
use crate::engine::{Mention, Snapshot};
use spanbridge::RunId;
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Graph, RunSummary};
use std::collections::BTreeMap;

/// The runs that a run started, directly or through others. See [`Store::descendants`](crate::Store::descendants).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Descendants {
    /// Their graphs, parents before children, siblings by start. Each knows the runs that it started itself, but nothing else of other
    /// runs.
    pub graphs: Vec<Graph>,
    /// How many more were found and left out, because there are too many or they are too large. What those started is not counted.
    pub left_out: usize,
}

/// The descendants of a run: at most this many runs, with about this many spans together.
pub(crate) fn descendants(
    snapshot: &dyn Snapshot,
    run_id: RunId,
    max_runs: usize,
    max_spans: u64,
) -> Result<Descendants> {
    let mut found = Descendants::default();
    // A run may be its own ancestor, by records of others.
    let mut seen: Set<RunId> = [run_id].into_iter().collect();
    let mut parents = vec![run_id];
    let mut spans = 0;
    while !parents.is_empty() {
        let ids: Vec<u128> = parents.iter().map(|run| run.get()).collect();
        let mut children: Vec<(RunId, RunId)> = Vec::new();
        for (parent, child) in snapshot.mentions(Mention::Parent, &ids)? {
            if let Some(parent) = RunId::new(parent).filter(|_| seen.insert(child)) {
                children.push((child, parent));
            }
        }
        let ids: Vec<RunId> = children.iter().map(|(child, _)| *child).collect();
        let sizes: BTreeMap<RunId, u64> = snapshot.rows(&ids)?.into_iter().map(|row| (row.run_id, row.spans)).collect();
        let mut chosen = Vec::new();
        let mut started: BTreeMap<RunId, Vec<RunSummary>> = BTreeMap::new();
        let parents_of: BTreeMap<RunId, RunId> = children.into_iter().collect();
        for summary in summaries(snapshot, &ids)? {
            let size = sizes.get(&summary.run_id).copied().unwrap_or(0);
            if found.graphs.len() + chosen.len() < max_runs && spans + size <= max_spans {
                spans += size;
                chosen.push(summary.run_id);
            } else {
                found.left_out += 1;
            }
            if let Some(parent) = parents_of.get(&summary.run_id) {
                started.entry(*parent).or_default().push(summary);
            }
        }
        for graph in &mut found.graphs {
            graph.child_runs.extend(started.remove(&graph.run.run_id).unwrap_or_default());
        }
        let mut graphs = BTreeMap::new();
        snapshot.records(&chosen, &mut |run, records| {
            graphs.insert(run, Graph::build(run, &records));
            Ok(())
        })?;
        found.graphs.extend(chosen.iter().filter_map(|run| graphs.remove(run)));
        parents = chosen;
    }
    Ok(found)
}
