//! Removing runs: their rows, and their records in the blocks.

use super::super::block::{FoldedBlock, FoldedWriter, Packer, Sections, Unfolding, Vocabulary};
use super::super::changed;
use super::super::fold::rows;
use super::super::operations;
use super::super::order::{ordered, unordered};
use super::super::run::{FoldedRun, pieces};
use super::super::source::bad_block;
use super::connected;
use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge_graph::hash::Set;
use spanbridge_store::codec::MovingBlock;
use std::collections::{BTreeMap, BTreeSet};

/// Places in blocks.
type Places = BTreeMap<i64, BTreeSet<usize>>;

/// The rows of records of no run, by block and place.
type Loose = BTreeMap<(i64, usize), i64>;

/// Removes these runs, and records of no run that are from before this time.
pub(super) fn remove(
    connection: &Connection,
    packer: &mut Packer,
    runs: &[FoldedRun],
    loose_before: u64,
) -> Result<()> {
    let (mut places, mut gone) = (Places::new(), Set::default());
    let mut delete = connection.prepare_cached("DELETE FROM run WHERE id = ?")?;
    for run in runs {
        for (block, place) in pieces(&run.pieces)?.iter().flat_map(|piece| piece.blocks()) {
            places.entry(block).or_default().insert(place);
        }
        delete.execute([run.row])?;
        changed::forget_run(connection, run.run_id, run.last_at(&run.totals(Vec::new())?))?;
        gone.insert(run.run_id);
    }
    let loose = take_loose(connection, Some(loose_before), &mut places)?;
    take(connection, packer, loose, places)?;
    if gone.is_empty() {
        return Ok(());
    }
    // What they started is an operation of its own now.
    let mut moved = Vec::new();
    for run in &gone {
        moved.extend(operations::started_by(connection, *run)?);
    }
    operations::place(connection, moved.into_iter())?;
    connected::unlink(connection, &gone)
}

/// Removes the places of records that are in other blocks now, from so many blocks at most. Answers whether there are more.
pub(super) fn remove_dead(connection: &Connection, packer: &mut Packer, blocks: u32) -> Result<bool> {
    let mut query = connection.prepare_cached("SELECT DISTINCT block FROM dead LIMIT ?")?;
    let found = query.query_map([blocks], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut places: Places = found.into_iter().map(|block| (block, BTreeSet::new())).collect();
    let is_last = places.len() < blocks as usize;
    let loose = take_loose(connection, None, &mut places)?;
    take(connection, packer, loose, places)?;
    Ok(!is_last)
}

/// Takes what is at these places out of the blocks, and what is dead in the same blocks.
fn take(connection: &Connection, packer: &mut Packer, loose: Loose, places: Places) -> Result<()> {
    let mut dead = connection.prepare_cached("SELECT place FROM dead WHERE block = ?")?;
    let mut forget = connection.prepare_cached("DELETE FROM dead WHERE block = ?")?;
    let mut rewriter = Rewriter::new(connection, packer, loose);
    for (block, mut places) in places {
        for place in dead.query_map([block], |row| row.get::<_, i64>(0))? {
            places.insert(place? as usize);
        }
        forget.execute([block])?;
        match rewriter.without(block, &places) {
            // What cannot be read cannot be taken apart. No row leads to the records that went.
            Err(e) if e.kind() == ErrorKind::Corrupt => {}
            other => other?,
        }
    }
    Ok(())
}

/// Removes the rows of records of no run that are older, and adds their places. Answers the others.
fn take_loose(connection: &Connection, before: Option<u64>, places: &mut Places) -> Result<Loose> {
    let mut loose = Loose::new();
    let mut query = connection.prepare_cached("SELECT id, block, place, last_at < ?, last_at FROM loose")?;
    let mut delete = connection.prepare_cached("DELETE FROM loose WHERE id = ?")?;
    let mut rows = query.query([ordered(before.unwrap_or(0))])?;
    let mut old = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, block, place): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if row.get(3)? {
            places.entry(block).or_default().insert(place as usize);
            old.push((id, unordered(row.get(4)?)));
        } else {
            loose.insert((block, place as usize), id);
        }
    }
    drop(rows);
    for (id, last_at) in old {
        delete.execute([id])?;
        changed::forget_loose(connection, id, last_at)?;
    }
    Ok(loose)
}

