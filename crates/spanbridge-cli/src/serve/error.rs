//! Why the server does not start.

use std::fmt;

/// Why the server does not start. The message follows "failed to …".
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another process listens there.
    AddressInUse,
    /// Nobody can listen there.
    Address,
    /// Others could reach the address, and there is no token.
    NoToken,
    /// The records are kept by a database, which cannot remove old ones as it is asked to.
    Keep,
    /// The store cannot be used.
    Store(spanbridge_query::ErrorKind),
    /// The operating system did not give what is needed.
    System,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
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

impl From<spanbridge_query::Error> for Error {
    fn from(error: spanbridge_query::Error) -> Self {
        Self::new(ErrorKind::Store(error.kind()), error.to_string())
    }
}
