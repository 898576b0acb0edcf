//! The tables of the index, and opening the file.

use super::operations;
use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};

/// Marks the file as an index, in the header of the database: `SPBI`.
const APPLICATION_ID: i64 = 0x5350_4249;

/// The format that this release writes and reads. Every change of the tables, of a blob or of a block needs another.
const FORMAT: i64 = 5;

/// The oldest format that is upgraded. Format 1 had no failed work; neither 1 nor 2 had parents and roots of runs; 3 did not know which
/// messages were not settled; no release that wrote 1 to 4 could fold changed rows.
const OLDEST: i64 = 1;

/// How long to wait for others before looking again whether they have created the file.
const CREATION_TIMEOUT: Duration = Duration::from_millis(20);

/// How long to wait for others at the creation of the file. A fold never waits.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The tables.
///
/// Times and first halves of ids are stored so that signed numbers have their order (see [`ordered`](super::order::ordered)). A run has one row. Blocks
/// are found by the pieces in that row. Its numbers of spans and errors are those of the totals, unless only the records tell.
///
/// A run that another stored run started is a part of that run's operation: `root` is the row of the operation's first run, and
/// `root_at` when that began. See [`operations`]. `outdated` has ranges of rows whose failed work is to be counted again.
/// `unsettled` and `settles_others` are about messages without a settlement, see [`unsettled`](super::unsettled).
const TABLES: &str = "
    CREATE TABLE log(
        writer INTEGER NOT NULL,
        number INTEGER NOT NULL,
        passed INTEGER NOT NULL,
        length INTEGER NOT NULL,
        gone_at INTEGER,
        PRIMARY KEY(writer, number)
    ) WITHOUT ROWID;
    CREATE TABLE reader(
        name TEXT NOT NULL,
        writer INTEGER NOT NULL,
        number INTEGER NOT NULL,
        passed INTEGER NOT NULL,
        PRIMARY KEY(name, writer, number)
    ) WITHOUT ROWID;
    CREATE TABLE loss(
        id INTEGER PRIMARY KEY,
        writer INTEGER NOT NULL,
        number INTEGER NOT NULL,
        passed INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        what INTEGER NOT NULL,
        why TEXT NOT NULL,
        noted_at INTEGER NOT NULL
    );
    CREATE TABLE delivery(
        instance INTEGER NOT NULL,
        number INTEGER NOT NULL,
        hash INTEGER NOT NULL,
        writer INTEGER NOT NULL,
        log INTEGER NOT NULL,
        PRIMARY KEY(instance, number, hash)
    ) WITHOUT ROWID;
    CREATE TABLE text(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE service_set(id INTEGER PRIMARY KEY, texts BLOB NOT NULL UNIQUE);
    CREATE TABLE run(
        id INTEGER PRIMARY KEY,
        head INTEGER NOT NULL,
        tail INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        took INTEGER,
        status INTEGER NOT NULL,
        name INTEGER NOT NULL,
        services INTEGER NOT NULL,
        spans INTEGER,
        errors INTEGER,
        totals BLOB NOT NULL,
        pieces BLOB NOT NULL,
        parent BLOB,
        root INTEGER,
        root_at INTEGER,
        unsettled BLOB
    );
    CREATE INDEX run_head ON run(head);
    CREATE TABLE mention(
        kind INTEGER NOT NULL,
        id BLOB NOT NULL,
        run BLOB NOT NULL,
        PRIMARY KEY(kind, id, run)
    ) WITHOUT ROWID;
    CREATE TABLE pruned(id BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE loose(
        id INTEGER PRIMARY KEY,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        block INTEGER NOT NULL,
        place INTEGER NOT NULL
    );
    CREATE INDEX loose_at ON loose(first_at);
    CREATE TABLE block(id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL);
    CREATE TABLE dead(block INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY(block, place)) WITHOUT ROWID;
    CREATE TABLE generation(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        bits INTEGER NOT NULL,
        first_block INTEGER NOT NULL,
        last_block INTEGER NOT NULL,
        spans INTEGER NOT NULL
    );
    CREATE TABLE span_head(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    CREATE TABLE outdated(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    CREATE TABLE settles_others(receiver INTEGER PRIMARY KEY);
";

/// The indexes of the list of runs. One on few values has the time as its second column, so that the newest come first. Most runs are
/// ok, so only others are in those by status. Runs that are operations of their own and parts of others are apart, so that however many
/// parts there are, the list of operations steps over none; and those without parts have the indexes of one list alone.
const LISTS: &str = "
    CREATE INDEX run_started ON run(started_at) WHERE root IS NULL;
    CREATE INDEX run_name ON run(name, started_at) WHERE root IS NULL;
    CREATE INDEX run_services ON run(services, started_at) WHERE root IS NULL;
    CREATE INDEX run_status ON run(status, started_at) WHERE root IS NULL AND status <> 0;
    CREATE INDEX part_started ON run(started_at) WHERE root IS NOT NULL;
    CREATE INDEX part_name ON run(name, started_at) WHERE root IS NOT NULL;
    CREATE INDEX part_services ON run(services, started_at) WHERE root IS NOT NULL;
    CREATE INDEX part_status ON run(status, started_at) WHERE root IS NOT NULL AND status <> 0;
    CREATE INDEX part_root ON run(root, status) WHERE root IS NOT NULL;
    CREATE INDEX root_name ON run(name, root_at, root) WHERE root IS NOT NULL;
    CREATE INDEX root_services ON run(services, root_at, root) WHERE root IS NOT NULL;
    CREATE INDEX root_status ON run(status, root_at, root) WHERE root IS NOT NULL AND status <> 0;
";

/// What formats 1 and 2 lack. Parents are in the mentions; a run that names several shows the first by number until its records are
/// read again.
const UPGRADE: &str = "
    ALTER TABLE run ADD COLUMN parent BLOB;
    ALTER TABLE run ADD COLUMN root INTEGER;
    ALTER TABLE run ADD COLUMN root_at INTEGER;
    CREATE TABLE outdated(first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    DROP INDEX run_started;
    DROP INDEX run_name;
    DROP INDEX run_services;
    DROP INDEX run_status;
";

/// What format 3 lacks.
const UPGRADE_3: &str = "
    ALTER TABLE run ADD COLUMN unsettled BLOB;
    CREATE TABLE settles_others(receiver INTEGER PRIMARY KEY);
    DELETE FROM outdated;
    INSERT INTO outdated SELECT min(id), max(id) FROM run HAVING count(*) > 0;
";

/// The tables of changed rows, which formats 1 to 4 lack.
///
/// `changed` says by the mark of a row which runs changed it, and which pieces of no run: the id of a run has 16 bytes, the number
/// of a row in `loose` 8. `forgotten` has the time up to which changed rows were pruned.
const ROWS: &str = "
    CREATE TABLE changed(row BLOB NOT NULL, run BLOB NOT NULL, PRIMARY KEY(row, run)) WITHOUT ROWID;
    CREATE INDEX changed_run ON changed(run);
    CREATE TABLE forgotten(id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL);
";

/// Shows a file of format 3 that cannot be written as if it had what it lacks.
const FORMAT_3_AS_CURRENT: &str = "
    CREATE TEMP VIEW run AS SELECT *, NULL AS unsettled FROM main.run;
    CREATE TEMP VIEW settles_others AS SELECT 0 AS receiver WHERE 0;
";

/// The same for formats 1 and 2, with each run as an operation of its own.
const FORMATS_1_AND_2_AS_CURRENT: &str = "
    CREATE TEMP VIEW run AS SELECT *, NULL AS parent, NULL AS root, NULL AS root_at, NULL AS unsettled FROM main.run;
    CREATE TEMP VIEW outdated AS SELECT 0 AS first, 0 AS last WHERE 0;
    CREATE TEMP VIEW settles_others AS SELECT 0 AS receiver WHERE 0;
";

/// The same for what formats 1 to 4 lack.
const ROWS_AS_CURRENT: &str = "
    CREATE TEMP VIEW changed AS SELECT NULL AS row, NULL AS run WHERE 0;
    CREATE TEMP VIEW forgotten AS SELECT 0 AS id, 0 AS up_to WHERE 0;
";

/// Opens the index, and creates it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection> {
    create_file(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    set_up(&mut connection)?;
    Ok(connection)
}

/// Opens an index that cannot be written. It may be empty.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    is_made(&connection)?;
    Ok(connection)
}

/// Makes an index that cannot be written readable, if it has an older format.
pub(super) fn read_as_current(connection: &Connection) -> Result<()> {
    match inspect(connection)? {
        Some(found @ OLDEST..FORMAT) => {
            let runs = match found {
                1 | 2 => FORMATS_1_AND_2_AS_CURRENT,
                3 => FORMAT_3_AS_CURRENT,
                _ => "",
            };
            let begin = "PRAGMA temp_store = MEMORY; PRAGMA query_only = OFF;";
            let views = [begin, runs, ROWS_AS_CURRENT, "PRAGMA query_only = ON;"];
            Ok(connection.execute_batch(&views.concat())?)
        }
        _ => Ok(()),
    }
}

/// Whether it is an index in a format that this release reads. `false`: it is empty.
pub(super) fn is_made(connection: &Connection) -> Result<bool> {
    match inspect(connection)? {
        Some(OLDEST..=FORMAT) => Ok(true),
        Some(found) => Err(other_format(found)),
        None => Ok(false),
    }
}

/// An index in memory alone.
pub(super) fn in_memory() -> Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    set_up(&mut connection)?;
    Ok(connection)
}

fn set_up(connection: &mut Connection) -> Result<()> {
    let begun = Instant::now();
    // While another process creates it, SQLite fails in several ways, and some of them do not wait. Once it has, everybody who writes
    // keeps the lock for most of the time. So this looks again and again whether there is still something to create.
    connection.busy_timeout(CREATION_TIMEOUT)?;
    loop {
        match create_if_empty(connection) {
            Err(e) if e.kind() == ErrorKind::Busy && begun.elapsed() < LOCK_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(2));
            }
            other => break other?,
        }
    }
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // NORMAL: a power cut may lose the last folds, and then their logs are still there (see `fold::clean`). The size limit lets
    // the write-ahead log shrink again after a reader held it up. Fewer and larger checkpoints write less.
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -65536;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Only this user can read it. SQLite gives the files beside it the same rights.
pub(super) fn create_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Error::new(ErrorKind::Io, format!("it cannot be created ({e})"))),
    }
}

