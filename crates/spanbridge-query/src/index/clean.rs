//! Removing logs that are not needed any more.

use super::fold::lost::{now, set_gone};
use super::handle::Index;
use super::logs::{begin, list, watermarks};
use super::place::Place;
use super::readers::{FORGET_EXPIRED, READERS};
use crate::Result;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge_store::log::LogFile;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How long deliveries and files are remembered after the file went. A delivery that comes twice comes within moments.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

impl Index {
    /// Removes the logs that are wholly folded, closed, and passed by every reader. Answers how many.
    pub(super) fn clean(&self) -> Result<u64> {
        let connection = &self.connection;
        if !matches!(self.place, Place::Store(_)) {
            return Ok(0);
        }
        let files = list(&self.directory)?;
        if removable(connection, &files)?.is_empty() {
            return Ok(0);
        }
        // What is folded must survive a power cut before the logs go. A commit in this mode syncs all that was written before.
        connection.execute_batch("PRAGMA synchronous = FULL")?;
        let marked = self.mark(&files);
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        let mut removed = 0;
        for path in marked? {
            // If it cannot be removed, it is passed all the same, and tried again.
            removed += u64::from(std::fs::remove_file(path).is_ok());
        }
        Ok(removed)
    }

    /// Marks the logs as gone that can be removed.
    fn mark(&self, files: &[LogFile]) -> Result<Vec<PathBuf>> {
        let connection = &self.connection;
        if !begin(connection)? {
            return Ok(Vec::new());
        }
        let mark = || {
            self.assert_in_place()?;
            let mut paths = Vec::new();
            connection.prepare_cached(FORGET_EXPIRED)?.execute([now().as_secs() as i64])?;
            for file in removable(connection, files)? {
                set_gone(connection, file.name)?;
                paths.push(file.path.clone());
            }
            let long_ago = (now().as_secs() as i64) - REMEMBERED.as_secs() as i64;
            connection.prepare_cached("DELETE FROM delivery WHERE EXISTS (SELECT 1 FROM log WHERE log.writer = delivery.writer AND log.number = delivery.log AND gone_at < ?)")?.execute([long_ago])?;
            Ok(paths)
        };
        let marked = mark();
        connection.execute_batch(if marked.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        marked
    }
}

/// The logs that are not needed any more.
fn removable<'f>(connection: &Connection, files: &'f [LogFile]) -> Result<Vec<&'f LogFile>> {
    let passed = watermarks(connection)?;
    let now = SystemTime::now();
    let mut names = connection.prepare_cached(READERS)?;
    let readers = names
        .query_map([self::now().as_secs() as i64], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut found = Vec::new();
    for file in files {
        if passed.get(&file.name).is_none_or(|passed| *passed < file.length) || !file.is_closed(files, now) {
            continue;
        }
        let mut by_all = true;
        for reader in &readers {
            let mut query =
                connection.prepare_cached("SELECT passed FROM reader WHERE name = ? AND writer = ? AND number = ?")?;
            let at: Option<i64> = query
                .query_row(params![reader, file.name.writer as i64, file.name.number], |row| row.get(0))
                .optional()?;
            by_all &= at.is_some_and(|at| at as u64 >= file.length);
        }
        if by_all {
            found.push(file);
        }
    }
    Ok(found)
}
