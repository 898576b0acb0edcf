//! One consistent state of the file, for one question.
//!
//! A snapshot holds back the checkpoints of every writer, so it is kept no longer than the question takes.

use crate::Result;
use crate::damage::Damage;
use crate::row::{bad_directory, blob, missing_block};
use crate::stored::{DeliveryBlocks, RunPlaces, StoredRecords};
use rusqlite::{OptionalExtension, Row, Transaction};
use spanbridge::RunId;
use spanbridge_store::codec::pack;
use spanbridge_store::delivery::{BlockList, RunIds, run_heads_hold};
use spanbridge_store::file::block_id;
use std::collections::BTreeSet;

/// A read transaction, and where to note damage.
pub(crate) struct Snapshot<'c> {
    pub(crate) transaction: Transaction<'c>,
    pub(crate) damage: &'c Damage,
}

/// Where one delivery has records of some runs.
#[derive(Debug)]
struct Places {
    delivery: i64,
    runs: RunPlaces,
    blocks: BTreeSet<usize>,
}

impl<'c> Snapshot<'c> {
    /// Calls `each` with every row of a query.
    pub(crate) fn scan(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut query = self.transaction.prepare_cached(sql)?;
        let mut rows = query.query(parameters)?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Calls `each` with every row of a query over deliveries, and with the id in its first column. Skips what is damaged.
    pub(crate) fn deliveries(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(i64, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.scan(sql, parameters, |row| {
            let delivery = row.get(0)?;
            self.damage.skip_damaged(delivery, each(delivery, row)).map(drop)
        })
    }

    /// The id of the newest delivery. 0 if there is none.
    pub(crate) fn newest(&self) -> Result<i64> {
        Ok(self.transaction.query_row("SELECT coalesce(max(id), 0) FROM delivery", [], |row| row.get(0))?)
    }

    /// Where the records of these runs are, in deliveries after this one. `None` stands for records without a run.
    fn places(&self, wanted: &[Option<RunId>], after: i64) -> Result<Vec<Places>> {
        let mut all = Vec::new();
        let sorted: BTreeSet<Option<RunId>> = wanted.iter().copied().collect();
        let sql = "SELECT id, block_list, run_heads, run_tails FROM delivery WHERE id > ?";
        self.deliveries(sql, [after], |delivery, row| {
            let heads = blob(row, 2)?;
            // Most deliveries have none of them. If few are wanted, the heads alone tell.
            let few = wanted.len() < heads.len() / 8;
            if few && !wanted.iter().any(|run| run_heads_hold(heads, *run)) {
                return Ok(());
            }
            let held = RunIds::new(heads, blob(row, 3)?).ok_or_else(bad_directory)?;
            let runs: Vec<_> = match few {
                true => wanted.iter().filter_map(|run| Some((held.find(*run)?, *run))).collect(),
                false => {
                    let all = (0..held.count()).filter_map(|place| Some((place, held.get(place)?)));
                    all.filter(|(_, run)| sorted.contains(run)).collect()
                }
            };
            if runs.is_empty() {
                return Ok(());
            }
            let list = BlockList::read(blob(row, 1)?).ok_or_else(bad_directory)?;
            let mut blocks = BTreeSet::new();
            for (place, _) in &runs {
                let mut holding = list.holding(*place).peekable();
                if holding.peek().is_none() {
                    return Err(bad_directory());
                }
                blocks.extend(holding);
            }
            all.push(Places { delivery, runs, blocks });
            Ok(())
        })?;
        Ok(all)
    }

    /// A block, unpacked.
    pub(crate) fn block(&self, delivery: i64, block: usize) -> Result<Vec<u8>> {
        let id = block_id(delivery, block).ok_or_else(bad_directory)?;
        let mut query = self.transaction.prepare_cached("SELECT data FROM block WHERE id = ?")?;
        let unpacked = query.query_row([id], |row| {
            let mut raw = Vec::new();
            Ok(blob(row, 0).and_then(|packed| pack::unpack(packed, &mut raw)).map(|()| raw))
        });
        unpacked.optional()?.ok_or_else(missing_block)?
    }

    /// The records of a run.
    pub(crate) fn run(&self, run_id: RunId) -> Result<StoredRecords<'c>> {
        self.stored(&[Some(run_id)], 0)
    }

    /// The records of these runs, in deliveries after this one.
    pub(crate) fn stored(&self, runs: &[Option<RunId>], after: i64) -> Result<StoredRecords<'c>> {
        let (mut all, mut parts) = (self.places(runs, after)?, Vec::new());
        for places in &mut all {
            let mut blocks = Vec::with_capacity(places.blocks.len());
            for block in &places.blocks {
                blocks.extend(self.damage.skip_damaged(places.delivery, self.block(places.delivery, *block))?);
            }
            places.runs.sort_unstable_by_key(|(place, _)| *place);
            parts.push(DeliveryBlocks { delivery: places.delivery, runs: std::mem::take(&mut places.runs), blocks });
        }
        Ok(StoredRecords { parts, damage: self.damage })
    }
}
