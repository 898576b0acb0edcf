//! The SQLite file: opening it, creating it, and the version of its format.
//!
//! Several processes may open, create and write the file at once. So a file is set up in one transaction, which first checks
//! whether another process did it. Nothing is changed in a file before it is known to be ours.

use crate::error::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// Marks the file as ours, in the header of the database: `SPBR`.
const APPLICATION_ID: i64 = 0x5350_4252;

/// The format that this release writes.
const FORMAT: i64 = 1 + MIGRATIONS.len() as i64;

/// The step at index `n` brings format `n + 1` to `n + 2`. Every change of the tables, of a blob or of a block adds a step.
///
/// Format 2: the totals of a run also say when it was last suspended or resumed. Totals of format 1 are read as they are.
/// Nothing is rewritten, since a process of that release may still be writing.
///
/// Format 3: the directory of a delivery names the traces that its spans link to, so that a link is found from both ends.
/// Deliveries of older formats, or of older releases that still write, do not have that: such a link is shown for the run
/// that has it, but not for the run it leads to. Adding it would mean to unpack every block. That takes seconds for each
/// gigabyte, and no recorder waits that long for the lock. Exporting such a store and importing it into a new one adds it.
///
/// Format 4: the end of a span has the class of its error. In blocks of older formats it is an attribute, which is read as
/// such.
///
/// Format 5: blocks may have records of attributes that were added to an open run. Older releases cannot read such a block.
const MIGRATIONS: [fn(&Transaction<'_>) -> rusqlite::Result<()>; 4] = [|_| Ok(()), add_links, |_| Ok(()), |_| Ok(())];

/// Adds the column, unless it exists: a process of format 2 that opened the file at the same time may have reset its version.
fn add_links(tables: &Transaction<'_>) -> rusqlite::Result<()> {
    if tables.column_exists(None, "delivery", "links")? {
        return Ok(());
    }
    tables.execute_batch("ALTER TABLE delivery ADD COLUMN links BLOB NOT NULL DEFAULT x''")
}

/// How long to wait for other processes. They hold the lock for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The tables of the current format.
///
/// The columns of a delivery are in the order in which look-ups need them, since SQLite reads a long row from the front. If
/// `links` was added by a migration, it is the last column; it is usually empty, and the header of the row tells. Its default
/// is for older releases, which do not know the column. AUTOINCREMENT, because blocks are found by the id of their delivery,
/// which must not be reused after the table was emptied. The index finds a repeated batch. An import has no batch.
const TABLES: &str = "
    CREATE TABLE delivery(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instance INTEGER,
        number INTEGER,
        hash INTEGER NOT NULL,
        records INTEGER NOT NULL,
        spans INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        block_list BLOB NOT NULL,
        run_heads BLOB NOT NULL,
        run_tails BLOB NOT NULL,
        traces BLOB NOT NULL,
        parents BLOB NOT NULL,
        links BLOB NOT NULL DEFAULT x'',
        aggregates BLOB NOT NULL,
        span_heads BLOB NOT NULL
    );
    CREATE INDEX delivery_batch ON delivery(instance, number) WHERE instance IS NOT NULL;
    CREATE TABLE block(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
";

/// How many bits of a block's id are its number in the delivery. The rest is the delivery's id.
const BLOCK_BITS: u32 = 20;

/// The id of a block. `None` if there are more blocks or deliveries than ids.
pub fn block_id(delivery: i64, block: usize) -> Option<i64> {
    let block = i64::try_from(block).ok().filter(|b| *b < 1 << BLOCK_BITS)?;
    Some(delivery.checked_mul(1 << BLOCK_BITS)? | block)
}

/// The first and the last id that a block of a delivery can have. `None` if it has no blocks.
pub fn block_ids(delivery: i64) -> Option<[i64; 2]> {
    let last = (1 << BLOCK_BITS) - 1;
    Some([block_id(delivery, 0)?, block_id(delivery, last)?])
}

/// What to do if there is no store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IfMissing {
    Create,
    Fail,
}

/// Opens the store at this path.
pub fn open(path: &Path, if_missing: IfMissing) -> Result<Connection> {
    open_inner(path, if_missing).map_err(|e| e.at("open", path))
}

fn open_inner(path: &Path, if_missing: IfMissing) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if if_missing == IfMissing::Create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(|e| {
                Error::new(ErrorKind::Io, format!("its directory cannot be created ({e})")).with_source(e)
            })?;
        }
    } else if !path.try_exists().unwrap_or(true) {
        return Err(not_found());
    }
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Io, "it is a directory"));
    }
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // In one transaction, since another process may be creating it.
    let look = connection.transaction()?;
    let content = inspect(&look)?;
    drop(look);
    match content {
        Content::Empty if if_missing == IfMissing::Fail => return Err(not_found()),
        Content::Empty => create(&mut connection)?,
        Content::Format(found) => upgrade(&mut connection, found)?,
    }
    if if_missing == IfMissing::Create {
        check_writable(&mut connection)?
    }
    // NORMAL: if the process crashes, nothing is lost; in a power cut, at most the last moments. The size limit lets the log
    // shrink again after a reader held it up. Fewer and larger checkpoints write less.
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Fails at once if the store cannot be written to. Later a sink could tell nobody.
fn check_writable(connection: &mut Connection) -> Result<()> {
    let tables = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A write that changes nothing. SQLite grants the lock even for a read-only file.
    tables.execute("DELETE FROM delivery WHERE id < 0", [])?;
    // Writes the version that is there, which a newer release may have changed just now.
    let format: i64 = tables.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(tables.pragma_update(None, "user_version", format)?)
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is none")
}

/// What a file contains.
enum Content {
    Empty,
    Format(i64),
}

fn inspect(connection: &Connection) -> Result<Content> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application == APPLICATION_ID && format > 0 {
        return Ok(Content::Format(format));
    }
    if application == 0 && format == 0 && number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Ok(Content::Empty);
    }
    Err(Error::new(ErrorKind::NotAStore, "it is the database of another program"))
}

fn create(connection: &mut Connection) -> Result<()> {
    write_ahead(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match inspect(&transaction)? {
        Content::Format(found) => {
            drop(transaction);
            upgrade(connection, found)
        }
        Content::Empty => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            Ok(transaction.commit()?)
        }
    }
}

/// Switches to write-ahead logging, for good. If two processes do so at once, SQLite fails without waiting.
fn write_ahead(connection: &Connection) -> Result<()> {
    let begun = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(e) => {
                let error = Error::from(e);
                if error.kind() != ErrorKind::Busy || begun.elapsed() > LOCK_TIMEOUT {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Brings an older format to the current one. Fails for a newer one.
fn upgrade(connection: &mut Connection, found: i64) -> Result<()> {
    if found == FORMAT {
        return Ok(());
    }
    if found > FORMAT {
        let message = format!("a newer spanbridge wrote it (format {found}, this release reads up to {FORMAT})");
        return Err(Error::new(ErrorKind::NewerFormat, message));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let Content::Format(found) = inspect(&transaction)? else {
        return Err(Error::corrupt("it has lost its format version"));
    };
    for step in MIGRATIONS.iter().skip(usize::try_from(found - 1).unwrap_or(0)) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}
