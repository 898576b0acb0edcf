//! All records in the order in which they were stored: blocks of the index, then what is not folded.

use super::super::block::FoldedBlock;
use super::super::source::{bad_block, read_runs};
use super::IndexSnapshot;
use crate::engine::{Cursor, EachBatch};
use crate::{Error, ErrorKind, Result};
use spanbridge::record::Record;
use spanbridge_store::codec::bytes::{Reader, put_varint};
use spanbridge_store::log::LogName;
use std::collections::BTreeMap;

/// How far someone has read: the last block, and the end of each log that was not folded.
#[derive(Debug, Default)]
struct Position {
    block: i64,
    logs: BTreeMap<LogName, u64>,
}

impl Position {
    fn read(cursor: &Cursor) -> Result<Self> {
        let read = || {
            let (mut r, mut position) = (Reader(cursor.as_bytes()), Self::default());
            position.block = i64::try_from(r.varint()?).ok()?;
            while !r.0.is_empty() {
                let log = LogName { writer: r.word()?, number: u32::try_from(r.varint()?).ok()? };
                position.logs.insert(log, r.varint()?);
            }
            Some(position)
        };
        match cursor.as_bytes() {
            [] => Ok(Self::default()),
            _ => read().ok_or_else(|| Error::new(ErrorKind::Corrupt, "the cursor is not of this store")),
        }
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.block as u64);
        for (log, at) in &self.logs {
            bytes.extend_from_slice(&log.writer.to_le_bytes());
            put_varint(&mut bytes, u64::from(log.number));
            put_varint(&mut bytes, *at);
        }
        Cursor::from_bytes(bytes)
    }
}

impl IndexSnapshot<'_> {
    pub(super) fn follow_from(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let position = Position::read(after)?;
        let mut query = self.transaction.prepare_cached("SELECT id FROM block WHERE id > ? ORDER BY id")?;
        let blocks = query.query_map([position.block], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        for block in blocks {
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

    /// The cursor for what comes after this snapshot.
    pub(super) fn end_cursor(&self) -> Result<Cursor> {
        let last =
            self.transaction.prepare_cached("SELECT coalesce(max(id), 0) FROM block")?.query_row([], |r| r.get(0))?;
        Ok(Position { block: last, logs: self.index.tails.borrow().ends().collect() }.cursor())
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
