//! Reading a SQLite file where SQLite cannot write.

mod copy;

use crate::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use copy::Copy;

/// Whether SQLite could not open or make the files beside the database, so that [`open`] is worth a try.
pub(crate) fn is_cause(error: &Error) -> bool {
    let by_sqlite = error.cause().and_then(|e| e.downcast_ref::<rusqlite::Error>());
    matches!(
        by_sqlite.and_then(rusqlite::Error::sqlite_error_code),
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly)
    )
}

/// SQLite makes files beside the database, and cannot here. If all is in the database itself, it can be read without them.
/// Otherwise the last transactions are in the write-ahead log, and a copy of both can be read. The copy must outlive the
/// connection.
///
/// This sees the file as it is now. What others write to it later is not seen, or is in disorder.
pub(crate) fn open(path: &Path) -> Result<(Connection, Option<Copy>)> {
    if has_log(path) {
        let copy = Copy::of(&[(path, "copy.db"), (&log(path), "copy.db-wal")])?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(copy.path("copy.db"), flags)?;
        connection.execute_batch("PRAGMA query_only = ON")?;
        return Ok((connection, Some(copy)));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Ok((Connection::open_with_flags(uri(path, "immutable=1")?, flags)?, None))
}

/// Whether something is in the write-ahead log.
pub(crate) fn has_log(path: &Path) -> bool {
    fs::metadata(log(path)).is_ok_and(|about| about.len() > 0)
}

/// The write-ahead log of a database.
pub(crate) fn log(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push("-wal");
    path.with_file_name(name)
}

/// A path as a URI, in which only plain characters stand for themselves.
fn uri(path: &Path, options: &str) -> Result<PathBuf> {
    let path = std::path::absolute(path).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    Ok(PathBuf::from(format!("{uri}?{options}")))
}
