//! Looking after the file of the index: checking it, copying it, putting it aside.

use super::fold::lost::losses;
use super::handle::Index;
use super::logs::watermarks;
use super::place::Place;
use super::run::halves;
use super::{changed, order, place, schema};
use crate::engine::Damaged;
use crate::unwritable;
use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};
use spanbridge_store::log::LogName;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

impl Index {
    /// What SQLite finds wrong with the file.
    pub(crate) fn integrity(&self) -> Result<Vec<String>> {
        let mut query = self.connection.prepare("PRAGMA integrity_check")?;
        let lines = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>();
        match lines {
            Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
            // It gave up.
            Err(e) => match Error::from(e) {
                e if e.kind() == ErrorKind::Corrupt => Ok(vec![e.to_string()]),
                e => Err(e),
            },
        }
    }

    /// Up to where each log is folded.
    pub(crate) fn folded_to(&self) -> Result<BTreeMap<LogName, u64>> {
        watermarks(&self.connection)
    }

    /// What is known to be missing.
    pub(crate) fn losses(&self) -> Result<Vec<Damaged>> {
        losses(&self.connection)
    }

    /// How many mentions are by a run that is neither stored nor remembered as pruned.
    pub(crate) fn stray_mentions(&self) -> Result<u64> {
        let sql = "SELECT run FROM mention WHERE NOT EXISTS (SELECT 1 FROM pruned WHERE pruned.id = mention.run)";
        let mut query = self.connection.prepare(sql)?;
        let mut rows = query.query([])?;
        let mut run = self.connection.prepare("SELECT 1 FROM run WHERE head = ? AND tail = ?")?;
        let mut strays = 0;
        while let Some(row) = rows.next()? {
            let id = spanbridge::RunId::new(u128::from_be_bytes(row.get(0)?));
            let is_stored = id.map(|id| run.exists(halves(id))).transpose()?.unwrap_or(false);
            strays += u64::from(!is_stored);
        }
        Ok(strays)
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> Result<u64> {
        Ok(self.connection.query_row("SELECT count(*) FROM block", [], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Does this while nobody folds or prunes, so watermarks and logs stay as they are.
    pub(crate) fn while_still<T>(&self, what: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Place::ReadOnly(path) = &self.place {
            // There is no lock to be had.
            let before = place::state(path);
            let done = what()?;
            return match place::state(path) == before {
                true => Ok(done),
                false => Err(Error::new(ErrorKind::Moved, "others changed the index while it was read")),
            };
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = self.assert_in_place().and_then(|()| what());
        self.connection.execute_batch("ROLLBACK")?;
        done
    }

    /// Copies what is committed into a new file, which is private to this user.
    pub(crate) fn copy_to(&self, target: &Path) -> Result<()> {
        let Some(path) = self.place.path() else { return Ok(()) };
        schema::create_file(target)?;
        let text = target.to_str().ok_or_else(|| Error::new(ErrorKind::Io, "the path of the target is not UTF-8"))?;
        // Another connection, because this one may be in a transaction.
        let (connection, _copy) = match self.place {
            Place::ReadOnly(_) => unwritable::open(path)?,
            _ => (schema::open_to_read(path)?, None),
        };
        connection.execute_batch("PRAGMA query_only = OFF")?;
        connection.execute("VACUUM INTO ?", [text])?;
        let copy = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::write_ahead(&copy)?;
        drop(copy);
        fs::File::open(target).and_then(|file| file.sync_all()).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))
    }
}

/// Moves the file of the index into a new directory beside it, with this end of its name. `None`: there is no index.
///
/// # Errors
/// [`ErrorKind::Busy`] if another process has it open.
pub(crate) fn put_aside(directory: &Path, end: &str) -> Result<Option<PathBuf>> {
    let place = place::existing(directory)?;
    let Some(path) = place.as_ref().and_then(Place::path) else { return Ok(None) };
    let into = match place {
        Some(Place::Cache(_)) => path.with_extension(end),
        _ => directory.join(end),
    };
    let held = hold(path)?;
    let failed = |e: std::io::Error| Error::new(ErrorKind::Io, format!("the index cannot be moved ({e})"));
    fs::create_dir_all(&into).map_err(failed)?;
    let name = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    for end in ["-wal", "-shm", ""] {
        match fs::rename(name(end), into.join(format!("index.db{end}"))) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !end.is_empty() => {}
            other => other.map_err(failed)?,
        }
    }
    drop(held);
    Ok(Some(into))
}

/// Keeps everybody else out of the file. `None`: it is so damaged that nobody can open it.
fn hold(path: &Path) -> Result<Option<Connection>> {
    let hold = || -> Result<Connection> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(schema::LOCK_TIMEOUT)?;
        // That of a newer release stays as it is.
        schema::is_made(&connection)?;
        let _: String = connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |row| row.get(0))?;
        // This leaves one file. It fails if anybody else has it open.
        let _: String = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        connection.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(connection)
    };
    match hold() {
        Ok(connection) => Ok(Some(connection)),
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::NotAStore) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The runs of a file that was put aside.
pub(crate) fn runs_in(file: &Path) -> Result<Vec<spanbridge::RunId>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query = connection.prepare("SELECT head, tail FROM run")?;
    let rows = query.query_map([], |row| {
        let head = order::unordered(row.get(0)?);
        Ok(u128::from(head) << 64 | u128::from(row.get::<_, i64>(1)? as u64))
    })?;
    let ids = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(ids.into_iter().filter_map(spanbridge::RunId::new).collect())
}

/// Notes in an index that was made again which changes of rows it lacks: those that only the file which was put aside had, and those that
/// had been pruned there. If that cannot be read, any earlier one may be missing.
pub(crate) fn note_missing_changes(index: &Index, file: &Path, has: impl Fn(spanbridge::RunId) -> bool) -> Result<()> {
    let missing = || {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match connection.table_exists(None, "forgotten")? {
            true => changed::missing_without(&connection, has),
            // Of an older format, which had none.
            false => Ok(None),
        }
    };
    match missing().unwrap_or_else(|_| Some((index.clock)())) {
        Some(until) => changed::note_forgotten(&index.connection, until),
        None => Ok(()),
    }
}

impl Place {
    /// Whether the index stays when it is closed.
    pub(crate) fn is_kept(&self) -> bool {
        !matches!(self, Place::Memory)
    }
}
