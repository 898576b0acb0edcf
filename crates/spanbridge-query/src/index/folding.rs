//! The steps of a fold.

use super::fold::blocks::Workshop;
use super::fold::lost::{self, Loss};
use super::fold::merge;
use super::fold::take::{Frames, Unreadable};
use super::fold::{FoldBudget, FoldReport, heads, rows};
use super::handle::Index;
use super::logs::{begin, list, list_surely, unfolded, watermarks};
use super::operations;
use super::records::BlockReader;
use super::run::pieces;
use super::source::{Position, Source, bad_block, read_runs};
use crate::large::{is_large, row_of};
use crate::runs::RunRow;
use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_store::log::{LogFile, LogName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

/// How many bytes of frames a step holds in memory at most, unless a single frame has more.
const STEP_BYTES: usize = 48 << 20;

/// So many logs with something that is not folded are few: each is opened for a question.
const FEW_FILES: usize = 64;

/// What was written longer ago than this is folded, however little it is: applications remove old logs.
const NEW: Duration = Duration::from_secs(60 * 60);

/// What one transaction did.
enum Step {
    Done,
    /// There was nothing to fold, but something to note.
    Noted,
    /// There was nothing to fold.
    Nothing,
    /// Somebody else is folding.
    Busy,
}

impl Index {
    /// Folds what the logs have, as far as the budget goes; then removes the log files that are not needed any more. Says what
    /// it did after each step, and ends early if that answers `false`.
    ///
    /// # Errors
    /// If the index cannot be written or a log cannot be read. What was folded before stays.
    pub fn fold(&self, budget: FoldBudget, mut after_step: impl FnMut(&FoldReport) -> bool) -> Result<FoldReport> {
        self.place.assert_writable()?;
        let begun = Instant::now();
        let mut report = FoldReport::default();
        let until = budget.time.map(|time| begun + time);
        if let Some(left) = self.too_little(budget.least)? {
            self.recount(until)?;
            (report.remaining, report.removed) = (left, self.clean()?);
            return Ok(report);
        }
        loop {
            match self.step(budget.step(), &mut report)? {
                Step::Done => {}
                Step::Noted | Step::Nothing => break,
                Step::Busy => {
                    report.is_busy = true;
                    break;
                }
            }
            // What others write meanwhile is for the next fold: where they write all along, this one would never end.
            let is_over = report.remaining == 0
                || budget.time.is_some_and(|time| begun.elapsed() >= time)
                || budget.spans.is_some_and(|spans| report.spans >= spans);
            if !after_step(&report) || is_over {
                break;
            }
        }
        if !report.is_busy {
            self.recount(until)?;
            report.removed += self.clean()?;
        }
        Ok(report)
    }

    /// How much the logs have that is not folded, if that is less than `least`, in few files, and new.
    fn too_little(&self, least: u64) -> Result<Option<u64>> {
        if least == 0 {
            return Ok(None);
        }
        let passed = watermarks(&self.connection)?;
        let left = |file: &LogFile| unfolded(file, &passed);
        let now = SystemTime::now();
        let (mut files, mut bytes) = (0, 0u64);
        for file in list(&self.directory)?.iter().filter(|file| left(file) > 0) {
            if now.duration_since(file.modified).is_ok_and(|age| age > NEW) {
                return Ok(None);
            }
            (files, bytes) = (files + 1, bytes.saturating_add(left(file)));
        }
        Ok((bytes < least && files < FEW_FILES).then_some(bytes))
    }

    fn step(&self, spans: u64, report: &mut FoldReport) -> Result<Step> {
        let mut skipped = BTreeSet::new();
        loop {
            if !begin(&self.connection)? {
                return Ok(Step::Busy);
            }
            let mut culprit = None;
            let mut done = report.clone();
            let result = self.fold_once(spans, &mut done, &skipped, &mut culprit);
            let committed = match &result {
                Ok(Step::Done | Step::Noted) => self.connection.execute_batch("COMMIT").map_err(Error::from),
                _ => Ok(()),
            };
            let was_undone = !self.connection.is_autocommit();
            if was_undone {
                self.connection.execute_batch("ROLLBACK")?;
            }
            self.reader.borrow_mut().forget();
            self.workshop.borrow_mut().begin(result.is_err() || committed.is_err());
            match (result, culprit) {
                // What is in such a frame can never be folded: it is passed as damage.
                (Err(e), Some(at)) if e.kind() == ErrorKind::Corrupt && skipped.insert(at) => {}
                (Err(e), _) => return Err(e),
                (Ok(step), _) => {
                    committed?;
                    if matches!(step, Step::Done) {
                        *report = done;
                    }
                    return Ok(step);
                }
            }
        }
    }

    /// Folds once, in the transaction that is open.
    fn fold_once(
        &self,
        spans: u64,
        report: &mut FoldReport,
        skipped: &BTreeSet<Position>,
        culprit: &mut Option<Position>,
    ) -> Result<Step> {
        self.assert_in_place()?;
        let (connection, workshop) = (&self.connection, &mut *self.workshop.borrow_mut());
        let changes = connection.total_changes();
        let before = watermarks(connection)?;
        let files = list_surely(&self.directory, |files| lost::missing(files, &before))?;
        let mut frames = Frames::new(&files, &before);
        let (mut sources, mut taken, mut size) = (Vec::new(), 0, 0);
        while taken < spans
            && size < STEP_BYTES
            && let Some(mut source) = frames.next()?
        {
            report.frames += 1;
            if skipped.contains(&source.at) {
                let (log, from, to) = (source.at.log, source.at.from, source.to);
                let why = "its records cannot be read".to_owned();
                frames.unreadable.push(Unreadable { log, from, to, why });
                continue;
            }
            match delivered(connection, &source)? {
                Delivered::Before => report.repeated += 1,
                Delivered::Now => sources.push(source),
                Delivered::Differs => {
                    report.conflicts += 1;
                    source.is_conflict = true;
                    let note = source.conflict(&source.blocks)?;
                    sources.push(source);
                    sources.extend(note);
                }
            }
            if let Some(source) = sources.last() {
                taken += source.spans.max(1);
                size += source.size();
            }
        }
        lost::note_lost(connection, &files, &before)?;
        if frames.passed.is_empty() {
            // Only what cannot be read is left, such as a log of a newer release. It is noted once.
            for lost in &frames.unreadable {
                lost::note(connection, lost.log, lost.from, lost.to, Loss::Damaged, &lost.why)?;
            }
            return Ok(if connection.total_changes() > changes { Step::Noted } else { Step::Nothing });
        }
        let written = merge::merge(connection, workshop, &sources, culprit)?;
        decide(connection, workshop)?;
        if let Some((first, last)) = written.blocks {
            heads::add(connection, &mut workshop.heads, first..=last)?;
        }
        pass(connection, &frames, &files, &before, report)?;
        report.steps += 1;
        report.spans += sources.iter().map(|source| source.spans).sum::<u64>();
        report.written += written.bytes;
        report.remaining = frames.remaining(&files, &before);
        Ok(Step::Done)
    }
}

/// Moves the watermarks, and notes what was stepped over.
fn pass(
    connection: &Connection,
    frames: &Frames,
    files: &[LogFile],
    before: &BTreeMap<LogName, u64>,
    report: &mut FoldReport,
) -> Result<()> {
    let mut set = connection.prepare_cached(
        "INSERT INTO log(writer, number, passed, length) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT(writer, number) DO UPDATE SET passed = ?3, length = ?4",
    )?;
    for file in files {
        let known = before.get(&file.name).copied();
        let passed = frames.passed.get(&file.name).copied();
        if passed.is_none() && known.is_some() {
            continue;
        }
        let to = passed.or(known).unwrap_or(0);
        report.bytes += to - known.unwrap_or(0).min(to);
        set.execute(params![file.name.writer as i64, file.name.number, to as i64, file.length.max(to) as i64])?;
    }
    for lost in &frames.unreadable {
        lost::note(connection, lost.log, lost.from, lost.to, Loss::Damaged, &lost.why)?;
    }
    Ok(())
}

/// Whether a delivery was folded before.
enum Delivered {
    Now,
    Before,
    /// Another was, under the same number.
    Differs,
}

/// Looks whether this delivery was folded before, and notes that it is folded now.
fn delivered(connection: &Connection, source: &Source) -> Result<Delivered> {
    let Some(batch) = source.batch else { return Ok(Delivered::Now) };
    let mut query = connection
        .prepare_cached("SELECT hash = ?3 FROM delivery WHERE instance = ?1 AND number = ?2 ORDER BY 1 DESC LIMIT 1")?;
    let id = params![batch.instance as i64, batch.number as i64, source.hash as i64];
    let known: Option<bool> = query.query_row(id, |row| row.get(0)).optional()?;
    if known == Some(true) {
        return Ok(Delivered::Before);
    }
    let mut add = connection
        .prepare_cached("INSERT INTO delivery(instance, number, hash, writer, log) VALUES (?, ?, ?, ?, ?)")?;
    let log = source.at.log;
    add.execute(params![
        batch.instance as i64,
        batch.number as i64,
        source.hash as i64,
        log.writer as i64,
        log.number
    ])?;
    Ok(if known.is_some() { Delivered::Differs } else { Delivered::Now })
}

/// The records of a run in blocks that have no other.
fn records_of(run_id: RunId, raws: &[Vec<u8>]) -> Result<Vec<Record<'_>>> {
    let mut records = Vec::new();
    for raw in raws {
        read_runs(raw, |_| Some(Some(run_id)), |_, record| records.push(record)).ok_or_else(bad_block)?;
    }
    Ok(records)
}

