//! The error of this crate.

use parquet::errors::ParquetError;
use std::fmt;
use std::io;

/// Why something failed. The message continues "failed to …", and includes the cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or writing failed, whatever the file holds. The [source](std::error::Error::source) says how.
    Io,
    /// It is no Parquet file, or it is damaged.
    Corrupt,
    /// It is a Parquet file of others: columns are missing, or have other types. The message names them.
    OtherColumns,
    /// A newer release wrote it, in a form that this release does not know.
    NewerFormat,
    /// A record cannot be written: it says what this release does not know, or it is too large.
    Record,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// What went wrong, for code that branches on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, with what was being done before the message.
    pub(crate) fn at(mut self, doing: impl fmt::Display) -> Self {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The cause, if reading or writing failed.
    pub fn into_io(self) -> Option<io::Error> {
        self.source
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self { kind: ErrorKind::Io, message: error.to_string(), source: Some(error) }
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        let message = error.to_string();
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => (*cause).into(),
                Err(cause) => Self::new(ErrorKind::Corrupt, cause.to_string()),
            },
            ParquetError::General(message) | ParquetError::EOF(message) => Self::new(ErrorKind::Corrupt, message),
            _ => Self::new(ErrorKind::Corrupt, message),
        }
    }
}
