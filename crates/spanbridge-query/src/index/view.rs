//! What is not folded, as one question sees it: each delivery once, with the totals of its runs.

use super::fold::merge::parents;
use super::source::{Source, bad_directory};
use super::tails::TailFrame;
use crate::engine::Damaged;
use crate::engine::recovered::Recovered;
use crate::runs::RunRow;
use crate::{ErrorKind, Result};
use rusqlite::{Connection, params};
use spanbridge::RunId;
use spanbridge_graph::hash::Map;
use spanbridge_store::delivery::{Aggregate, Aggregates};
use spanbridge_store::log::{BatchId, LogName};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Totals with texts.
pub(super) type TextTotals = Aggregate<Arc<str>>;

/// The frames that are not folded, and the runs in them.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) frames: Vec<Arc<TailFrame>>,
    pub(super) runs: Map<RunId, TailRun>,
    batches: Map<u64, Vec<(BatchId, u64)>>,
    texts: HashSet<Arc<str>>,
    /// Frames whose directory cannot be read.
    pub(super) damaged: Vec<Damaged>,
    /// Up to where the frames of each file are in it.
    pub(super) ends: BTreeMap<LogName, u64>,
    /// The rows of its runs, as far as they were asked for.
    pub(super) rows: RefCell<Map<RunId, RunRow>>,
    /// Where its runs belong to, and those that they change, once that was asked for.
    pub(super) members: OnceCell<Members>,
    /// What later attempts mended in operations that are folded whole, by their first runs, and until when that holds.
    pub(super) mended: RefCell<Map<RunId, (Arc<Recovered>, u64)>>,
}

/// Runs whose operation is not, or not only, what the index says: those of the view, and folded ones that they started.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The first run of the operation of each.
    pub(super) roots: Map<RunId, RunId>,
    /// The rows of those that are folded.
    pub(super) folded: Map<RunId, RunRow>,
    /// By how much the numbers of runs and of failed ones differ from what the index says of an operation.
    pub(super) counts: Map<RunId, (i64, i64)>,
    /// Until when that holds, in nanoseconds since the Unix epoch: then a message without a settlement counts as failed.
    pub(super) until: u64,
}

/// A run that has records in frames that are not folded.
#[derive(Debug, Default)]
pub(super) struct TailRun {
    pub(super) totals: TextTotals,
    /// The run that started it.
    pub(super) parent: Option<RunId>,
    /// The frames, with the place of the run in each.
    pub(super) places: Vec<(usize, usize)>,
}

impl View {
    /// Adds frames, in order, as far as they are not in the index already.
    pub(super) fn extend(&mut self, connection: &Connection, frames: Vec<Arc<TailFrame>>) -> Result<()> {
        for frame in frames {
            let (at, to) = (frame.source.at, frame.source.to);
            match self.add(connection, frame) {
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    self.damaged.push(Damaged::new(format!("log {} at {}", at.log, at.from), e.to_string()));
                }
                other => other?,
            }
            self.ends.insert(at.log, to);
        }
        Ok(())
    }

    fn add(&mut self, connection: &Connection, frame: Arc<TailFrame>) -> Result<()> {
        match self.delivered(connection, &frame.source)? {
            Delivered::Before => Ok(()),
            Delivered::Now => self.add_frame(frame, false),
            Delivered::Differs => {
                let note = frame.conflict()?;
                self.add_frame(frame, true)?;
                note.map_or(Ok(()), |note| self.add_frame(Arc::new(TailFrame::made(note)), false))
            }
        }
    }

    fn add_frame(&mut self, frame: Arc<TailFrame>, is_conflict: bool) -> Result<()> {
        let (number, source) = (self.frames.len(), &frame.source);
        let (columns, runs) = (source.columns()?, source.runs()?);
        let mut aggregates = Aggregates::read(columns.aggregates, source.base()).ok_or_else(bad_directory)?;
        let names: Vec<Arc<str>> = aggregates.names().iter().map(|name| shared(&mut self.texts, name)).collect();
        // A damaged directory counts for nothing, so its runs are collected first.
        let mut found = Vec::with_capacity(runs.count());
        let parents = parents(&columns)?;
        for place in 0..runs.count() {
            let aggregate = aggregates.read_next().ok_or_else(bad_directory)?;
            if let Some(run) = runs.get(place).ok_or_else(bad_directory)? {
                let named = aggregate.named(|at| names.get(at as usize).cloned()).ok_or_else(bad_directory)?;
                found.push((run, place, named));
            }
        }
        self.members.take();
        for (run, place, mut totals) in found {
            totals.suspect |= is_conflict;
            self.rows.get_mut().remove(&run);
            let run = self.runs.entry(run).or_default();
            run.totals.merge(totals);
            run.parent = run.parent.or(parents.get(&place).copied());
            run.places.push((number, place));
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Whether this delivery is in the index, or was in a frame before.
    fn delivered(&mut self, connection: &Connection, source: &Source) -> Result<Delivered> {
        let Some(batch) = source.batch else { return Ok(Delivered::Now) };
        let known = self.batches.entry(spanbridge_graph::hash::join(batch.instance, batch.number)).or_default();
        let mut hashes: Vec<u64> = known.iter().filter(|(other, _)| *other == batch).map(|(_, hash)| *hash).collect();
        known.push((batch, source.hash));
        let mut query = connection.prepare_cached("SELECT hash FROM delivery WHERE instance = ? AND number = ?")?;
        let rows = query.query_map(params![batch.instance as i64, batch.number as i64], |row| row.get::<_, i64>(0))?;
        for hash in rows {
            hashes.push(hash? as u64);
        }
        Ok(match hashes.contains(&source.hash) {
            true => Delivered::Before,
            false if hashes.is_empty() => Delivered::Now,
            false => Delivered::Differs,
        })
    }
}

/// Whether a delivery counts.
enum Delivered {
    Now,
    Before,
    /// Another has its number.
    Differs,
}

fn shared(texts: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = Arc::from(text);
    texts.insert(Arc::clone(&new));
    new
}
