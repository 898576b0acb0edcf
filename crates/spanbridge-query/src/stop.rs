//! Ending a question whose answer nobody waits for any more.

use crate::engine::{Cursor, Damaged, EachBatch, EachRun, IdMatches, IdPrefix, Mention, Order, Snapshot};
use crate::{Error, ErrorKind, Result, RunFilter, RunRow};
use spanbridge::RunId;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

/// A snapshot that answers until it is told to stop. It looks at the beginning of each step, and between pieces of records.
pub(crate) struct Stoppable<'s> {
    pub(crate) snapshot: &'s dyn Snapshot,
    pub(crate) stop: &'s AtomicBool,
}

impl Stoppable<'_> {
    fn look(&self) -> Result<&dyn Snapshot> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Stopped, "the question was given up")),
            false => Ok(self.snapshot),
        }
    }
}

impl Snapshot for Stoppable<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.look()?.records(run_ids, &mut |run, records| self.look().and_then(|_| each(run, records)))
    }

    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.look()?.pieces(run_ids, &mut |run, records| self.look().and_then(|_| each(run, records)))
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        self.look()?.size(run_id)
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        self.look()?.records_of_no_run(during, &mut |records| self.look().and_then(|_| each(records)))
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.look()?.runs(filter, limit)
    }

    fn operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.look()?.operations(filter, limit)
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        self.look()?.rows(run_ids)
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        self.look()?.started(during, order, limit)
    }

    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        self.look()?.ids(prefix, limit)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        self.look()?.mentions(mention, ids)
    }

    fn changed_by(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        self.look()?.changed_by(rows)
    }

    fn changed_by_unknown(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        self.look()?.changed_by_unknown(rows, &mut |records| self.look().and_then(|_| each(records)))
    }

    fn changes_forgotten(&self) -> Result<Option<u64>> {
        self.look()?.changes_forgotten()
    }

    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        self.look()?.pruned(run_ids)
    }

    fn end(&self) -> Result<Cursor> {
        self.look()?.end()
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        self.look()?.follow(after, &mut |records| self.look().and_then(|_| each(records)))
    }

    fn damaged(&self) -> Vec<Damaged> {
        self.snapshot.damaged()
    }
}