/// Writes blocks again, without some of their runs.
struct Rewriter<'c> {
    connection: &'c Connection,
    packer: &'c mut Packer,
    loose: Loose,
    block: FoldedBlock,
    unfolding: Unfolding,
    vocabulary: Vocabulary,
    writer: FoldedWriter,
    sections: Sections,
    packed: Vec<u8>,
}

impl<'c> Rewriter<'c> {
    fn new(connection: &'c Connection, packer: &'c mut Packer, loose: Loose) -> Self {
        Self {
            connection,
            packer,
            loose,
            block: FoldedBlock::default(),
            unfolding: Unfolding::default(),
            vocabulary: Vocabulary::default(),
            writer: FoldedWriter::default(),
            sections: Sections::default(),
            packed: Vec::new(),
        }
    }

    /// Writes a block again, without what is at these places; or removes it, if nothing is left.
    fn without(&mut self, id: i64, places: &BTreeSet<usize>) -> Result<()> {
        let mut read = self.connection.prepare_cached("SELECT data FROM block WHERE id = ?")?;
        let data: Option<Vec<u8>> = read.query_row([id], |row| row.get(0)).optional()?;
        self.block.unpack(self.packer, &data.ok_or_else(|| Error::corrupt("a block is missing"))?)?;
        let runs = self.block.runs()?;
        let kept: Vec<usize> = (0..runs.len()).filter(|place| !places.contains(place)).collect();
        if kept.is_empty() {
            self.connection.prepare_cached("DELETE FROM block WHERE id = ?")?.execute([id])?;
            return Ok(());
        }
        self.write(&kept, &runs)?;
        let mut write = self.connection.prepare_cached("UPDATE block SET data = ? WHERE id = ?")?;
        write.execute(params![self.packed, id])?;
        for (place, before) in kept.iter().enumerate().filter(|(place, before)| place != *before) {
            match runs[*before] {
                Some(run) => self.move_run(run, id, *before, place)?,
                None => self.move_loose(id, *before, place)?,
            }
        }
        Ok(())
    }

    /// Packs what is at these places of the block, in this order.
    fn write(&mut self, kept: &[usize], runs: &[Option<RunId>]) -> Result<()> {
        if self.vocabulary.forget_when_too_many() {
            self.writer = FoldedWriter::default();
        }
        let written = self.move_parts(kept, runs);
        if written.is_err() {
            // Half a block is in them.
            (self.vocabulary, self.writer) = Default::default();
        }
        written?;
        self.writer.finish(&self.vocabulary, &mut self.sections);
        self.packer.pack(&self.sections, &mut self.packed)
    }

    fn move_parts(&mut self, kept: &[usize], runs: &[Option<RunId>]) -> Result<()> {
        let mut raw = Vec::new();
        self.block.unfold(&mut self.unfolding, kept, &mut raw)?;
        let mut block = MovingBlock::open(&raw).ok_or_else(bad_block)?;
        let shapes = self.vocabulary.learn(&block).ok_or_else(bad_block)?;
        let mut next = kept.iter().copied();
        let mut open = None;
        while let Some(part) = block.next_part().ok_or_else(bad_block)? {
            if open != Some(part.run) {
                // Each run has a part, so none is left out.
                if next.next() != Some(part.run) {
                    return Err(bad_block());
                }
                open = Some(part.run);
                self.writer.begin_run(runs[part.run], part.base);
            }
            self.writer.add(&mut self.vocabulary, &shapes, &mut block, &part).ok_or_else(bad_block)?;
        }
        if next.next().is_some() { Err(bad_block()) } else { Ok(()) }
    }

    fn move_run(&self, run: RunId, block: i64, from: usize, to: usize) -> Result<()> {
        let Some(run) = rows::find(self.connection, run)? else { return Ok(()) };
        let mut all = pieces(&run.pieces)?;
        // In the blocks in which a run goes on, it comes first, and stays there.
        all.iter_mut().filter(|p| p.block == block && p.place == from).for_each(|piece| piece.place = to);
        let mut column = Vec::new();
        all.iter().for_each(|piece| piece.put(&mut column));
        let mut change = self.connection.prepare_cached("UPDATE run SET pieces = ? WHERE id = ?")?;
        change.execute(params![column, run.row])?;
        Ok(())
    }

    fn move_loose(&mut self, block: i64, from: usize, to: usize) -> Result<()> {
        if let Some(id) = self.loose.get(&(block, from)) {
            let mut change = self.connection.prepare_cached("UPDATE loose SET place = ? WHERE id = ?")?;
            change.execute(params![to as i64, id])?;
        }
        Ok(())
    }
}
