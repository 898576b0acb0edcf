//! Records that come too late: their run was removed, or would have been by now.

use super::batch::Batch;
use crate::error::Result;
use crate::row::near;
use crate::schema::{DAY, FIRST};
use crate::session::{Session, Uuid};
use spanbridge::record::Record;
use spanbridge_graph::{run_of, time_of};
use std::collections::BTreeSet;

/// What of a batch is late.
#[derive(Default)]
pub(super) struct Late {
    runs: BTreeSet<u128>,
    /// Records of no run from before this time.
    of_no_run: u64,
}

impl Late {
    /// What is late now. It stays so while the table `run` is locked as for an insert.
    pub(super) fn of(session: &Session<'_>, batch: &Batch<'_>) -> Result<Self> {
        let doing = "look for pruned runs";
        let query = "SELECT before - date '2000-01-01' FROM pruning";
        let Some(row) = session.query(doing, query, &[])?.into_iter().next() else { return Ok(Self::default()) };
        let before: i32 = row.try_get(0).map_err(|error| session.failed(doing, &error))?;
        let before = u64::try_from(i64::from(before) + i64::from(FIRST)).unwrap_or(0).saturating_mul(DAY);
        let ids: Vec<Uuid> = batch.of_runs().map(|run| Uuid(run.run)).collect();
        // Nothing is late of a run that is there.
        let old = batch.of_runs().filter(|run| run.has_time() && run.last_at() < near(before));
        let old: Vec<Uuid> = old.map(|run| Uuid(run.run)).collect();
        let query = "SELECT run FROM pruned WHERE run = ANY($1) UNION SELECT n FROM unnest($2::uuid[]) n \
                     WHERE NOT EXISTS (SELECT FROM run WHERE run.run = n)";
        let mut runs = BTreeSet::new();
        for row in session.query(doing, query, &[&ids, &old])? {
            runs.insert(row.try_get::<_, Uuid>(0).map_err(|error| session.failed(doing, &error))?.0);
        }
        Ok(Self { runs, of_no_run: before })
    }

    /// Whether nothing of this batch is.
    pub(super) fn is_empty_of(&self, batch: &Batch<'_>) -> bool {
        let of_no_run = batch.runs.iter().filter(|run| run.run == 0).flat_map(|run| &run.records);
        let mut times = of_no_run.filter_map(|record| record.encoded.time);
        self.runs.is_empty() && times.all(|time| time >= self.of_no_run)
    }

    /// Whether a record is.
    pub(super) fn has(&self, record: &Record<'_>) -> bool {
        match run_of(record) {
            Some(run) => self.runs.contains(&run.get()),
            None => time_of(record.view().body()).is_some_and(|time| time < self.of_no_run),
        }
    }
}
