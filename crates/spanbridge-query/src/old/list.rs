//! Rows of runs, from the totals of their deliveries or, if those cannot tell, from their records.

use super::deliveries::Deliveries;
use super::mentions::parents;
use super::places;
use super::totals::{Totals, totals};
use crate::Result;
use crate::large::{is_large, row_of};
use crate::runs::{RunFilter, RunRow};
use crate::search::has_text;
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_store::delivery::StatusFromTotals;
use std::collections::BinaryHeap;

/// The runs that match the filter, newest first, at most `limit` of them.
pub(super) fn runs(deliveries: &Deliveries<'_>, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
    let (totals, parents) = (totals(deliveries, None)?, parents(deliveries)?);
    let known = |run: &Totals| match run.status() {
        StatusFromTotals::Known(status) => Some(status),
        StatusFromTotals::NeedsRecords => None,
    };
    let passing = totals.iter().filter(|(id, run)| {
        filter.since.is_none_or(|since| run.started_at() >= since)
            && filter.name.as_deref().is_none_or(|part| has_text(name(run), part))
            && filter.service.as_deref().is_none_or(|service| run.services.iter().any(|s| **s == *service))
            && filter.before.is_none_or(|before| (run.started_at(), **id) < before)
            // The records have the last word, but most runs do not need them.
            && filter.status.is_none_or(|wanted| known(run).is_none_or(|status| status == wanted))
    });
    let mut newest: BinaryHeap<(u64, RunId)> = passing.map(|(id, run)| (run.started_at(), *id)).collect();
    let mut rows = Vec::new();
    while rows.len() < limit
        && let Some((_, run_id)) = newest.pop()
    {
        if let Some(run) = totals.get(&run_id) {
            let row = row(deliveries, run_id, run, parents.get(&run_id).copied())?;
            rows.extend(filter.matches(&row).then_some(row));
        }
    }
    Ok(rows)
}

/// The rows of these runs.
pub(super) fn rows(deliveries: &Deliveries<'_>, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
    if run_ids.is_empty() {
        return Ok(Vec::new());
    }
    let totals = totals(deliveries, Some(&run_ids.iter().copied().collect()))?;
    let parents = parents(deliveries)?;
    totals.iter().map(|(run_id, run)| row(deliveries, *run_id, run, parents.get(run_id).copied())).collect()
}

/// The name of a run, by its totals.
fn name(run: &Totals) -> &str {
    run.name.as_ref().map_or("", |n| &n.name)
}

fn row(deliveries: &Deliveries<'_>, run_id: RunId, run: &Totals, parent: Option<RunId>) -> Result<RunRow> {
    let mut row = RunRow::new(run_id, name(run), RunStatus::Open, run.started_at());
    row.services = run.services.iter().map(|s| s.to_string()).collect();
    row.services.sort_unstable();
    row.parent_run_id = parent;
    (row.spans, row.errors, row.ended_at) = (run.started.max(run.ended), run.failed, run.ended_at());
    match run.status() {
        StatusFromTotals::Known(status) => row.status = status,
        StatusFromTotals::NeedsRecords => {
            // If the records are damaged, the totals are all there is.
            row.status = if run.failed > 0 { RunStatus::Error } else { RunStatus::Open };
            if is_large(row.spans) {
                let found = row_of(run_id, |each| {
                    places::pieces(deliveries, &[run_id], &mut |_, records| {
                        each(&records);
                        Ok(())
                    })
                })?;
                return Ok(found.unwrap_or(row));
            }
            places::records(deliveries, &[run_id], &mut |_, records| {
                row = RunRow::of(run_id, &records);
                Ok(())
            })?;
        }
    }
    Ok(row)
}
