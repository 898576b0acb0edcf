//! The log files of imported records, and the lock of imports.

use crate::index::{Index, Place};
use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};
use spanbridge_store::delivery::Delivery;
use spanbridge_store::log::{CLOSED_AFTER, Header, LogName, LogWriter, Presence};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the header of the files says in place of a service.
const SERVICE: &str = "import";

/// Bytes after which another file is begun.
const FILE_BYTES: u64 = 32 << 20;

/// A writer that was silent for so long begins another file, well before anybody takes this one for closed.
const SILENCE: Duration = Duration::from_secs(CLOSED_AFTER.as_secs() / 3);

/// How long to wait for another import. It holds the lock for the time of some thousand records, and a fold for some tenths
/// of a second.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Writes imported records into log files of its own.
pub(super) struct ImportLog {
    directory: PathBuf,
    /// The file that is locked: the index.
    index: PathBuf,
    open: Option<LogWriter>,
    next: LogName,
}

/// Where a delivery was written.
pub(super) struct Written {
    pub(super) log: LogName,
    /// From where to where.
    pub(super) frame: (u64, u64),
    pub(super) is_file_complete: bool,
}

/// While it is there, no other import and no fold changes what is stored.
pub(super) struct Lock {
    /// Its transaction ends with it.
    _connection: Connection,
}

impl ImportLog {
    /// Imports into this directory, which this index goes with.
    pub(super) fn new(directory: &Path, index: &Index) -> Result<Self> {
        let index = match index.place() {
            Place::Store(path) | Place::Cache(path) => path.clone(),
            place => {
                return Err(place
                    .assert_shared()
                    .err()
                    .unwrap_or_else(|| Error::new(ErrorKind::Io, "it has no index")));
            }
        };
        let next = LogName { writer: RandomState::new().hash_one(std::process::id()), number: 1 };
        Ok(Self { directory: directory.to_owned(), index, open: None, next })
    }

    /// Keeps others out, after waiting for them.
    pub(super) fn lock(&self) -> Result<Lock> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.index, flags)?;
        connection.busy_timeout(LOCK_TIMEOUT)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Lock { _connection: connection })
    }

    /// Writes a delivery.
    pub(super) fn write(&mut self, delivery: &Delivery) -> Result<Written> {
        if self.open.as_ref().is_some_and(is_over) {
            self.sync()?;
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let created_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
                let header = Header { name: self.next, created_at, service: SERVICE.to_owned() };
                let created = LogWriter::create(&self.directory, header).map_err(failed)?;
                self.next.number += 1;
                self.open.insert(created)
            }
        };
        let from = open.length();
        open.put(None, delivery)?;
        open.write().map_err(failed)?;
        let to = open.length();
        Ok(Written { log: open.header().name, frame: (from, to), is_file_complete: to >= FILE_BYTES })
    }

    /// Makes what was written survive a power cut.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.sync().map_err(failed))
    }
}

/// Whether nothing more may be written to a file: it is long enough, broken or gone, or others may take it for closed.
fn is_over(open: &LogWriter) -> bool {
    match open.presence() {
        Presence::There { modified } => {
            let silence = modified.and_then(|then| then.elapsed().ok()).unwrap_or_default();
            open.is_broken() || open.length() >= FILE_BYTES || silence > SILENCE
        }
        Presence::Lost { .. } => true,
    }
}

fn failed(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::StorageFull { ErrorKind::Full } else { ErrorKind::Io };
    Error::new(kind, format!("{error}")).with_cause(error)
}
