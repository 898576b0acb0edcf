//! One consistent state of the file, for one question.
//!
//! A snapshot holds back the checkpoints of older releases that write, so it is kept no longer than the question takes.

use super::deliveries::Deliveries;
use super::places::{self, blocks_of, read_runs};
use super::row::{bad_block, bad_directory, blob};
use super::totals::{run_starts, totals};
use super::{ids, list, mentions};
use crate::engine::{Cursor, Damaged, EachBatch, EachRun, IdMatches, IdPrefix, Mention, Order, Snapshot};
use crate::runs::{RunFilter, RunRow};
use crate::{Error, Result};
use rusqlite::Row;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_store::codec::Block;
use spanbridge_store::delivery::{BlockList, RunIds};
use std::ops::RangeInclusive;

/// A read transaction.
pub(super) struct FileSnapshot<'c> {
    pub(super) deliveries: Deliveries<'c>,
}

impl Snapshot for FileSnapshot<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        places::records(&self.deliveries, run_ids, each)
    }

    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        places::pieces(&self.deliveries, run_ids, each)
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        let totals = totals(&self.deliveries, Some(&[run_id].into()))?;
        Ok(totals.get(&run_id).map_or(0, |run| run.started.max(run.ended)))
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        let mut found = Vec::new();
        let sql = "SELECT id, first_at, last_at, block_list, run_heads, run_tails FROM delivery ORDER BY id";
        self.deliveries.each(sql, [], |delivery, row| {
            let [first, last] = [row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64];
            if first > *during.end() || last < *during.start() {
                return Ok(());
            }
            let runs = RunIds::new(blob(row, 4)?, blob(row, 5)?).ok_or_else(bad_directory)?;
            if let Some(place) = runs.find(None) {
                let list = BlockList::read(blob(row, 3)?).ok_or_else(bad_directory)?;
                found.push((delivery, place, blocks_of(&list, place).ok_or_else(bad_directory)?));
            }
            Ok(())
        })?;
        for (delivery, place, blocks) in found {
            for block in blocks {
                let raw = self.deliveries.skip_damaged(delivery, self.deliveries.block(delivery, block))?;
                let Some(raw) = raw else { continue };
                let mut records = Vec::new();
                let wanted = |at| (at == place).then_some(None);
                let read = read_runs(&raw, place, wanted, |_, record| records.push(record));
                self.deliveries.skip_damaged(delivery, read.ok_or_else(bad_block))?;
                each(records)?;
            }
        }
        Ok(())
    }

    /// No release that wrote such files knew changed rows.
    fn changed_by(&self, _: &[u128]) -> Result<Vec<RunId>> {
        Ok(Vec::new())
    }

    fn changed_by_unknown(&self, _: &[u128], _: &mut EachBatch<'_>) -> Result<()> {
        Ok(())
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        list::runs(&self.deliveries, filter, limit)
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        list::rows(&self.deliveries, run_ids)
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let starts = run_starts(&self.deliveries)?;
        let all = starts.into_iter().map(|(run, start)| (start.started_at(), run));
        let mut found: Vec<(u64, RunId)> = all.filter(|(at, _)| during.contains(at)).collect();
        found.sort_unstable();
        if order == Order::NewestFirst {
            found.reverse();
        }
        found.truncate(limit);
        Ok(found)
    }

    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        ids::ids(&self.deliveries, prefix, limit)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        mentions::mentions(&self.deliveries, mention, ids)
    }

    fn end(&self) -> Result<Cursor> {
        let sql = "SELECT coalesce(max(id), 0) FROM delivery";
        let newest: i64 = self.deliveries.transaction.query_row(sql, [], |row| row.get(0))?;
        Ok(Cursor::from_bytes(newest.to_le_bytes()))
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let mut last = match after.as_bytes() {
            [] => 0,
            bytes => {
                i64::from_le_bytes(bytes.try_into().map_err(|_| Error::corrupt("the cursor is of another store"))?)
            }
        };
        let sql = "SELECT id, run_heads, run_tails, block_list FROM delivery WHERE id > ? ORDER BY id";
        self.deliveries.scan(sql, [last], |row| {
            let delivery = row.get(0)?;
            if delivery <= last {
                return Err(Error::corrupt("its deliveries are not in order"));
            }
            last = delivery;
            let directory = self.deliveries.skip_damaged(delivery, directory(row))?;
            directory.map_or(Ok(()), |(runs, blocks)| self.whole_delivery(delivery, runs, blocks, each))
        })
    }

    fn damaged(&self) -> Vec<Damaged> {
        self.deliveries.damaged()
    }
}

/// The runs of a delivery and the number of its blocks.
fn directory<'r>(row: &'r Row<'_>) -> Result<(RunIds<'r>, usize)> {
    let runs = RunIds::new(blob(row, 1)?, blob(row, 2)?).ok_or_else(bad_directory)?;
    Ok((runs, BlockList::read(blob(row, 3)?).ok_or_else(bad_directory)?.count()))
}

impl FileSnapshot<'_> {
    /// All records of a delivery. A damaged block is skipped.
    fn whole_delivery(&self, delivery: i64, runs: RunIds<'_>, blocks: usize, each: &mut EachBatch<'_>) -> Result<()> {
        for block in 0..blocks {
            let raw = self.deliveries.skip_damaged(delivery, self.deliveries.block(delivery, block))?;
            let Some(raw) = raw else { continue };
            let mut records = Vec::new();
            let read = read_all(&raw, runs, &mut records).ok_or_else(bad_block);
            self.deliveries.skip_damaged(delivery, read)?;
            each(records)?;
        }
        Ok(())
    }
}

fn read_all<'a>(raw: &'a [u8], runs: RunIds<'_>, records: &mut Vec<Record<'a>>) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()? {
        block.read(&part, runs.get(part.run)?, |record| records.push(record))?;
    }
    Some(())
}
