//! The SQLite file: opening it, making it, its format's version.
//!
//! Several processes may open, make and write it at once. So a new file is made in one transaction, which looks again
//! whether another process was first; and nothing is changed in a file before it is known to be ours.

use crate::error::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// Marks the file as ours, in the header of the database: `SPBR`.
const APPLICATION_ID: i64 = 0x5350_4252;

/// The format that this release writes.
const FORMAT: i64 = 1 + MIGRATIONS.len() as i64;

/// The step at place `n` brings format `n + 1` to `n + 2`. A change of the tables, of a blob or of a block adds one.
///
/// Format 2: sums of a run also say when it was touched for the last time. Those of format 1 that do not are read for what
/// they are, and a process of that release may still be writing them, so nothing is rewritten.
///
/// Format 3: a delivery's directory says which traces its spans are linked to, so that a link is found from its far end.
/// That of deliveries of older formats, and of a process of an older release that goes on writing, says of none: such a link
/// is shown on the page of the run that has it, and not on that of the run that it leads to. To find them out means to
/// unpack every block; that takes seconds for each gigabyte, under a lock for which no recorder waits so long. Exporting
/// such a store and importing it into a new one finds them all.
const MIGRATIONS: [fn(&Transaction<'_>) -> rusqlite::Result<()>; 2] = [|_| Ok(()), add_links];

/// Unless it is there: a process of format 2 that was opening the file at the same time may have put its number back.
fn add_links(tables: &Transaction<'_>) -> rusqlite::Result<()> {
    if tables.column_exists(None, "delivery", "links")? {
        return Ok(());
    }
    tables.execute_batch("ALTER TABLE delivery ADD COLUMN links BLOB NOT NULL DEFAULT x''")
}

/// How long to wait for other processes. They hold the lock for milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of the present format.
///
/// A delivery's columns stand in the order in which look-ups need them: SQLite reads a long row from the front. Where
/// `links` was added later it is the last; most are empty, which is told from the head of a row. The default is for
/// processes of older releases, which do not know the column.
/// AUTOINCREMENT, because blocks are found by the number of their delivery, which must not come again when the table has
/// been emptied. The index finds a batch that comes again; imports have no batch.
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

/// How many bits of a block's id are its number in the delivery; the rest is the delivery's id.
const BLOCK_BITS: u32 = 20;

/// The id of a block. `None`: there are more blocks, or deliveries, than ids.
pub(crate) fn block_id(delivery: i64, block: usize) -> Option<i64> {
    let block = i64::try_from(block).ok().filter(|b| *b < 1 << BLOCK_BITS)?;
    Some(delivery.checked_mul(1 << BLOCK_BITS)? | block)
}

/// The first and the last id that a block of a delivery can have. `None`: it has no blocks.
pub(crate) fn block_ids(delivery: i64) -> Option<[i64; 2]> {
    let last = (1 << BLOCK_BITS) - 1;
    Some([block_id(delivery, 0)?, block_id(delivery, last)?])
}

/// Whether a store that is not there is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

/// Opens the store at this path.
pub(crate) fn open(path: &Path, missing: Missing) -> Result<Connection> {
    open_inner(path, missing).map_err(|e| e.at("open", path))
}

fn open_inner(path: &Path, missing: Missing) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if missing == Missing::Make {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent)
                .map_err(|e| Error::new(ErrorKind::Io, format!("its directory cannot be made ({e})")).with_source(e))?;
        }
    } else if !path.try_exists().unwrap_or(true) {
        return Err(not_found());
    }
    if path.is_dir() {
        return Err(Error::new(ErrorKind::Io, "it is a directory"));
    }
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // One look at it, not several: another process may be making it.
    let look = connection.transaction()?;
    let state = inspect(&look)?;
    drop(look);
    match state {
        State::Empty if missing == Missing::Refuse => return Err(not_found()),
        State::Empty => make(&mut connection)?,
        State::Format(found) => upgrade(&mut connection, found)?,
    }
    if missing == Missing::Make {
        may_write(&mut connection)?
    }
    // NORMAL: a crash of the process loses nothing, a power cut at most the last moments. The limit lets the log shrink
    // again after a reader held it up; few, larger checkpoints write less.
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Whoever opens a store to write to it is told at once when that cannot be: a sink has nobody to tell later.
fn may_write(connection: &mut Connection) -> Result<()> {
    let tables = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A write that changes nothing: the lock alone is also given for a file that is read-only.
    tables.execute("DELETE FROM delivery WHERE id < 0", [])?;
    // The same number again, which need not be ours any longer: a newer release may have been here just now.
    let format: i64 = tables.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(tables.pragma_update(None, "user_version", format)?)
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is none; record something first, or name another file")
}

/// What a file turns out to be.
enum State {
    Empty,
    Format(i64),
}

fn inspect(connection: &Connection) -> Result<State> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application == APPLICATION_ID && format > 0 {
        return Ok(State::Format(format));
    }
    if application == 0 && format == 0 && number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Ok(State::Empty);
    }
    Err(Error::new(ErrorKind::NotAStore, "it is the database of another program"))
}

fn make(connection: &mut Connection) -> Result<()> {
    write_ahead(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match inspect(&transaction)? {
        State::Format(found) => {
            drop(transaction);
            upgrade(connection, found)
        }
        State::Empty => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            Ok(transaction.commit()?)
        }
    }
}

/// Switches to write-ahead logging, for good. While two processes do so at once, SQLite refuses without waiting.
fn write_ahead(connection: &Connection) -> Result<()> {
    let begun = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(e) => {
                let error = Error::from(e);
                if error.kind() != ErrorKind::Busy || begun.elapsed() > PATIENCE {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Brings an older format to the present one; refuses a newer one.
fn upgrade(connection: &mut Connection, found: i64) -> Result<()> {
    if found == FORMAT {
        return Ok(());
    }
    if found > FORMAT {
        let message = format!(
            "it was written by a newer spanbridge (format {found}, this one reads {FORMAT}): upgrade spanbridge"
        );
        return Err(Error::new(ErrorKind::NewerFormat, message));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let State::Format(found) = inspect(&transaction)? else { return Err(Error::corrupt("its format is gone")) };
    for step in MIGRATIONS.iter().skip(usize::try_from(found - 1).unwrap_or(0)) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}