/// Reads the records of the runs whose totals cannot tell their status, and notes which operation each run belongs to.
fn decide(connection: &Connection, workshop: &mut Workshop) -> Result<()> {
    let mut undecided = std::mem::take(&mut workshop.rows.undecided);
    undecided.sort_unstable();
    for run_id in undecided.drain(..) {
        let Some(row) = row_of_records(connection, workshop, run_id)? else { continue };
        if rows::decide(connection, &mut workshop.texts, &row)? {
            workshop.rows.moved.push(run_id);
        }
    }
    workshop.rows.undecided = undecided;
    let mut moved = std::mem::take(&mut workshop.rows.moved);
    operations::place(connection, moved.drain(..))?;
    workshop.rows.moved = moved;
    Ok(())
}

/// The row of a folded run, as its records say.
pub(super) fn row_of_records(
    connection: &Connection,
    workshop: &mut Workshop,
    run_id: RunId,
) -> Result<Option<RunRow>> {
    let Some(run) = rows::find(connection, run_id)? else { return Ok(None) };
    let (mut reader, totals) = (BlockReader::default(), run.totals(Vec::new())?);
    if !is_large(totals.started.max(totals.ended)) {
        let raws = reader.unfold(connection, &mut workshop.packer, &run.pieces)?;
        return Ok(Some(RunRow::of(run_id, &records_of(run_id, &raws)?)));
    }
    let blocks = pieces(&run.pieces)?;
    row_of(run_id, |each| {
        for at in blocks.iter().flat_map(|piece| piece.blocks()) {
            let raw = reader.unfold_at(connection, &mut workshop.packer, at)?;
            each(&records_of(run_id, std::slice::from_ref(&raw))?);
        }
        Ok(())
    })
}
