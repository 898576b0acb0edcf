//! One consistent state of the index and of what is not folded.

mod changing;
mod follow;
mod ids;
mod list;
mod members;
mod operations;
mod records;
mod rows;
mod streams;
mod together;
mod unsettled;
mod wanted;

use super::block::Packer;
use super::changed;
use super::handle::Index;
use super::logs::watermarks;
use super::names::Names;
use super::records::BlockReader;
use super::unsettled::SettlesOthers;
use super::view::View;
use crate::engine::{Cursor, Damaged, EachBatch, EachRun, Engine, IdMatches, IdPrefix, Mention, Order, Snapshot};
use crate::runs::{RunFilter, RunRow};
use crate::{Error, ErrorKind, Result};
use rusqlite::Transaction;

use spanbridge::RunId;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A read transaction, and the frames that are not folded in it.
pub(super) struct IndexSnapshot<'i> {
    transaction: Transaction<'i>,
    index: &'i Index,
    view: std::cell::Ref<'i, View>,
    names: &'i RefCell<Names>,
    packer: &'i RefCell<Packer>,
    reader: &'i RefCell<BlockReader>,
    damaged: RefCell<BTreeSet<Damaged>>,
    /// In nanoseconds since the Unix epoch: messages without a settlement are failed work from some time on.
    now: u64,
    settles_others: OnceCell<SettlesOthers>,
}

impl Engine for Index {
    /// First the logs are read, then the index: so what is folded meanwhile is in one of the two, and what is in both is known by
    /// the watermarks.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let before = watermarks(&self.connection)?;
        let is_new = self.tails.borrow_mut().read(&self.directory, &before)?;
        let transaction = self.connection.unchecked_transaction()?;
        let passed = watermarks(&transaction)?;
        // Otherwise logs are missing that were folded into another.
        self.assert_in_place()?;
        self.assert_unchanged()?;
        // Whoever prunes writes blocks again under their numbers.
        let version = transaction.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version.replace(version) != version {
            self.reader.borrow_mut().forget();
            let mut view = self.view.borrow_mut();
            view.members.take();
            view.mended.get_mut().clear();
        }
        let mut view = self.view.borrow_mut();
        let is_stale = self.is_stale.replace(true);
        if is_stale || self.seen.take() != passed {
            *view = View::default();
        }
        if is_new || view.ends.is_empty() {
            let frames = self.tails.borrow().frames(&passed, &view.ends);
            view.extend(&transaction, frames)?;
        }
        let now = (self.clock)();
        if view.members.get().is_some_and(|members| members.until <= now) {
            view.members.take();
        }
        drop(view);
        self.is_stale.set(false);
        self.seen.replace(passed.clone());
        let view = self.view.borrow();
        let mut damaged: BTreeSet<Damaged> = view.damaged.iter().cloned().collect();
        damaged.extend(self.tails.borrow().damaged(&passed));
        let damaged = RefCell::new(damaged);
        let (names, packer, reader) = (&self.names, &self.packer, &self.reader);
        let settles_others = OnceCell::new();
        Ok(Box::new(IndexSnapshot {
            transaction,
            index: self,
            view,
            names,
            packer,
            reader,
            damaged,
            now,
            settles_others,
        }))
    }
}

impl IndexSnapshot<'_> {
    /// Notes what was never folded: whoever asks for all runs or records is told. Nobody knows which runs it is about.
    fn tell_losses(&self) -> Result<()> {
        self.damaged.borrow_mut().extend(super::fold::lost::losses(&self.transaction)?);
        Ok(())
    }

    /// What is damaged is left out, and noted.
    fn skip_damaged<T>(&self, part: impl FnOnce() -> String, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.kind() == ErrorKind::Corrupt && !is_by_sqlite(&e) => {
                self.damaged.borrow_mut().insert(Damaged::new(part(), e.to_string()));
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }
}

/// SQLite cannot read the file, so nothing can be skipped.
fn is_by_sqlite(error: &Error) -> bool {
    let by_sqlite = error.cause().and_then(|e| e.downcast_ref::<rusqlite::Error>());
    by_sqlite.is_some_and(|e| e.sqlite_error_code().is_some())
}

impl Snapshot for IndexSnapshot<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.records_of(run_ids, each)
    }

    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.pieces_of(run_ids, each)
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        self.size_of(run_id)
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        self.loose(during, each)
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.tell_losses()?;
        self.list(filter, limit)
    }

    fn operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.tell_losses()?;
        self.list_operations(filter, limit)
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        let found = run_ids.iter().collect::<BTreeSet<_>>().into_iter().map(|run| self.row(*run));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        self.started_during(during, order, limit)
    }

    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        self.matches(prefix, limit)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        self.mentions_of(mention, ids)
    }

    fn changed_by(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        self.runs_changing(rows)
    }

    fn changed_by_unknown(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        self.loose_changing(rows, each)
    }

    fn changes_forgotten(&self) -> Result<Option<u64>> {
        changed::forgotten(&self.transaction)
    }

    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        let mut query = self.transaction.prepare_cached("SELECT 1 FROM pruned WHERE id = ?")?;
        let mut found = Vec::new();
        for run in run_ids {
            if query.exists([run.get().to_be_bytes()])? && self.row(*run)?.is_none() {
                found.push(*run);
            }
        }
        Ok(found)
    }

    fn end(&self) -> Result<Cursor> {
        self.end_cursor()
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        self.tell_losses()?;
        self.follow_from(after, each)
    }

    fn damaged(&self) -> Vec<Damaged> {
        self.damaged.borrow().iter().cloned().collect()
    }
}
