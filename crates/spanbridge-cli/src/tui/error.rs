//! Why the viewer could not start, or had to end.

use std::fmt;
use std::io;

/// Why the viewer could not start, or had to end. The message continues "failed to …".
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be read.
    Store(spanbridge_query::Error),
    /// There is no terminal, or it does not do what is needed.
    Terminal(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Store(error) => write!(f, "{error}"),
            Error::Terminal(_) => f.write_str("use the terminal"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Its message is shown already.
            Error::Store(error) => error.source(),
            Error::Terminal(error) => Some(error),
        }
    }
}

impl From<spanbridge_query::Error> for Error {
    fn from(error: spanbridge_query::Error) -> Self {
        Error::Store(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Terminal(error)
    }
}
