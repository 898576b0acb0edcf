//! The error of this crate.

use std::fmt;

/// Why something failed. The message continues "failed to …", and includes the cause. It never has a password.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    is_about_read_only: bool,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL is not one of a ClickHouse, or has a parameter that is not known.
    Url,
    /// No node of the URL answers, or one stopped in the middle of an answer. A later attempt may succeed.
    Unreachable,
    /// A shard of the cluster does not answer, so there is no whole answer. The message names it.
    ShardMissing,
    /// The server refused: the message has its words.
    Refused,
    /// There are no tables of ours in this database. Reading never creates them.
    NotFound,
    /// A newer release made the tables, in a form that this release does not know.
    NewerFormat,
    /// An earlier release made the tables. The next one who inserts brings them up to date: [`Writer::open`](crate::Writer::open).
    OlderFormat,
    /// What came from the server is not what it should be.
    Corrupt,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), is_about_read_only: false }
    }

    /// The user may not write, or not change settings.
    pub(crate) fn about_read_only(self) -> Self {
        Self { is_about_read_only: true, ..self }
    }

    pub(crate) fn is_about_read_only(&self) -> bool {
        self.is_about_read_only
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

impl std::error::Error for Error {}

impl From<Error> for spanbridge_query::Error {
    fn from(error: Error) -> Self {
        use spanbridge_query::ErrorKind as Query;
        let kind = match error.kind {
            ErrorKind::Url => Query::InvalidPath,
            ErrorKind::NotFound => Query::NotFound,
            ErrorKind::NewerFormat => Query::NewerFormat,
            ErrorKind::Corrupt => Query::Corrupt,
            ErrorKind::Unreachable | ErrorKind::ShardMissing | ErrorKind::Refused | ErrorKind::OlderFormat => Query::Io,
        };
        let message = error.message.clone();
        Self::new(kind, message).with_cause(error)
    }
}
