//! The SQLite file: opening it to read, and the version of its format.
//!
//! Nothing is written to the file. A process of an earlier release may still write to it.

use crate::unwritable::{self, Copy, has_log};
use crate::{Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours, in the header of the database: `SPBR`.
const APPLICATION_ID: i64 = 0x5350_4252;

/// The last format of such files.
///
/// In format 2 the totals of a run also say when it was last suspended or resumed. Totals of format 1 are read as they are.
///
/// In format 3 the directory of a delivery names the traces that its spans link to, so that a link is found from both ends. For
/// older deliveries such a link is shown for the run that has it, but not for the run it leads to. Importing the file adds it.
///
/// In format 4 the end of a span has the class of its error. In blocks of older formats it is an attribute, which is read as
/// such. In format 5 blocks may have attributes that were added to an open run.
const LAST_FORMAT: i64 = 5;

/// How long to wait for other processes. They hold the lock for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How many bits of a block's id are its number in the delivery. The rest is the delivery's id.
const BLOCK_BITS: u32 = 20;

/// The id of a block. `None` if there are more blocks or deliveries than ids.
pub(super) fn block_id(delivery: i64, block: usize) -> Option<i64> {
    let block = i64::try_from(block).ok().filter(|b| *b < 1 << BLOCK_BITS)?;
    Some(delivery.checked_mul(1 << BLOCK_BITS)? | block)
}

/// An open file.
pub(super) struct File {
    pub(super) connection: Connection,
    /// Whether deliveries have a column with the traces that they link to.
    pub(super) has_links: bool,
    /// What is read instead of the file. Removed with this, after the connection is closed.
    _copy: Option<Copy>,
}

/// Opens the file to read it.
pub(super) fn open(path: &Path) -> Result<File> {
    if !path.try_exists().unwrap_or(true) {
        return Err(not_found());
    }
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Io, "it is a directory"));
    }
    match read(path).and_then(look) {
        Ok((connection, has_links)) => Ok(File { connection, has_links, _copy: None }),
        Err(error) if unwritable::is_cause(&error) => open_where_it_is_read_only(path),
        Err(error) => Err(error),
    }
}

/// Where SQLite cannot make files beside the database.
fn open_where_it_is_read_only(path: &Path) -> Result<File> {
    let (connection, copy) = unwritable::open(path)?;
    let (connection, has_links) = look(set_up(connection)?)?;
    Ok(File { connection, has_links, _copy: copy })
}

/// Opened to be written, SQLite removes what it has made beside the database, when that is closed. Nothing is written, though:
/// what is in the write-ahead log of a process that was killed stays there.
fn read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log(path))?;
    set_up(connection)
}

fn set_up(connection: Connection) -> Result<Connection> {
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // A question scans the directories of many deliveries. The next question finds them in memory.
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Checks that it is a store in a format that can be read. The first look also finds out whether SQLite can read it here.
fn look(connection: Connection) -> Result<(Connection, bool)> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application == 0 && format == 0 && number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Err(not_found());
    }
    if application != APPLICATION_ID || format < 1 {
        return Err(Error::new(ErrorKind::NotAStore, "it is the database of another program"));
    }
    if format > LAST_FORMAT {
        let message = format!("a newer spanbridge wrote it (format {format}, this release reads up to {LAST_FORMAT})");
        return Err(Error::new(ErrorKind::NewerFormat, message));
    }
    // Not by the format: a process of format 2 may have reset that after another one had added the column.
    let has_links = connection.column_exists(None, "delivery", "links")?;
    Ok((connection, has_links))
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is none")
}
