//! The list of runs.

use crate::Result;
use crate::answer::{RunFilter, RunRow};
use crate::snapshot::Snapshot;
use crate::summary::{RunLine, name};
use crate::totals::{Totals, totals};
use spanbridge::RunId;
use spanbridge_store::delivery::StatusFromTotals;
use std::collections::BinaryHeap;

/// The runs that match the filter, newest first, at most `limit` of them.
pub(crate) fn runs(snapshot: &Snapshot<'_>, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
    let totals = totals(snapshot, None)?;
    // The status is checked last, because it may need the records.
    let passing = totals.iter().filter(|(_, run)| matches_filter(filter, run));
    let mut newest: BinaryHeap<(u64, RunId)> = passing.map(|(id, run)| (run.started_at(), *id)).collect();
    let mut rows = Vec::new();
    while rows.len() < limit
        && let Some((_, run_id)) = newest.pop()
    {
        let Some(run) = totals.get(&run_id) else { continue };
        let excluded = |status| filter.status.is_some_and(|wanted| wanted != status);
        if matches!(run.status(), StatusFromTotals::Known(status) if excluded(status)) {
            continue;
        }
        let line = RunLine::of(snapshot, run_id, run)?;
        if excluded(line.status) {
            continue;
        }
        let mut services: Vec<String> = run.services.iter().map(|s| s.to_string()).collect();
        services.sort_unstable();
        rows.push(RunRow {
            run_id,
            name: line.name,
            status: line.status,
            services,
            spans: run.started.max(run.ended),
            errors: run.failed,
            started_at: line.started_at,
            ended_at: line.ended_at,
        });
    }
    Ok(rows)
}

fn matches_filter(filter: &RunFilter, run: &Totals) -> bool {
    filter.since.is_none_or(|since| run.started_at() >= since)
        && filter.name.as_deref().is_none_or(|part| name(run).contains(part))
        && filter.service.as_deref().is_none_or(|service| run.services.iter().any(|s| **s == *service))
}
