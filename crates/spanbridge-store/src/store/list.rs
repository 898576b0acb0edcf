//! The list of runs.

use super::answer::{RunFilter, RunRow};
use super::snapshot::{Snapshot, Sum};
use crate::delivery::Verdict;
use crate::error::Result;
use crate::graph::{Outline, RunStatus, RunSummary};
use spanbridge::RunId;
use std::collections::BinaryHeap;

pub(super) fn runs(snapshot: &Snapshot<'_>, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
    let sums = snapshot.sums(|_| true)?;
    // Status comes last and lazily: it may take a look at the records.
    let passing = sums.iter().filter(|(_, sum)| passes(filter, sum));
    let mut newest: BinaryHeap<(u64, RunId)> = passing.map(|(run, sum)| (sum.started_at(), *run)).collect();
    let mut rows = Vec::new();
    while rows.len() < limit
        && let Some((started_at, run_id)) = newest.pop()
    {
        let Some(sum) = sums.get(&run_id) else { continue };
        if filter.status.is_some_and(|wanted| excludes(sum.verdict(), wanted)) {
            continue;
        }
        let status = status(snapshot, run_id, sum)?;
        if filter.status.is_some_and(|wanted| wanted != status) {
            continue;
        }
        let mut services: Vec<String> = sum.services.iter().map(|s| s.to_string()).collect();
        services.sort_unstable();
        rows.push(RunRow {
            run_id,
            name: name(sum).to_owned(),
            status,
            services,
            spans: sum.started.max(sum.ended),
            errors: sum.failed,
            started_at,
            ended_at: sum.ended_at(),
        });
    }
    Ok(rows)
}

/// Runs in a line each, by start. Those of which nothing is known are left out.
pub(super) fn summaries(snapshot: &Snapshot<'_>, run_ids: &[RunId]) -> Result<Vec<RunSummary>> {
    if run_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut summaries = Vec::new();
    for (run_id, sum) in snapshot.sums(|run| run_ids.contains(&run))? {
        let (name, started_at) = (name(&sum).to_owned(), sum.started_at());
        summaries.push(RunSummary { run_id, name, started_at, status: status(snapshot, run_id, &sum)? });
    }
    summaries.sort_by_key(|s| (s.started_at, s.run_id));
    Ok(summaries)
}

fn name(sum: &Sum) -> &str {
    sum.name.as_ref().map_or("", |n| &n.name)
}

fn passes(filter: &RunFilter, sum: &Sum) -> bool {
    filter.since.is_none_or(|since| sum.started_at() >= since)
        && filter.name.as_deref().is_none_or(|part| name(sum).contains(part))
        && filter.service.as_deref().is_none_or(|service| sum.services.iter().any(|s| **s == *service))
}

/// Whether the sums alone tell that the status is another.
fn excludes(verdict: Verdict, wanted: RunStatus) -> bool {
    matches!(verdict, Verdict::Is(status) if status != wanted)
}

fn status(snapshot: &Snapshot<'_>, run_id: RunId, sum: &Sum) -> Result<RunStatus> {
    match sum.verdict() {
        Verdict::Is(status) => Ok(status),
        Verdict::Look => {
            let stored = snapshot.run(run_id)?;
            let records = stored.records()?;
            Ok(Outline::of(run_id, &records).status(&records))
        }
    }
}