fn other_format(found: i64) -> Error {
    let message = format!("a newer spanbridge wrote it (format {found}, this release reads {FORMAT})");
    Error::new(ErrorKind::NewerFormat, message)
}

/// The format of the file. `None`: it is empty.
fn inspect(connection: &Connection) -> Result<Option<i64>> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let (application, format) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application == APPLICATION_ID && format > 0 {
        return Ok(Some(format));
    }
    if application == 0 && format == 0 && number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Ok(None);
    }
    Err(Error::new(ErrorKind::NotAStore, "it is the database of another program"))
}

fn create_if_empty(connection: &mut Connection) -> Result<()> {
    // In one transaction, since another process may be creating it.
    let look = connection.transaction()?;
    let found = inspect(&look)?;
    drop(look);
    match found {
        Some(FORMAT) => return Ok(()),
        Some(OLDEST..FORMAT) => return upgrade(connection),
        Some(found) => return Err(other_format(found)),
        None => {}
    }
    // So that pruning can give pages back. It costs a fold a fiftieth, and must be said before anything is in the file.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    write_ahead(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    match inspect(&transaction)? {
        Some(FORMAT) => return Ok(()),
        Some(found) => return Err(other_format(found)),
        None => {}
    }
    transaction.execute_batch(TABLES)?;
    transaction.execute_batch(LISTS)?;
    transaction.execute_batch(ROWS)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    Ok(transaction.commit()?)
}

/// Makes it an index in the format of this release.
fn upgrade(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(found @ OLDEST..FORMAT) = inspect(&transaction)? {
        if found < 3 {
            transaction.execute_batch(UPGRADE)?;
            operations::place_all(&transaction)?;
            transaction.execute_batch(LISTS)?;
        }
        if found < 4 {
            transaction.execute_batch(UPGRADE_3)?;
        }
        transaction.execute_batch(ROWS)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    Ok(transaction.commit()?)
}

/// Switches to write-ahead logging, for good. If two processes do so at once, SQLite fails without waiting.
pub(super) fn write_ahead(connection: &Connection) -> Result<()> {
    Ok(connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?)
}
