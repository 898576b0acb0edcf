//! Why a database cannot be followed.

use std::fmt;

/// Why a database cannot be followed. The text continues "failed to …". It has no password.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// What to do, on lines of its own.
    advice: Option<String>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options make no sense.
    Usage,
    /// The server is not set up for it.
    NotSetUp,
    /// The server cannot be reached, or the connection has broken. It may come back.
    Unreachable,
    /// Somebody else follows the slot.
    InUse,
    /// The server has removed what the slot was to keep. What was changed since then is not known.
    Lost,
    /// The server has refused something.
    Refused,
    /// The connection cannot be encrypted, or the server's certificate is not one that is trusted.
    Encryption,
    /// What the server sent is not understood.
    NotUnderstood,
    /// The slot holds back more of the log than it may.
    TooFarBehind,
    /// The store cannot be written.
    Store(spanbridge_query::ErrorKind),
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), advice: None }
    }

    pub(super) fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// What is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An error of the server or the connection, while something was being done: "read the slot".
    pub(super) fn of(doing: &str, error: &tokio_postgres::Error) -> Self {
        let is_in_use = error.code().is_some_and(|state| state.code() == "55006");
        let error = Self::from(spanbridge_postgres::Error::of(doing, error));
        if is_in_use { Self { kind: ErrorKind::InUse, ..error } } else { error }
    }

    /// Whether it may be gone after a while, without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        use spanbridge_query::ErrorKind::{Busy, Full, Io, Moved};
        match self.kind {
            ErrorKind::Unreachable | ErrorKind::InUse => true,
            ErrorKind::Store(kind) => matches!(kind, Busy | Full | Io | Moved),
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.advice.iter().try_for_each(|advice| write!(f, "\n{advice}"))
    }
}

impl std::error::Error for Error {}

impl From<spanbridge_query::Error> for Error {
    fn from(error: spanbridge_query::Error) -> Self {
        Self::new(ErrorKind::Store(error.kind()), error.to_string())
    }
}

/// The message has its advice.
impl From<spanbridge_postgres::Error> for Error {
    fn from(error: spanbridge_postgres::Error) -> Self {
        use spanbridge_postgres::ErrorKind as Postgres;
        let kind = match error.kind() {
            Postgres::Url => ErrorKind::Usage,
            Postgres::Encryption => ErrorKind::Encryption,
            Postgres::Unreachable => ErrorKind::Unreachable,
            _ => ErrorKind::Refused,
        };
        Self::new(kind, error.to_string())
    }
}
