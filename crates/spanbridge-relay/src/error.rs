//! The error of this crate.

use std::fmt;

/// Why something failed. The message continues "failed to …", and includes the cause. It never has a password.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL is not one of a topic in Kafka.
    Url,
    /// A property of librdkafka is not known, or has a value that it cannot have.
    Property,
    /// There is no such topic.
    NotFound,
    /// The cluster does not answer, or a message cannot be written. A later attempt may succeed.
    Unreachable,
    /// The group has shut us out, such as because another member has our `group.instance.id`.
    ShutOut,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
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
