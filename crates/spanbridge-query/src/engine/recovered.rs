//! Which runs of an operation failed and are mended by a later attempt in another run.
//!
//! Rows say which runs can be attempts at one message: the same run started them, and they have the same name. Only if some of those
//! failed and others did not, their records are read.

use crate::Result;
use crate::runs::RunRow;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Graph, RunStatus, recovered_runs};
use std::collections::BTreeMap;

/// In operations with more parts, every run that failed counts.
pub(crate) const MAX_PARTS: u64 = 1000;

/// Runs of one name that the same run started are not read if they are more, or if they and that run have more spans.
const MAX_ATTEMPTS: usize = 100;
const MAX_SPANS: u64 = 10_000;

/// Reads the records of runs, as [`Snapshot::records`](super::Snapshot::records) does.
pub type ReadRuns<'r> = dyn Fn(&[RunId], &mut dyn FnMut(RunId, Vec<Record<'_>>) -> Result<()>) -> Result<()> + 'r;

/// What later attempts in other runs mended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) runs: Set<RunId>,
    messages: u64,
}

impl Recovered {
    /// Of the runs with these rows: the parts of an operation and its first run.
    pub(crate) fn of(rows: &[&RunRow], read: &ReadRuns<'_>) -> Result<Self> {
        let mut found = Self::default();
        let mut started: BTreeMap<(RunId, &str), Vec<&RunRow>> = BTreeMap::new();
        for row in rows {
            if let Some(parent) = row.parent_run_id {
                started.entry((parent, &row.name)).or_default().push(row);
            }
        }
        for ((parent, _), attempts) in started {
            let is_some = |which: &dyn Fn(&RunRow) -> bool| attempts.iter().any(|row| which(row));
            if attempts.len() > MAX_ATTEMPTS
                || !is_some(&RunRow::is_failure)
                || !is_some(&|row| row.counts_as(RunStatus::Ok))
            {
                continue;
            }
            let sender = rows.iter().copied().filter(|row| row.run_id == parent);
            let all: Vec<&RunRow> = attempts.into_iter().chain(sender).collect();
            if all.iter().map(|row| row.spans).sum::<u64>() > MAX_SPANS {
                continue;
            }
            let ids: Vec<RunId> = all.iter().map(|row| row.run_id).collect();
            let mut graphs = Vec::with_capacity(ids.len());
            read(&ids, &mut |run, records| {
                graphs.push(Graph::build(run, &records));
                Ok(())
            })?;
            let recovered = recovered_runs(&graphs.iter().collect::<Vec<_>>());
            found.runs.extend(recovered.runs);
            found.messages += recovered.messages;
        }
        Ok(found)
    }

    /// Takes them from the failures of the operation, in the row of its first run.
    pub(crate) fn tell(&self, first: &mut RunRow) {
        let parts = self.runs.iter().filter(|run| **run != first.run_id).count() as u64;
        first.failed_descendants = first.failed_descendants.saturating_sub(parts);
        first.add_recovered(self.messages);
    }
}
