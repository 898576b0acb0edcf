//! Adding what a fold has gathered of a run to its row.

use super::super::order::ordered;
use super::super::run::{COLUMNS, FoldedRun, Piece, Totals, errors_column, halves, status_number, status_of};
use super::super::texts::{self, Texts};
use super::super::unsettled;
use crate::Result;
use crate::runs::RunRow;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_store::delivery::StatusFromTotals;

/// The rows that a fold adds or changes.
#[derive(Debug, Default)]
pub(in crate::index) struct Rows {
    totals: Vec<u8>,
    pieces: Vec<u8>,
    /// Runs whose status only their records tell.
    pub(in crate::index) undecided: Vec<RunId>,
    /// Runs that are new, or began at another time, or have a parent now: whose operation they belong to may have changed.
    pub(in crate::index) moved: Vec<RunId>,
}

/// What a fold has gathered of a run.
pub(super) struct Gathered<'p> {
    pub(super) run_id: RunId,
    pub(super) totals: Totals,
    /// The run that started it.
    pub(super) parent: Option<RunId>,
    /// All of its pieces, with those from before.
    pub(super) pieces: &'p [Piece],
}

/// What a row says besides the totals.
struct Line {
    started_at: u64,
    ended_at: Option<u64>,
    /// Its number.
    status: i64,
    name: u32,
}

impl Rows {
    /// Adds this to the row of a run, or adds the row.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        known: &mut Texts,
        before: Option<&FoldedRun>,
        gathered: Gathered<'_>,
    ) -> Result<()> {
        let Gathered { run_id, mut totals, parent, pieces } = gathered;
        self.pieces.clear();
        if let Some(before) = before {
            totals.merge(before.totals(texts::services(connection, before.services)?)?);
        }
        pieces.iter().for_each(|piece| piece.put(&mut self.pieces));
        let services = known.set(connection, &mut totals.services)?;
        let status = match totals.status() {
            StatusFromTotals::Known(status) => status,
            StatusFromTotals::NeedsRecords => {
                self.undecided.push(run_id);
                RunStatus::Open
            }
        };
        let name = totals.name.map_or(0, |name| name.name);
        let line =
            Line { started_at: totals.started_at(), ended_at: totals.ended_at(), status: status_number(status), name };
        self.totals.clear();
        totals.write(line.started_at, &[0], totals.name.map(|name| name.name), &mut self.totals);
        let took = line.ended_at.map(|at| at.wrapping_sub(line.started_at) as i64);
        match before {
            None => {
                let mut add = connection.prepare_cached(
                    "INSERT INTO run(head, tail, started_at, took, status, name, services, totals, pieces, parent)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )?;
                let [head, tail] = halves(run_id);
                let started_at = ordered(line.started_at);
                add.execute(params![
                    head,
                    tail,
                    started_at,
                    took,
                    line.status,
                    name,
                    services,
                    self.totals,
                    self.pieces,
                    parent.map(bytes)
                ])?;
                self.moved.push(run_id);
            }
            Some(before) => {
                let mut change = connection.prepare_cached(
                    "UPDATE run SET took = ?2, totals = ?3, pieces = ?4, spans = NULL, errors = NULL, unsettled = NULL
                     WHERE id = ?1",
                )?;
                change.execute(params![before.row, took, self.totals, self.pieces])?;
                let parent = before.parent.or(parent);
                if change_indexed(connection, before, &line, services, parent)? {
                    self.moved.push(run_id);
                }
            }
        }
        Ok(())
    }
}

/// Changes the columns that are in an index. If a statement names one, SQLite writes its entries again, so each is named only
/// if it changes. Answers whether it may belong to another operation now.
fn change_indexed(
    connection: &Connection,
    before: &FoldedRun,
    line: &Line,
    services: i64,
    parent: Option<RunId>,
) -> Result<bool> {
    if line.started_at != before.started_at {
        let mut change = connection.prepare_cached("UPDATE run SET started_at = ?2 WHERE id = ?1")?;
        change.execute(params![before.row, ordered(line.started_at)])?;
    }
    if line.status != status_of(before.status, &before.failed_work, &before.unsettled) {
        let mut change = connection.prepare_cached("UPDATE run SET status = ?2 WHERE id = ?1")?;
        change.execute(params![before.row, line.status])?;
    }
    if line.name != before.name {
        let mut change = connection.prepare_cached("UPDATE run SET name = ?2 WHERE id = ?1")?;
        change.execute(params![before.row, line.name])?;
    }
    if services != before.services {
        let mut change = connection.prepare_cached("UPDATE run SET services = ?2 WHERE id = ?1")?;
        change.execute(params![before.row, services])?;
    }
    if parent != before.parent {
        let mut change = connection.prepare_cached("UPDATE run SET parent = ?2 WHERE id = ?1")?;
        change.execute(params![before.row, parent.map(bytes)])?;
    }
    Ok(line.started_at != before.started_at || parent != before.parent)
}

fn bytes(run: RunId) -> [u8; 16] {
    run.get().to_be_bytes()
}

/// Writes what the records of a run say, where its totals cannot tell. Answers whether it may belong to another operation now.
pub(in crate::index) fn decide(connection: &Connection, known: &mut Texts, row: &RunRow) -> Result<bool> {
    let Some(mut run) = find(connection, row.run_id)? else { return Ok(false) };
    let name = if row.name.is_empty() { 0 } else { known.number(connection, &row.name)? };
    let status = status_of(row.status, &row.failed_work, &row.unsettled);
    unsettled::note(connection, &row.unsettled.settle_others)?;
    let line = Line { started_at: row.started_at, ended_at: row.ended_at, status, name };
    let took = line.ended_at.map(|at| at.wrapping_sub(line.started_at) as i64);
    // An earlier release did not mark this. What is recorded later must not hide it.
    let is_marked = row.unsettled.messages.is_empty();
    if line.started_at != run.started_at || !is_marked {
        // Times in the totals are measured from the start.
        let mut totals = run.totals(Vec::new())?;
        totals.may_fail |= !is_marked;
        run.totals.clear();
        totals.write(line.started_at, &[0], totals.name.map(|name| name.name), &mut run.totals);
    }
    let mut change = connection.prepare_cached(
        "UPDATE run SET took = ?2, totals = ?3, spans = ?4, errors = ?5, unsettled = ?6 WHERE id = ?1",
    )?;
    let unsettled = unsettled::column(&row.unsettled);
    change.execute(params![run.row, took, run.totals, row.spans as i64, errors_column(row), unsettled])?;
    change_indexed(connection, &run, &line, run.services, row.parent_run_id)
}

/// The row of a run.
pub(in crate::index) fn find(connection: &Connection, run_id: RunId) -> Result<Option<FoldedRun>> {
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE head = ? AND tail = ?"))?;
    query.query_row(halves(run_id), |row| Ok(FoldedRun::read(row))).optional()?.transpose()
}
