//! Removing logs that are not needed any more.

use super::fold::lost::{now, set_gone};
use super::handle::Index;
use super::logs::{begin, list, watermarks};
use super::place::Place;
use super::readers::{FORGET_EXPIRED, READERS};
use crate::Result;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge_store::log::{LogFile, LogName};
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
            let long_ago = before(REMEMBERED);
            connection.prepare_cached("DELETE FROM delivery WHERE EXISTS (SELECT 1 FROM log WHERE log.writer = delivery.writer AND log.number = delivery.log AND gone_at < ?)")?.execute([long_ago])?;
            forget_logs(connection, files)?;
            Ok(paths)
        };
        let marked = mark();
        connection.execute_batch(if marked.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        marked
    }
}

/// How long the last log of a writer is remembered after the file went: it tells how many there were before the next one. A process that
/// delivered nothing for longer, and then does, is said to have lost those.
const LAST_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Forgets logs that went long ago, and how far others have read them; what is left is one row for each writer, and later none. How many
/// are forgotten stays, as the place of a log that cannot exist: cursors count the logs that they do not have.
fn forget_logs(connection: &Connection, files: &[LogFile]) -> Result<()> {
    let mut query = connection.prepare_cached(
        "SELECT writer, number FROM log WHERE (writer <> 0 OR number <> 0) AND (gone_at < ?2 OR gone_at < ?1 AND EXISTS
             (SELECT 1 FROM log AS later WHERE later.writer = log.writer AND later.number > log.number))",
    )?;
    let rows = query.query_map([before(REMEMBERED), before(LAST_REMEMBERED)], |row| {
        Ok(LogName { writer: row.get::<_, i64>(0)? as u64, number: row.get(1)? })
    })?;
    let mut forgotten = 0;
    for log in rows.collect::<rusqlite::Result<Vec<_>>>()? {
        // One that could not be removed would be folded again.
        if files.binary_search_by_key(&log, |file| file.name).is_ok() {
            continue;
        }
        let name = params![log.writer as i64, log.number];
        connection.prepare_cached("DELETE FROM log WHERE writer = ? AND number = ?")?.execute(name)?;
        connection.prepare_cached("DELETE FROM reader WHERE writer = ? AND number = ?")?.execute(name)?;
        forgotten += 1;
    }
    if forgotten > 0 {
        let mut count = connection.prepare_cached(
            "INSERT INTO log(writer, number, passed, length, gone_at) VALUES (0, 0, ?1, ?1, ?2)
             ON CONFLICT(writer, number) DO UPDATE SET passed = passed + ?1, length = length + ?1",
        )?;
        count.execute([forgotten, before(Duration::ZERO)])?;
    }
    Ok(())
}

/// So long ago, in seconds since 1970.
fn before(age: Duration) -> i64 {
    now().saturating_sub(age).as_secs() as i64
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

#[cfg(test)]
mod tests {
    use super::super::position::Position;
    use super::super::schema;
    use super::*;
    use spanbridge_store::log::{Header, LogWriter};
    use std::collections::BTreeMap;

    const DAY: u64 = 24 * 60 * 60;

    fn log(writer: u64, number: u32) -> LogName {
        LogName { writer, number }
    }

    /// What is known of logs that went long ago does not grow for ever, and whoever comes back with a cursor misses nothing.
    #[test]
    fn logs_that_went_long_ago_are_forgotten() {
        let connection = schema::in_memory().unwrap();
        let add = |log: LogName, days: Option<u64>| {
            let gone_at = days.map(|days| before(Duration::from_secs(days * DAY + 1)));
            let sql = "INSERT INTO log(writer, number, passed, length, gone_at) VALUES (?, ?, 9, 9, ?)";
            connection.execute(sql, params![log.writer as i64, log.number, gone_at]).unwrap();
            let sql = "INSERT INTO reader(name, writer, number, passed) VALUES ('ship', ?, ?, 9)";
            connection.execute(sql, params![log.writer as i64, log.number]).unwrap();
        };
        // The last of a writer stays for longer; one that went lately, or is there, stays, too.
        for (name, days) in [(log(1, 1), Some(2)), (log(1, 2), Some(2)), (log(1, 3), Some(2)), (log(2, 1), Some(31))] {
            add(name, days);
        }
        for (name, days) in [(log(3, 1), Some(0)), (log(3, 2), None), (log(4, 1), Some(2)), (log(4, 2), None)] {
            add(name, days);
        }
        let dir = tempfile::tempdir().unwrap();
        let header = Header { name: log(4, 1), created_at: 0, service: "test".to_owned() };
        drop(LogWriter::create(dir.path(), header).unwrap());
        let there = list(dir.path()).unwrap();
        let known = Position { logs: BTreeMap::from([(log(1, 1), 9), (log(3, 2), 9)]), ..Position::default() };
        let others = |position: &Position| position.others(&watermarks(&connection).unwrap());
        let (nothing, some) = (others(&Position::default()), others(&known));
        assert_eq!((nothing, some), (8, 6));

        for _ in 0..2 {
            forget_logs(&connection, &there).unwrap();
            let left: Vec<LogName> = watermarks(&connection).unwrap().into_keys().collect();
            assert_eq!(left, [log(0, 0), log(1, 3), log(3, 1), log(3, 2), log(4, 1), log(4, 2)]);
            let readers: i64 = connection.query_row("SELECT count(*) FROM reader", [], |row| row.get(0)).unwrap();
            assert_eq!(readers, 5);
            // One of those that this cursor had is forgotten: it reads what it may have missed, rather than nothing.
            assert_eq!((others(&Position::default()), others(&known)), (nothing, some + 1));
        }
        // Nobody takes a new log for one of those.
        add(log(5, 1), None);
        assert_eq!(others(&Position::default()), nothing + 1);
    }
}
