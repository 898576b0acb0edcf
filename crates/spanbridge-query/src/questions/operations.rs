//! Which operations runs belong to.

use crate::Result;
use crate::engine::Snapshot;
use crate::runs::{RunFilter, RunRow};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};
use std::collections::BTreeSet;

/// The lines of the operations that these runs belong to, each once, in any order. Runs that are not stored are left out.
pub(crate) fn operations_of(snapshot: &dyn Snapshot, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
    let rows = with_parents(snapshot, run_ids)?;
    let firsts: BTreeSet<RunId> =
        run_ids.iter().filter(|run| rows.contains_key(run)).map(|run| first(*run, &rows)).collect();
    let mut found = Vec::with_capacity(firsts.len());
    for row in firsts.iter().filter_map(|run| rows.get(run)) {
        // In the list, it is the next one behind where it would be if its id were larger by one.
        let behind = RunId::new(row.run_id.get().saturating_add(1)).unwrap_or(row.run_id);
        let next = snapshot.operations(&RunFilter::default().before(row.started_at, behind), 1)?;
        found.extend(next.into_iter().filter(|next| next.run_id == row.run_id));
    }
    Ok(found)
}

/// The rows of these runs, and of all stored runs that started them, directly or through others.
fn with_parents(snapshot: &dyn Snapshot, run_ids: &[RunId]) -> Result<Map<RunId, RunRow>> {
    let mut rows: Map<RunId, RunRow> = Map::default();
    let mut wanted = run_ids.to_vec();
    while !wanted.is_empty() {
        let found = snapshot.rows(&wanted)?;
        let parents: BTreeSet<RunId> = found.iter().filter_map(|row| row.parent_run_id).collect();
        rows.extend(found.into_iter().map(|row| (row.run_id, row)));
        wanted = parents.into_iter().filter(|parent| !rows.contains_key(parent)).collect();
    }
    Ok(rows)
}

/// The first run of the operation of this one. Of runs that started each other in a circle, the one with the smallest id.
fn first(run: RunId, rows: &Map<RunId, RunRow>) -> RunId {
    let (mut path, mut seen, mut next) = (Vec::new(), Set::default(), run);
    while seen.insert(next) {
        path.push(next);
        let parent = rows.get(&next).and_then(|row| row.parent_run_id);
        match parent.filter(|parent| rows.contains_key(parent)) {
            Some(parent) => next = parent,
            None => return next,
        }
    }
    path.into_iter().skip_while(|member| *member != next).min().unwrap_or(next)
}
