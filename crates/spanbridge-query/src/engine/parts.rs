//! The runs that a run started.

use super::{Mention, Snapshot};
use crate::Result;
use crate::runs::RunRow;
use spanbridge::RunId;
use spanbridge_graph::hash::Set;

/// The runs that this one started, directly or through others.
pub(crate) fn parts(snapshot: &dyn Snapshot, first: RunId) -> Result<Vec<RunRow>> {
    let (mut found, mut seen) = (Vec::new(), Set::default());
    seen.insert(first);
    let mut level: Vec<u128> = vec![first.get()];
    while !level.is_empty() {
        let runs: Vec<RunId> = snapshot.mentions(Mention::Parent, &level)?.into_iter().map(|(_, run)| run).collect();
        let mut rows = snapshot.rows(&runs)?;
        // A run that names several parents is a part of one.
        let is_above =
            |row: &RunRow| row.parent_run_id.is_some_and(|parent| level.binary_search(&parent.get()).is_ok());
        rows.retain(|row| is_above(row) && seen.insert(row.run_id));
        level = rows.iter().map(|row| row.run_id.get()).collect();
        level.sort_unstable();
        found.extend(rows);
    }
    Ok(found)
}
