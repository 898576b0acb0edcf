//! The transactions of pruning.

use super::super::fold::{heads, lost};
use super::super::handle::Index;
use super::super::logs::unfolded_bytes;
use super::options::{Prune, PruneReport};
use super::pages::{self, used_bytes};
use super::select::{RUNS_AT_ONCE, Selection, Verdict};
use super::{connected, remove};
use crate::Result;
use std::time::Duration;

/// From how many blocks a transaction removes what was moved to others.
const DEAD_AT_ONCE: u32 = 1024;

impl Index {
    /// Removes runs. Says what it did after each transaction, and ends early if that answers `false`.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] if others kept the index locked, [`ErrorKind::Io`] if the directory cannot be written. What was pruned
    /// before stays so.
    pub(crate) fn prune(
        &self,
        prune: &Prune,
        now: u64,
        mut after_step: impl FnMut(&PruneReport) -> bool,
    ) -> Result<PruneReport> {
        self.place.assert_shared()?;
        let logs = unfolded_bytes(&self.connection, &self.directory)?;
        let used = used_bytes(&self.connection)?;
        let mut selection = Selection::new(&self.connection, prune, now, logs)?;
        let mut report = PruneReport::default();
        if prune.dry_run {
            selection.estimate(&self.connection, &mut report)?;
            report.bytes_left = (logs + used).saturating_sub(report.bytes);
            return Ok(report);
        }
        // A run may be pruned whose records were moved, and what was moved must not stay behind.
        while self.exclusively(|| remove::remove_dead(&self.connection, &mut self.packer.borrow_mut(), DEAD_AT_ONCE))? {
        }
        loop {
            let goes_on = self.exclusively(|| self.prune_once(&mut selection, &mut report))?;
            report.bytes = used.saturating_sub(used_bytes(&self.connection)?);
            if !after_step(&report) || !goes_on {
                break;
            }
        }
        if let Some(age) = prune.older_than {
            // What was lost among runs that are gone by now is of no interest.
            let before = Duration::from_nanos(now).saturating_sub(age).as_secs();
            self.exclusively(|| lost::forget(&self.connection, before))?;
        }
        if report.runs > 0 {
            self.exclusively(|| connected::forget(&self.connection))?;
            self.exclusively(|| heads::forget_missing_blocks(&self.connection))?;
        }
        pages::free(&self.connection)?;
        let left = used_bytes(&self.connection)?;
        report.bytes = used.saturating_sub(left);
        report.bytes_left = logs + left;
        Ok(report)
    }

    /// One transaction. Answers whether more may follow.
    fn prune_once(&self, selection: &mut Selection, report: &mut PruneReport) -> Result<bool> {
        let batch = selection.next(&self.connection, RUNS_AT_ONCE)?;
        for (verdict, count) in batch.kept {
            match verdict {
                Verdict::Failed => report.kept_failed += count,
                Verdict::Suspended => report.kept_suspended += count,
                Verdict::Open => report.kept_open += count,
                Verdict::Goes | Verdict::Young => {}
            }
        }
        report.runs += batch.runs.len() as u64;
        report.spans += batch.spans;
        remove::remove(&self.connection, &mut self.packer.borrow_mut(), &batch.runs, batch.loose_before)?;
        Ok(!batch.is_last)
    }

    /// Does this in a transaction of its own, once nobody else writes.
    fn exclusively<T>(&self, what: impl FnOnce() -> Result<T>) -> Result<T> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = self.assert_in_place().and_then(|()| what());
        self.reader.borrow_mut().forget();
        let ended = self.connection.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" });
        if ended.is_err() && !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        let done = done?;
        ended?;
        Ok(done)
    }
}
