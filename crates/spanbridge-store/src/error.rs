//! The one error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// Why the store could not do what it was asked. The message is a fragment that reads on after "failed to …".
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, for code that decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no store at this path. Reading never makes one.
    NotFound,
    /// The file is something else: not a database, or the database of another program.
    NotAStore,
    /// The file was written by a newer release, in a format that this one cannot read.
    NewerFormat,
    /// What the file holds contradicts itself: a torn copy, a damaged disk.
    Corrupt,
    /// Other processes held the lock for too long. Trying again later may help.
    Busy,
    /// The disk is full, or the file may not grow.
    Full,
    /// The file or its directory cannot be read or written.
    Io,
    /// What was looked for is not an id: it takes 4 to 32 hexadecimal digits.
    InvalidId,
    /// Neither `SPANBRIDGE_DB` nor a data directory of the user is known.
    NoDefaultPath,
}

/// The result of everything fallible here.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is stored makes no sense; `what` says where.
    pub(crate) fn corrupt(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, what.to_string())
    }

    /// The same error, with the file it happened in.
    pub(crate) fn at(mut self, doing: &str, path: &Path) -> Self {
        self.message = format!("{doing} the store {}: {}", path.display(), self.message);
        self
    }

    /// What is stored in a row makes no sense, and SQLite has nothing against the file.
    pub(crate) fn is_of_a_row(&self) -> bool {
        let by_sqlite = self.source.as_ref().and_then(|e| e.downcast_ref::<rusqlite::Error>());
        self.kind == ErrorKind::Corrupt && by_sqlite.is_none_or(|e| e.sqlite_error_code().is_none())
    }

    /// What went wrong, for code that decides by it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// SQLite's codes become kinds, so that callers need not know SQLite.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let (kind, hint) = match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => (ErrorKind::Busy, "other processes kept it locked"),
            Some(Code::DiskFull) => (ErrorKind::Full, "the disk is full"),
            Some(Code::NotADatabase) => (ErrorKind::NotAStore, "it is not a SQLite database"),
            Some(Code::DatabaseCorrupt) => (ErrorKind::Corrupt, "the file is damaged"),
            Some(Code::ReadOnly) => (ErrorKind::Io, "it may not be written to"),
            Some(Code::CannotOpen) => (ErrorKind::Io, "it is a directory, or may not be opened"),
            Some(_) => (ErrorKind::Io, "SQLite refused"),
            // A column of another type than the format says: not what this release wrote.
            None => (ErrorKind::Corrupt, "a row is not as the format says"),
        };
        Self::new(kind, format!("{hint} ({error})")).with_source(error)
    }
}
