//! Records that the index never gets: what cannot be read, and logs that went too early.

use super::super::logs::Missing;
use crate::Result;
use crate::engine::Damaged;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge_store::log::{LogFile, LogName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) enum Loss {
    /// Bytes of a log cannot be read.
    Damaged = 0,
    /// A log was removed before it was folded.
    Gone = 1,
    /// Logs were removed that nobody has seen: their numbers are missing.
    Unseen = 2,
}

/// Notes that bytes of a log are missing in the index. Once for each place.
pub(in crate::index) fn note(
    connection: &Connection,
    log: LogName,
    from: u64,
    to: u64,
    what: Loss,
    why: &str,
) -> Result<()> {
    let mut known =
        connection.prepare_cached("SELECT 1 FROM loss WHERE writer = ? AND number = ? AND passed = ? AND what = ?")?;
    let place = params![log.writer as i64, log.number, from as i64, what as i64];
    if known.query_row(place, |_| Ok(())).optional()?.is_some() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(
        "INSERT INTO loss(writer, number, passed, bytes, what, why, noted_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    let (bytes, noted_at) = (to.saturating_sub(from) as i64, now().as_secs() as i64);
    add.execute(params![log.writer as i64, log.number, from as i64, bytes, what as i64, why, noted_at])?;
    Ok(())
}

/// Notes which logs went before they were folded: those that are known and not there, and those whose numbers are missing.
pub(in crate::index) fn note_lost(
    connection: &Connection,
    files: &[LogFile],
    before: &BTreeMap<LogName, u64>,
) -> Result<()> {
    let there: BTreeSet<LogName> = files.iter().map(|file| file.name).collect();
    let mut query =
        connection.prepare_cached("SELECT writer, number, passed, length FROM log WHERE gone_at IS NULL")?;
    let rows = query.query_map([], |row| {
        let log = LogName { writer: row.get::<_, i64>(0)? as u64, number: row.get(1)? };
        Ok((log, row.get::<_, i64>(2)? as u64, row.get::<_, i64>(3)? as u64))
    })?;
    for row in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        let (log, passed, length) = row;
        if there.contains(&log) {
            continue;
        }
        if passed < length {
            note(connection, log, passed, length, Loss::Gone, "the log was removed before it was folded")?;
        }
        set_gone(connection, log)?;
    }
    for (first, log) in missing(files, before) {
        let why = match u64::from(log.number - first.number) {
            1 => "this log was removed before it was seen".to_owned(),
            n => format!("{n} logs of this writer, from this one on, were removed before they were seen"),
        };
        note(connection, first, 0, 0, Loss::Unseen, &why)?;
    }
    Ok(())
}

/// The logs that nobody has seen: the numbers of a writer count up from 1.
pub fn missing(files: &[LogFile], before: &BTreeMap<LogName, u64>) -> BTreeSet<Missing> {
    let all: BTreeSet<LogName> = files.iter().map(|file| file.name).chain(before.keys().copied()).collect();
    let (mut last, mut missing): (Option<LogName>, _) = (None, BTreeSet::new());
    for log in all {
        let expected = last.filter(|last| last.writer == log.writer).map_or(1, |last| last.number.saturating_add(1));
        if log.number > expected && !before.contains_key(&log) {
            missing.insert((LogName { number: expected, ..log }, log));
        }
        last = Some(log);
    }
    missing
}

/// Notes that a log is not there any more.
pub(in crate::index) fn set_gone(connection: &Connection, log: LogName) -> Result<()> {
    let mut set = connection.prepare_cached("UPDATE log SET gone_at = ?3 WHERE writer = ?1 AND number = ?2")?;
    set.execute(params![log.writer as i64, log.number, now().as_secs() as i64])?;
    Ok(())
}

/// The time since 1970.
pub(in crate::index) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// What is missing in the index because it could not be read, or was removed before it was folded.
pub(in crate::index) fn losses(connection: &Connection) -> Result<Vec<Damaged>> {
    let mut query =
        connection.prepare_cached("SELECT writer, number, passed, bytes, why, what FROM loss ORDER BY id")?;
    let rows = query.query_map([], |row| {
        let log = LogName { writer: row.get::<_, i64>(0)? as u64, number: row.get(1)? };
        let (from, bytes, why): (i64, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let length = if bytes > 0 { format!(", {bytes} bytes") } else { String::new() };
        let is_gone = row.get::<_, i64>(5)? != Loss::Damaged as i64;
        let tell = if is_gone { Damaged::gone } else { Damaged::new };
        Ok(tell(format!("log {log} at {from}{length}"), why))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets what was noted before this time, in seconds since 1970.
pub(in crate::index) fn forget(connection: &Connection, before: u64) -> Result<()> {
    connection.prepare_cached("DELETE FROM loss WHERE noted_at < ?")?.execute([before as i64])?;
    Ok(())
}
