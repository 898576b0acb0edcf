//! The logs of a store, and how far the index has them.

use super::schema::LOCK_TIMEOUT;
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_store::log::{self, LogFile, LogName};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The log files, or none if there is no such directory.
pub(super) fn list(directory: &Path) -> Result<Vec<LogFile>> {
    match log::list(directory).map_err(Error::from) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Bytes of the logs that are not folded.
pub(super) fn unfolded_bytes(connection: &Connection, directory: &Path) -> Result<u64> {
    let passed = watermarks(connection)?;
    Ok(list(directory)?.iter().map(|file| unfolded(file, &passed)).sum())
}

/// Bytes of a log that are not folded.
pub(super) fn unfolded(file: &LogFile, watermarks: &BTreeMap<LogName, u64>) -> u64 {
    file.length.saturating_sub(watermarks.get(&file.name).copied().unwrap_or(0))
}

/// Takes the lock for writing. `false`: somebody else has it.
pub(super) fn begin(connection: &Connection) -> Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from);
    connection.busy_timeout(LOCK_TIMEOUT)?;
    match begun {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::Busy => Ok(false),
        Err(e) => Err(e),
    }
}

/// Up to where each log is folded.
pub(super) fn watermarks(connection: &Connection) -> Result<BTreeMap<LogName, u64>> {
    let mut query = connection.prepare_cached("SELECT writer, number, passed FROM log")?;
    let rows = query.query_map([], |row| {
        let log = LogName { writer: row.get::<_, i64>(0)? as u64, number: row.get(1)? };
        Ok((log, row.get::<_, i64>(2)? as u64))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
