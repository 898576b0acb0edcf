//! Other runs, in one line each.

use crate::Result;
use crate::engine::Snapshot;
use spanbridge::RunId;
use spanbridge_graph::RunSummary;

/// Summaries of these runs, by start. Runs that are not stored are left out.
pub(super) fn summaries(snapshot: &dyn Snapshot, run_ids: &[RunId]) -> Result<Vec<RunSummary>> {
    if run_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut summaries: Vec<RunSummary> = snapshot.rows(run_ids)?.iter().map(|row| row.summary()).collect();
    summaries.sort_by_key(|s| (s.started_at, s.run_id));
    Ok(summaries)
}
