//! The records of runs: first those in the index, then those that are not folded.

use super::super::fold::rows::find;
use super::super::order::ordered;
use super::super::run::{FoldedRun, Piece, pieces};
use super::super::source::{bad_block, bad_directory, read_runs};
use super::IndexSnapshot;
use crate::Result;
use crate::engine::{EachBatch, EachRun};
use rusqlite::params;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_store::delivery::BlockList;
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// How many blocks of frames are kept unpacked: many runs share one.
const KEPT_BLOCKS: usize = 256;

/// How many records room is made for at once. The number comes from a file.
const MAX_RESERVED: u64 = 1 << 16;

/// Blocks of frames that are not folded, unpacked.
#[derive(Default)]
struct TailBlocks(HashMap<(usize, usize), Rc<Vec<u8>>>);

/// A run with more records than this for each span counts as one with more spans.
const RECORDS_A_SPAN: u64 = 20;

impl IndexSnapshot<'_> {
    pub(super) fn records_of(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let mut blocks = TailBlocks::default();
        let runs = self.in_reading_order(run_ids)?;
        let mut rest = &runs[..];
        while let [(run_id, folded), others @ ..] = rest {
            rest = match self.read_together(rest, each)? {
                Some(read) => &rest[read..],
                None => {
                    self.records_of_run(*run_id, folded.as_ref(), &mut blocks, each)?;
                    others
                }
            };
        }
        Ok(())
    }

    /// The same, a block at a time.
    pub(super) fn pieces_of(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let mut blocks = TailBlocks::default();
        for (run_id, folded) in self.in_reading_order(run_ids)? {
            self.folded_pieces(run_id, folded.as_ref(), each)?;
            self.tail_pieces(run_id, &mut blocks, each)?;
        }
        Ok(())
    }

    /// These runs, each with what the index has of it. Runs of the same block follow each other, so it is unpacked once.
    fn in_reading_order(&self, run_ids: &[RunId]) -> Result<Vec<(RunId, Option<FoldedRun>)>> {
        let mut wanted = Vec::with_capacity(run_ids.len());
        for run_id in run_ids.iter().copied().collect::<BTreeSet<_>>() {
            let folded = find(&self.transaction, run_id)?;
            let first = folded.as_ref().and_then(|run| Some(*pieces(&run.pieces).ok()?.first()?));
            wanted.push((first.map(|piece: Piece| (piece.block, piece.place)), run_id, folded));
        }
        wanted.sort_by_key(|(first, run_id, _)| (*first, *run_id));
        Ok(wanted.into_iter().map(|(_, run_id, folded)| (run_id, folded)).collect())
    }

    fn folded_pieces(&self, run_id: RunId, folded: Option<&FoldedRun>, each: &mut EachRun<'_>) -> Result<()> {
        let Some(run) = folded else { return Ok(()) };
        let part = || format!("run {run_id}");
        let Some(pieces) = self.skip_damaged(part, pieces(&run.pieces))? else { return Ok(()) };
        for at in pieces.iter().flat_map(|piece| piece.blocks()) {
            let raw = {
                let mut packer = self.packer.borrow_mut();
                let unfolded = self.reader.borrow_mut().unfold_at(&self.transaction, &mut packer, at);
                self.skip_damaged(part, unfolded)?
            };
            let Some(raw) = raw else { continue };
            let mut records = Vec::new();
            let read = read_runs(&raw, |_| Some(Some(run_id)), |_, record| records.push(record)).ok_or_else(bad_block);
            self.skip_damaged(part, read)?;
            if !records.is_empty() {
                each(run_id, records)?;
            }
        }
        Ok(())
    }

    fn tail_pieces(&self, run_id: RunId, blocks: &mut TailBlocks, each: &mut EachRun<'_>) -> Result<()> {
        for (frame, place) in self.view.runs.get(&run_id).into_iter().flat_map(|run| &run.places) {
            let holding = self.skip_damaged(|| self.frame_name(*frame), self.holding(*frame, *place))?;
            for block in holding.unwrap_or_default() {
                let raw = self.skip_damaged(|| self.frame_name(*frame), self.tail_block(*frame, block, blocks))?;
                let Some(raw) = raw else { continue };
                let mut records = Vec::new();
                let key = |at: usize| (at == *place).then_some(Some(run_id));
                let read = read_runs(&raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
                self.skip_damaged(|| format!("run {run_id}"), read)?;
                if !records.is_empty() {
                    each(run_id, records)?;
                }
            }
        }
        Ok(())
    }

    /// How large a run is: its spans, or more if it has far more records than its spans account for, such as a statement that changed
    /// a million rows.
    pub(super) fn size_of(&self, run_id: RunId) -> Result<u64> {
        let spans = self.spans_of(run_id)?;
        let folded = find(&self.transaction, run_id)?.map(|run| pieces(&run.pieces)).transpose()?.unwrap_or_default();
        let records: u64 = folded.iter().map(|piece| piece.records).sum();
        Ok(if spans == 0 { 0 } else { spans.max(records / RECORDS_A_SPAN) })
    }

    /// How many spans a run has, by its totals.
    pub(super) fn spans_of(&self, run_id: RunId) -> Result<u64> {
        let folded = match find(&self.transaction, run_id)? {
            Some(run) => {
                let totals = run.totals(Vec::new())?;
                totals.started.max(totals.ended)
            }
            None => 0,
        };
        let fresh = self.view.runs.get(&run_id).map_or(0, |run| run.totals.started.max(run.totals.ended));
        Ok(folded.saturating_add(fresh))
    }

    fn records_of_run(
        &self,
        run_id: RunId,
        folded: Option<&FoldedRun>,
        blocks: &mut TailBlocks,
        each: &mut EachRun<'_>,
    ) -> Result<()> {
        let part = || format!("run {run_id}");
        let raws = match folded {
            Some(run) => {
                let mut packer = self.packer.borrow_mut();
                let mut reader = self.reader.borrow_mut();
                let unfolded = reader.unfold(&self.transaction, &mut packer, &run.pieces);
                self.skip_damaged(part, unfolded)?.unwrap_or_default()
            }
            None => Vec::new(),
        };
        let mut fresh = Vec::new();
        for (frame, place) in self.view.runs.get(&run_id).into_iter().flat_map(|run| &run.places) {
            let found = self.tail_blocks(*frame, *place, blocks);
            for raw in self.skip_damaged(|| self.frame_name(*frame), found)?.unwrap_or_default() {
                fresh.push((raw, *place));
            }
        }
        let known = folded.and_then(|run| pieces(&run.pieces).ok()).unwrap_or_default();
        let known: u64 = known.iter().map(|piece| piece.records.min(MAX_RESERVED)).sum();
        let mut records: Vec<Record<'_>> = Vec::with_capacity(known.min(MAX_RESERVED) as usize);
        for raw in &raws {
            let read = read_runs(raw, |_| Some(Some(run_id)), |_, record| records.push(record)).ok_or_else(bad_block);
            self.skip_damaged(part, read)?;
        }
        for (raw, wanted) in &fresh {
            let key = |place: usize| (place == *wanted).then_some(Some(run_id));
            let read = read_runs(raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
            self.skip_damaged(part, read)?;
        }
        if records.is_empty() {
            return Ok(());
        }
        each(run_id, records)
    }

    /// The blocks of a frame that have records of the run at this place.
    fn tail_blocks(&self, frame: usize, place: usize, kept: &mut TailBlocks) -> Result<Vec<Rc<Vec<u8>>>> {
        self.holding(frame, place)?.into_iter().map(|block| self.tail_block(frame, block, kept)).collect()
    }

    /// The numbers of these blocks.
    fn holding(&self, frame: usize, place: usize) -> Result<Vec<usize>> {
        let columns = self.view.frames[frame].source.columns()?;
        Ok(BlockList::read(columns.block_list).ok_or_else(bad_directory)?.holding(place).collect())
    }

    fn tail_block(&self, frame: usize, block: usize, kept: &mut TailBlocks) -> Result<Rc<Vec<u8>>> {
        if let Some(raw) = kept.0.get(&(frame, block)) {
            return Ok(Rc::clone(raw));
        }
        if kept.0.len() >= KEPT_BLOCKS {
            kept.0.clear();
        }
        let raw = Rc::new(self.view.frames[frame].block(block)?);
        kept.0.insert((frame, block), Rc::clone(&raw));
        Ok(raw)
    }

    /// The name of a frame, for whoever is told that it is damaged.
    pub(super) fn frame_name(&self, frame: usize) -> String {
        let at = self.view.frames[frame].source.at;
        format!("log {} at {}", at.log, at.from)
    }

    pub(super) fn loose(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        let mut query = self
            .transaction
            .prepare_cached("SELECT block, place FROM loose WHERE first_at <= ? AND last_at >= ? ORDER BY id")?;
        let span = params![ordered(*during.end()), ordered(*during.start())];
        let places = query.query_map(span, |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize)))?;
        let places = places.collect::<rusqlite::Result<Vec<(i64, usize)>>>()?;
        for at in places {
            self.folded_loose(at, each)?;
        }
        for (number, frame) in self.view.frames.iter().enumerate() {
            let source = &frame.source;
            if source.first_at <= *during.end() && source.last_at >= *during.start() {
                self.tail_loose(number, each)?;
            }
        }
        Ok(())
    }

    /// The records of no run at this place of the index.
    pub(super) fn folded_loose(&self, at: (i64, usize), each: &mut EachBatch<'_>) -> Result<()> {
        let raw = {
            let mut packer = self.packer.borrow_mut();
            let unfolded = self.reader.borrow_mut().unfold_at(&self.transaction, &mut packer, at);
            self.skip_damaged(|| format!("block {}", at.0), unfolded)?
        };
        let mut records = Vec::new();
        if let Some(raw) = &raw {
            let read = read_runs(raw, |_| Some(None), |_, record| records.push(record)).ok_or_else(bad_block);
            self.skip_damaged(|| format!("block {}", at.0), read)?;
        }
        if records.is_empty() { Ok(()) } else { each(records) }
    }

    /// The records of no run of a frame. They come first in a delivery.
    pub(super) fn tail_loose(&self, number: usize, each: &mut EachBatch<'_>) -> Result<()> {
        if self.view.frames[number].source.runs()?.get(0) != Some(None) {
            return Ok(());
        }
        let found = self.tail_blocks(number, 0, &mut TailBlocks::default());
        let raws = self.skip_damaged(|| self.frame_name(number), found)?.unwrap_or_default();
        let mut records = Vec::new();
        for raw in &raws {
            let key = |place: usize| (place == 0).then_some(None);
            let read = read_runs(raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
            self.skip_damaged(|| self.frame_name(number), read)?;
        }
        if records.is_empty() { Ok(()) } else { each(records) }
    }
}
