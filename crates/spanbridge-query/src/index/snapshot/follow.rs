//! All records in the order in which they were stored: blocks of the index, then what is not folded.

use super::super::block::FoldedBlock;
use super::super::logs::{still_there, watermarks};
use super::super::position::Position;
use super::super::source::{bad_block, read_runs};
use super::IndexSnapshot;
use crate::Result;
use crate::engine::{Cursor, EachBatch};
use spanbridge::record::Record;

impl IndexSnapshot<'_> {
    pub(super) fn follow_from(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let position = Position::read(after)?;
        for block in self.blocks_after(&position)? {
            let read = self.whole_block(block);
            if let Some((raw, runs)) = self.skip_damaged(|| format!("block {block}"), read)? {
                let mut records: Vec<Record<'_>> = Vec::new();
                let dead = self.dead_places(block)?;
                let key = |place: usize| runs.get(place).copied().filter(|_| !dead.contains(&place));
                let read = read_runs(&raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
                self.skip_damaged(|| format!("block {block}"), read)?;
                each(records)?;
            }
        }
        for (number, frame) in self.view.frames.iter().enumerate() {
            let at = frame.source.at;
            if position.logs.get(&at.log).is_some_and(|end| at.from < *end) {
                continue;
            }
            let runs = frame.source.runs()?;
            let blocks = frame.block_count();
            for block in 0..blocks {
                let raw = frame.block(block);
                let Some(raw) = self.skip_damaged(|| self.frame_name(number), raw)? else { continue };
                let mut records: Vec<Record<'_>> = Vec::new();
                let key = |place: usize| runs.get(place);
                let read = read_runs(&raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
                self.skip_damaged(|| self.frame_name(number), read)?;
                each(records)?;
            }
        }
        Ok(())
    }

    /// The blocks that may have something new for who has read up to here.
    fn blocks_after(&self, position: &Position) -> Result<Vec<i64>> {
        // Or the index was made anew: its blocks have other numbers.
        let is_new = position.block > self.last_block()?;
        if !is_new && position.has_read(&watermarks(&self.transaction)?) {
            return Ok(Vec::new());
        }
        let mut query = self.transaction.prepare_cached("SELECT id FROM block WHERE id > ? ORDER BY id")?;
        let blocks = query.query_map([if is_new { 0 } else { position.block }], |row| row.get(0))?;
        Ok(blocks.collect::<rusqlite::Result<_>>()?)
    }

    /// The cursor for what comes after this snapshot.
    pub(super) fn end_cursor(&self) -> Result<Cursor> {
        let mut logs = still_there(&self.transaction)?;
        logs.extend(self.index.tails.borrow().ends());
        let position = Position { block: self.last_block()?, logs, gone: None };
        let gone = position.others(&watermarks(&self.transaction)?);
        Ok(Position { gone: Some(gone), ..position }.cursor())
    }

    /// The number of the block that was written last, also if it was removed since.
    fn last_block(&self) -> Result<i64> {
        let mut query = self
            .transaction
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'block'")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    /// The places of runs whose records moved to another block.
    fn dead_places(&self, block: i64) -> Result<Vec<usize>> {
        let mut query = self.transaction.prepare_cached("SELECT place FROM dead WHERE block = ?")?;
        let places = query.query_map([block], |row| Ok(row.get::<_, i64>(0)? as usize))?;
        Ok(places.collect::<rusqlite::Result<_>>()?)
    }

    /// A block with all its runs, unfolded; and the runs.
    fn whole_block(&self, block: i64) -> Result<(Vec<u8>, Vec<Option<spanbridge::RunId>>)> {
        let (mut packer, mut reader) = (self.packer.borrow_mut(), self.reader.borrow_mut());
        let choose = |folded: &FoldedBlock| Ok((0..folded.runs()?.len()).collect());
        let (runs, raw) = reader.unfold_some(&self.transaction, &mut packer, block, choose)?;
        Ok((raw, runs))
    }
}
