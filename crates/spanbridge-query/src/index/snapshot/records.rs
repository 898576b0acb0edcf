//! The records of runs: first those in the index, then those that are not folded.

use super::super::fold::rows::find;
use super::super::run::{FoldedRun, Piece, pieces};
use super::super::schema::ordered;
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

impl IndexSnapshot<'_> {
    pub(super) fn records_of(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let mut wanted = Vec::with_capacity(run_ids.len());
        for run_id in run_ids.iter().copied().collect::<BTreeSet<_>>() {
            let folded = find(&self.transaction, run_id)?;
            let first = folded.as_ref().and_then(|run| Some(*pieces(&run.pieces).ok()?.first()?));
            wanted.push((first.map(|piece: Piece| (piece.block, piece.place)), run_id, folded));
        }
        // Runs of the same block follow each other, so it is unpacked once.
        wanted.sort_by_key(|(first, run_id, _)| (*first, *run_id));
        let mut blocks = TailBlocks::default();
        for (_, run_id, folded) in wanted {
            self.records_of_run(run_id, folded.as_ref(), &mut blocks, each)?;
        }
        Ok(())
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
        let tail = &self.view.frames[frame];
        let list = BlockList::read(tail.source.columns()?.block_list).ok_or_else(bad_directory)?;
        let mut found = Vec::new();
        for block in list.holding(place) {
            if kept.0.len() >= KEPT_BLOCKS {
                kept.0.clear();
            }
            let raw = match kept.0.get(&(frame, block)) {
                Some(raw) => Rc::clone(raw),
                None => {
                    let raw = Rc::new(tail.block(block)?);
                    kept.0.insert((frame, block), Rc::clone(&raw));
                    raw
                }
            };
            found.push(raw);
        }
        Ok(found)
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
            if !records.is_empty() {
                each(records)?;
            }
        }
        for (number, frame) in self.view.frames.iter().enumerate() {
            let source = &frame.source;
            if source.first_at > *during.end() || source.last_at < *during.start() {
                continue;
            }
            // Records of no run come first in a delivery.
            if source.runs()?.get(0) == Some(None) {
                let found = self.tail_blocks(number, 0, &mut TailBlocks::default());
                let raws = self.skip_damaged(|| self.frame_name(number), found)?.unwrap_or_default();
                let mut records = Vec::new();
                for raw in &raws {
                    let key = |place: usize| (place == 0).then_some(None);
                    let read = read_runs(raw, key, |_, record| records.push(record)).ok_or_else(bad_block);
                    self.skip_damaged(|| self.frame_name(number), read)?;
                }
                if !records.is_empty() {
                    each(records)?;
                }
            }
        }
        Ok(())
    }
}
