//! The error of this crate.

use std::fmt;

/// Why something failed. The message continues "failed to …", and includes the cause. It never has a password.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    /// What to do, on lines of its own.
    advice: Option<String>,
    is_passing: bool,
}

/// What went wrong, for code that branches on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL is not one of a PostgreSQL, or asks for what makes no sense.
    Url,
    /// The server cannot be reached, or ended the connection. A later attempt may succeed.
    Unreachable,
    /// The connection cannot be encrypted, or the server's certificate is not one that is trusted.
    Encryption,
    /// The server refused: the message has its words.
    Refused,
    /// There are no tables of ours in this schema. Reading never creates them.
    NotFound,
    /// A newer release made the tables, in a form that this release does not know.
    NewerFormat,
    /// What came from the server is not what it should be.
    Corrupt,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), advice: None, is_passing: false }
    }

    pub(crate) fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// What went wrong, for code that branches on it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An error of the server or the connection, while something was being done: "read the records".
    #[doc(hidden)]
    pub fn of(doing: &str, error: &tokio_postgres::Error) -> Self {
        let (kind, why) = match error.as_db_error() {
            Some(of_server) => {
                let code = of_server.code().code();
                let kind = match code {
                    // Not in the state that it takes: it was when the connection was begun, which the next one looks at.
                    "55000" => ErrorKind::Unreachable,
                    // Connection lost, too few resources, shut down or starting, errors of the system.
                    _ if ["08", "53", "57", "58"].contains(&code.get(..2).unwrap_or_default()) => {
                        ErrorKind::Unreachable
                    }
                    _ => ErrorKind::Refused,
                };
                (kind, format!("{} (SQLSTATE {code})", of_server.message()))
            }
            None => (ErrorKind::Unreachable, chain(error)),
        };
        let is_passing = error.code().is_some_and(|state| PASSING.contains(&state.code()));
        Self { is_passing, ..Self::new(kind, format!("{doing}: {why}")) }
    }

    /// The same transaction may succeed at once.
    pub(crate) fn passing(message: &str) -> Self {
        Self { is_passing: true, ..Self::new(ErrorKind::Refused, message) }
    }

    /// Whether the same transaction may succeed at once: others were in the way.
    pub(crate) fn is_passing(&self) -> bool {
        self.is_passing
    }
}

/// A deadlock, a conflict of transactions, and rows without a partition, which somebody has removed.
const PASSING: [&str; 3] = ["40P01", "40001", "23514"];

/// The error and its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let of_cause = error.to_string();
        if !text.contains(&of_cause) {
            text = format!("{text}: {of_cause}");
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.advice.iter().try_for_each(|advice| write!(f, "\n{advice}"))
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
            ErrorKind::Unreachable | ErrorKind::Encryption | ErrorKind::Refused => Query::Io,
        };
        Self::new(kind, error.to_string()).with_cause(error)
    }
}
