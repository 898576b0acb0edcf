//! The list of operations, by the rows of all runs.

use super::recovered::{MAX_PARTS, ReadRuns, Recovered};
use crate::Result;
use crate::runs::{RunFilter, RunRow};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};

/// The first runs of the operations that match, of runs with these rows: the newest first, at most `limit`.
///
/// For engines that choose runs by themselves. Of an operation that is to be listed, all runs have to be among the rows. `read` is only
/// called for operations in which runs failed and others mended it.
pub fn operations(rows: Vec<RunRow>, filter: &RunFilter, limit: usize, read: &ReadRuns<'_>) -> Result<Vec<RunRow>> {
    let parents: Map<RunId, Option<RunId>> = rows.iter().map(|row| (row.run_id, row.parent_run_id)).collect();
    let mut known = Map::default();
    let roots: Vec<RunId> = rows.iter().map(|row| root(row.run_id, &parents, &mut known)).collect();
    let mut counts: Map<RunId, (u64, u64)> = Map::default();
    for (row, root) in rows.iter().zip(&roots).filter(|(row, root)| row.run_id != **root) {
        let (all, failed) = counts.entry(*root).or_default();
        *all += 1;
        *failed += u64::from(row.is_failure());
    }
    let mut failed: Map<RunId, Vec<&RunRow>> = Map::default();
    for (row, root) in rows.iter().zip(&roots) {
        if counts.get(root).is_some_and(|(all, failed)| *failed > 0 && *all <= MAX_PARTS) {
            failed.entry(*root).or_default().push(row);
        }
    }
    let mut recovered: Map<RunId, Recovered> = Map::default();
    for (root, rows) in failed {
        recovered.insert(root, Recovered::of(&rows, read)?);
    }
    let one = filter.of_one_run();
    let mut matching: Set<RunId> = Set::default();
    for (row, root) in rows.iter().zip(&roots) {
        let is_mended = || row.run_id != *root && recovered.get(root).is_some_and(|r| r.runs.contains(&row.run_id));
        if one.matches(row) && !(filter.is_about_failures() && is_mended()) {
            matching.insert(*root);
        }
    }
    let mut found: Vec<RunRow> = rows.into_iter().filter(|row| matching.contains(&row.run_id)).collect();
    for row in &mut found {
        (row.descendants, row.failed_descendants) = counts.get(&row.run_id).copied().unwrap_or_default();
        if let Some(recovered) = recovered.get(&row.run_id) {
            recovered.tell(row);
        }
    }
    found.retain(|row| filter.matches_operation(row));
    found.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
    found.truncate(limit);
    Ok(found)
}

/// The first run of the operation of a run. Of runs that started each other in a circle, that is the one with the smallest id.
fn root(run: RunId, parents: &Map<RunId, Option<RunId>>, known: &mut Map<RunId, RunId>) -> RunId {
    let (mut path, mut seen) = (Vec::new(), Set::default());
    let mut next = run;
    let root = loop {
        if let Some(root) = known.get(&next) {
            break *root;
        }
        if !seen.insert(next) {
            break path.iter().copied().skip_while(|member| *member != next).min().unwrap_or(next);
        }
        path.push(next);
        match parents.get(&next).copied().flatten().filter(|parent| parents.contains_key(parent)) {
            Some(parent) => next = parent,
            None => break next,
        }
    };
    known.extend(path.into_iter().map(|member| (member, root)));
    root
}
