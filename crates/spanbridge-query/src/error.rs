//! The error of this crate.

use spanbridge_store::ErrorKind as StoreErrorKind;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// Why a question failed. The message continues "failed to …", and includes the cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// Where the message says why, behind what was being done.
    reason_at: usize,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no store at this path. Reading never creates one.
    NotFound,
    /// The path is not a store: it is a file that is no database, or the database of another program.
    NotAStore,
    /// A newer release wrote it, in a format that this release cannot read.
    NewerFormat,
    /// What is stored is damaged, such as by an incomplete copy or a broken disk.
    Corrupt,
    /// Other processes held the lock for too long. A later attempt may succeed.
    Busy,
    /// The disk is full, or a file cannot grow.
    Full,
    /// The store, or a file of it, was removed or replaced while it was open. Open it again.
    Moved,
    /// Something is where a copy should go.
    Occupied,
    /// A file or its directory cannot be read or written, or another database did not answer.
    Io,
    /// The text is not an id or the beginning of one: 4 to 32 hexadecimal digits.
    InvalidId,
    /// The question was given up: see [`Store::stop_when`](crate::Store::stop_when).
    Stopped,
    /// It can only be read: the engine does not store records.
    ReadOnly,
    /// The path cannot be one of a store, such as `:memory:` or a URL.
    InvalidPath,
    /// `SPANBRIDGE_DB` is not set, and the user has no data directory.
    NoDefaultPath,
}

/// The result of everything that can fail in this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind. The message continues "failed to …"; or, if an engine returns it, "failed to read the store …: …".
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), reason_at: 0, source: None }
    }

    /// Keeps the error that caused it, for [`Error::cause`]. The message must say it, too.
    pub fn with_cause(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// What is stored cannot be right; `what` says where.
    pub(crate) fn corrupt(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, what.to_string())
    }

    /// Adds what was being done, and the path of the store.
    pub(crate) fn at(mut self, doing: &str, path: &Path) -> Self {
        let context = format!("{doing} the store {}: ", path.display());
        self.reason_at += context.len();
        self.message.insert_str(0, &context);
        self
    }

    /// What went wrong, for code that branches on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without what was being done and to which store, for those who show that elsewhere.
    pub fn reason(&self) -> &str {
        self.message.get(self.reason_at..).unwrap_or(&self.message)
    }

    /// The error that caused it, if another library reported one.
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.source.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Without a source: the message already says the cause.
impl StdError for Error {}

/// The message stays.
impl From<spanbridge_store::Error> for Error {
    fn from(error: spanbridge_store::Error) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::NotFound => ErrorKind::NotFound,
            StoreErrorKind::NotAStore => ErrorKind::NotAStore,
            StoreErrorKind::NewerFormat => ErrorKind::NewerFormat,
            StoreErrorKind::Corrupt => ErrorKind::Corrupt,
            StoreErrorKind::Full => ErrorKind::Full,
            StoreErrorKind::InvalidPath => ErrorKind::InvalidPath,
            StoreErrorKind::NoDefaultPath => ErrorKind::NoDefaultPath,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error.to_string()).with_cause(error)
    }
}

/// SQLite's codes become kinds, so that callers do not need to know SQLite.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let (kind, hint) = match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => (ErrorKind::Busy, "other processes kept it locked"),
            Some(Code::DiskFull) => (ErrorKind::Full, "the disk is full"),
            Some(Code::NotADatabase) => (ErrorKind::NotAStore, "it is not a SQLite database"),
            Some(Code::DatabaseCorrupt) => (ErrorKind::Corrupt, "the file is damaged"),
            Some(Code::ReadOnly) => (ErrorKind::Io, "it is read-only"),
            Some(Code::CannotOpen) => (ErrorKind::Io, "it is a directory, or access to it is denied"),
            Some(_) => (ErrorKind::Io, "SQLite reported an error"),
            // A column has the wrong type: this release did not write it.
            None => (ErrorKind::Corrupt, "a row does not match the format"),
        };
        Self::new(kind, format!("{hint} ({error})")).with_cause(error)
    }
}
