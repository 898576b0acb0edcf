//! A run in one line.

use crate::Result;
use crate::snapshot::Snapshot;
use crate::totals::{Totals, totals};
use spanbridge::RunId;
use spanbridge_graph::{Outline, RunStatus, RunSummary};
use spanbridge_store::delivery::StatusFromTotals;

/// Summaries of these runs, by start. Unknown runs are left out.
pub(crate) fn summaries(snapshot: &Snapshot<'_>, run_ids: &[RunId]) -> Result<Vec<RunSummary>> {
    if run_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut summaries = Vec::new();
    for (run_id, run) in totals(snapshot, Some(&run_ids.iter().copied().collect()))? {
        let RunLine { name, status, started_at, .. } = RunLine::of(snapshot, run_id, &run)?;
        let mut summary = RunSummary::new(run_id, name, status, started_at);
        summary.errors = run.failed;
        summaries.push(summary);
    }
    summaries.sort_by_key(|s| (s.started_at, s.run_id));
    Ok(summaries)
}

/// The name of a run, by its totals.
pub(crate) fn name(run: &Totals) -> &str {
    run.name.as_ref().map_or("", |n| &n.name)
}

/// What one line says about a run: from its totals or, if those cannot tell, from its records.
pub(crate) struct RunLine {
    pub(crate) name: String,
    pub(crate) status: RunStatus,
    pub(crate) started_at: u64,
    pub(crate) ended_at: Option<u64>,
}

impl RunLine {
    pub(crate) fn of(snapshot: &Snapshot<'_>, run_id: RunId, run: &Totals) -> Result<Self> {
        if let StatusFromTotals::Known(status) = run.status() {
            let (started_at, ended_at) = (run.started_at(), run.ended_at());
            return Ok(Self { name: name(run).to_owned(), status, started_at, ended_at });
        }
        let stored = snapshot.run(run_id)?;
        let records = stored.records()?;
        if records.is_empty() {
            // They are damaged. The totals are all there is.
            let status = if run.failed > 0 { RunStatus::Error } else { RunStatus::Open };
            let (started_at, ended_at) = (run.started_at(), run.ended_at());
            return Ok(Self { name: name(run).to_owned(), status, started_at, ended_at });
        }
        let outline = Outline::of(run_id, &records);
        Ok(Self {
            name: outline.name(&records).to_owned(),
            status: outline.status(&records),
            started_at: outline.started_at(&records),
            ended_at: outline.ended_at(&records),
        })
    }
}
