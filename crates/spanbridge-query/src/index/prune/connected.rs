//! What stored runs are connected with.
//!
//! A run mentions its parent, the traces that it has records of, and those that it links to. If a run that mentions a pruned one,
//! or that it mentions, stays, then the id of the pruned one and its mentions stay, too.

use super::super::run::halves;
use crate::Result;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};

/// A row of the table of mentions.
type Mentioned = (i64, [u8; 16], [u8; 16]);

/// Removes what these runs mention, whose rows are gone; and remembers those that stored runs are connected with.
pub(super) fn unlink(connection: &Connection, gone: &Set<RunId>) -> Result<()> {
    let (mentions, connected) = connected(connection, gone)?;
    let mut remember = connection.prepare_cached("INSERT OR IGNORE INTO pruned(id) VALUES (?)")?;
    for run in &connected {
        remember.execute([run.get().to_be_bytes()])?;
    }
    remove(connection, mentions, &connected)
}

/// Forgets pruned runs that no stored run is connected with any more, and those that are stored again.
pub(super) fn forget(connection: &Connection) -> Result<()> {
    let mut query = connection.prepare_cached("SELECT id FROM pruned")?;
    let ids = query.query_map([], |row| row.get::<_, [u8; 16]>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM pruned WHERE id = ?")?;
    let mut gone = Set::default();
    for id in ids {
        match RunId::new(u128::from_be_bytes(id)) {
            Some(run) if !is_stored(connection, run)? => drop(gone.insert(run)),
            _ => drop(forget.execute([id])?),
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    let (mentions, connected) = connected(connection, &gone)?;
    for run in gone.iter().filter(|run| !connected.contains(*run)) {
        forget.execute([run.get().to_be_bytes()])?;
    }
    remove(connection, mentions, &connected)
}

/// Removes the mentions by runs that are not to be remembered.
fn remove(connection: &Connection, mentions: Vec<Mentioned>, remembered: &Set<RunId>) -> Result<()> {
    let mut remove = connection.prepare_cached("DELETE FROM mention WHERE kind = ? AND id = ? AND run = ?")?;
    for (kind, id, run) in mentions {
        if RunId::new(u128::from_be_bytes(run)).is_none_or(|run| !remembered.contains(&run)) {
            remove.execute(params![kind, id, run])?;
        }
    }
    Ok(())
}

/// What these runs mention, and which of them a stored run is connected with.
fn connected(connection: &Connection, gone: &Set<RunId>) -> Result<(Vec<Mentioned>, Set<RunId>)> {
    // By id: the runs that mention it, or are it.
    let mut around: Map<u128, Vec<RunId>> = Map::default();
    let mut mentions = Vec::new();
    let mut query = connection.prepare_cached("SELECT kind, id, run FROM mention")?;
    let mut rows = query.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (kind, id, run): Mentioned = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (number, run_id) = (u128::from_be_bytes(id), RunId::new(u128::from_be_bytes(run)));
        if let Some(itself) = RunId::new(number).filter(|itself| last != Some((kind, id)) && gone.contains(itself)) {
            around.entry(number).or_default().push(itself);
        }
        last = Some((kind, id));
        if let Some(run_id) = run_id.filter(|run| gone.contains(run)) {
            around.entry(number).or_default().push(run_id);
            mentions.push((kind, id, run));
        }
    }
    let mut found = Set::default();
    for (id, runs) in around {
        if runs.iter().any(|run| !found.contains(run)) && has_stored(connection, id, gone)? {
            found.extend(runs);
        }
    }
    Ok((mentions, found))
}

/// Whether a stored run has this id, or mentions it.
fn has_stored(connection: &Connection, id: u128, gone: &Set<RunId>) -> Result<bool> {
    let mut query = connection.prepare_cached("SELECT run FROM mention WHERE kind = ? AND id = ?")?;
    for kind in 0..3i64 {
        let mut rows = query.query(params![kind, id.to_be_bytes()])?;
        while let Some(row) = rows.next()? {
            let run = RunId::new(u128::from_be_bytes(row.get(0)?)).filter(|run| !gone.contains(run));
            if let Some(run) = run
                && is_stored(connection, run)?
            {
                return Ok(true);
            }
        }
    }
    match RunId::new(id).filter(|run| !gone.contains(run)) {
        Some(run) => is_stored(connection, run),
        None => Ok(false),
    }
}

fn is_stored(connection: &Connection, run: RunId) -> Result<bool> {
    let mut query = connection.prepare_cached("SELECT 1 FROM run WHERE head = ? AND tail = ?")?;
    Ok(query.query_row(halves(run), |_| Ok(())).optional()?.is_some())
}
