//! The logs of a store, and how far the index has them.

use super::schema::LOCK_TIMEOUT;
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_store::log::{self, LogFile, LogName};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// The log files, or none if there is no such directory.
pub(super) fn list(directory: &Path) -> Result<Vec<LogFile>> {
    match log::list(directory).map_err(Error::from) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// Numbers that are missing before a log: the first of them, and that log.
pub type Missing = (LogName, LogName);

/// The log files, as `list`, for whoever concludes something from what is `missing` in them: it is missing in two lists. While a
/// directory is read, two files may be created, and only the later one be found.
pub fn list_surely(directory: &Path, missing: impl Fn(&[LogFile]) -> BTreeSet<Missing>) -> Result<Vec<LogFile>> {
    let mut files = list(directory)?;
    let mut before = missing(&files);
    while !before.is_empty() {
        files = list(directory)?;
        let again = missing(&files);
        if again.is_subset(&before) {
            break;
        }
        before = again;
    }
    Ok(files)
}

/// Whether runs are stored whose logs may be gone.
pub(super) fn has_runs_without_logs(connection: &Connection) -> Result<bool> {
    let mut query = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM log WHERE gone_at IS NOT NULL) AND EXISTS (SELECT 1 FROM run)")?;
    Ok(query.query_row([], |row| row.get(0))?)
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

/// Up to where each log is folded, also of those that are gone.
pub(super) fn watermarks(connection: &Connection) -> Result<BTreeMap<LogName, u64>> {
    passed(connection, "SELECT writer, number, passed FROM log")
}

/// The same, without those that are gone.
pub(super) fn still_there(connection: &Connection) -> Result<BTreeMap<LogName, u64>> {
    passed(connection, "SELECT writer, number, passed FROM log WHERE gone_at IS NULL")
}

fn passed(connection: &Connection, query: &str) -> Result<BTreeMap<LogName, u64>> {
    let mut query = connection.prepare_cached(query)?;
    let rows = query.query_map([], |row| {
        let log = LogName { writer: row.get::<_, i64>(0)? as u64, number: row.get(1)? };
        Ok((log, row.get::<_, i64>(2)? as u64))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::fold::lost::missing;
    use super::*;
    use spanbridge_store::log::{Header, LogWriter};
    use std::cell::Cell;

    /// While a directory is read, two files may be created, and only the later one be found.
    #[test]
    fn a_log_that_a_list_left_out_is_not_missing() {
        let dir = tempfile::tempdir().unwrap();
        let create = |number| {
            let name = LogName { writer: 7, number };
            drop(LogWriter::create(dir.path(), Header { name, created_at: 0, service: "test".to_owned() }).unwrap());
        };
        create(1);
        create(3);
        let lists = Cell::new(0);
        let gaps = |files: &[LogFile]| {
            let gaps = missing(files, &BTreeMap::new());
            if lists.replace(lists.get() + 1) == 0 {
                create(2);
            }
            gaps
        };
        assert_eq!(list_surely(dir.path(), gaps).unwrap().len(), 3);
        create(6);
        lists.set(1);
        let found = list_surely(dir.path(), gaps).unwrap();
        let gap = (LogName { writer: 7, number: 4 }, LogName { writer: 7, number: 6 });
        assert_eq!((missing(&found, &BTreeMap::new()), lists.get()), (BTreeSet::from([gap]), 3));
    }
}
