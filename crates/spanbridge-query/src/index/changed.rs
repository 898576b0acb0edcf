//! Which runs changed a row of a database, by the mark of the row.

use super::source::bad_directory;
use crate::Result;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge_store::delivery::{IdPairs, RunIds};

/// Adds the column of a delivery. `loose` are the rows of the index that say where its records of no run are.
pub(super) fn add(connection: &Connection, column: &[u8], runs: RunIds<'_>, loose: &[i64]) -> Result<()> {
    if column.is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached("INSERT OR IGNORE INTO changed(row, run) VALUES (?, ?)")?;
    for (mark, place) in IdPairs::new(column).ok_or_else(bad_directory)?.iter() {
        let row = mark.to_be_bytes();
        match runs.get(place).ok_or_else(bad_directory)? {
            Some(run) => drop(add.execute(params![row, run.get().to_be_bytes()])?),
            None => {
                for number in loose {
                    add.execute(params![row, number.to_be_bytes()])?;
                }
            }
        }
    }
    Ok(())
}

/// Who changed a row.
#[derive(Debug, Default)]
pub(super) struct Changers {
    pub(super) runs: Vec<RunId>,
    /// Rows of the index that say where records of no run are.
    pub(super) loose: Vec<i64>,
}

/// Adds who changed the row with this mark, as far as it is folded.
pub(super) fn find(connection: &Connection, mark: u128, found: &mut Changers) -> Result<()> {
    let mut query = connection.prepare_cached("SELECT run FROM changed WHERE row = ?")?;
    let mut rows = query.query([mark.to_be_bytes()])?;
    while let Some(row) = rows.next()? {
        let Ok(id) = row.get_ref(0)?.as_blob() else { continue };
        if let Ok(run) = id.try_into() {
            found.runs.extend(RunId::new(u128::from_be_bytes(run)));
        } else if let Ok(number) = id.try_into() {
            found.loose.push(i64::from_be_bytes(number));
        }
    }
    Ok(())
}

/// Forgets what this run changed, which is pruned and was last worked on at this time.
pub(super) fn forget_run(connection: &Connection, run: RunId, last_at: u64) -> Result<()> {
    forget(connection, &run.get().to_be_bytes(), last_at)
}

/// Forgets what is in records of no run that are pruned.
pub(super) fn forget_loose(connection: &Connection, number: i64, last_at: u64) -> Result<()> {
    forget(connection, &number.to_be_bytes(), last_at)
}

fn forget(connection: &Connection, id: &[u8], last_at: u64) -> Result<()> {
    if connection.prepare_cached("DELETE FROM changed WHERE run = ?")?.execute([id])? > 0 {
        note_forgotten(connection, last_at)?
    }
    Ok(())
}

/// Notes that changes up to this time may be missing.
pub(super) fn note_forgotten(connection: &Connection, up_to: u64) -> Result<()> {
    let mut note = connection.prepare_cached(
        "INSERT INTO forgotten(id, up_to) VALUES (0, ?1) ON CONFLICT(id) DO UPDATE SET up_to = max(up_to, ?1)",
    )?;
    note.execute([super::order::ordered(up_to)])?;
    Ok(())
}

/// The time up to which changes are missing in an index that has these runs, compared with this one: those that were pruned there,
/// and those of runs that only it has.
pub(super) fn missing_without(connection: &Connection, has: impl Fn(RunId) -> bool) -> Result<Option<u64>> {
    let sql = "SELECT head, tail, started_at, took FROM run";
    let (mut query, mut changes) =
        (connection.prepare(sql)?, connection.prepare("SELECT 1 FROM changed WHERE run = ?")?);
    let (mut rows, mut until) = (query.query([])?, forgotten(connection)?);
    while let Some(row) = rows.next()? {
        let (head, tail): (i64, i64) = (row.get(0)?, row.get(1)?);
        let id = u128::from(super::order::unordered(head)) << 64 | u128::from(tail as u64);
        if RunId::new(id).is_some_and(|run| !has(run)) && changes.exists([id.to_be_bytes()])? {
            let took = row.get::<_, Option<i64>>(3)?.and_then(|took| u64::try_from(took).ok()).unwrap_or(0);
            until = until.max(Some(super::order::unordered(row.get(2)?).saturating_add(took)))
        }
    }
    Ok(until)
}

/// The time up to which changes were pruned. `None`: none was.
pub(super) fn forgotten(connection: &Connection) -> Result<Option<u64>> {
    let mut query = connection.prepare_cached("SELECT up_to FROM forgotten")?;
    let at: Option<i64> = query.query_row([], |row| row.get(0)).optional()?;
    Ok(at.map(super::order::unordered))
}
