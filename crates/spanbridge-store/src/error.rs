//! The error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// Why a store operation failed. The message continues "failed to …", and includes the cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no store at this path. Reading never creates one.
    NotFound,
    /// Something else is at the path: a file that is no store, or a device.
    NotAStore,
    /// A newer release wrote the file, in a format that this release cannot read.
    NewerFormat,
    /// What is stored is damaged, such as by an incomplete copy or a broken disk.
    Corrupt,
    /// The disk is full, or the file cannot grow.
    Full,
    /// The file or its directory cannot be read or written.
    Io,
    /// The path cannot be that of a store, such as `:memory:` or a URL.
    InvalidPath,
    /// `SPANBRIDGE_DB` is not set, and the user has no data directory.
    NoDefaultPath,
    /// The recorder could not be installed, such as because another one is.
    NotInstalled,
}

/// The result of everything that can fail in this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    #[doc(hidden)]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What is stored cannot be right; `what` says where.
    #[doc(hidden)]
    pub fn corrupt(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Corrupt, what.to_string())
    }

    /// Adds what was being done, and the path of the store.
    #[doc(hidden)]
    pub fn at(mut self, doing: &str, path: &Path) -> Self {
        self.message = format!("{doing} the store {}: {}", path.display(), self.message);
        self
    }

    /// What went wrong, for code that branches on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Without a source: the message already says the cause.
impl StdError for Error {}
