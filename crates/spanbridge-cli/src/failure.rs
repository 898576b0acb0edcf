//! Why a command did not do all that it was asked, and the exit code for it.

use spanbridge_cli::render::escape;
use spanbridge_store::{Error, ErrorKind};
use std::fmt;
use std::io;

/// What ends a command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of our output has gone. Not an error: `| head` does it.
    Closed,
    /// Not found, or found wanting. Code 1.
    NotFound(String),
    /// Found wanting; the output has said all there is to say. Code 1.
    FindingsReported,
    /// The command makes no sense. Code 2.
    Usage(String),
    /// The store cannot be used. Code 3.
    Store(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Closed => 0,
            Failure::NotFound(_) | Failure::FindingsReported => 1,
            Failure::Usage(_) => 2,
            Failure::Store(_) => 3,
        }
    }

    /// An error of reading or writing that is not about the store: "failed to {doing}: …".
    pub(crate) fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::NotFound(format!("{doing}: {error}")),
        }
    }
}

/// What to do about it, where the store's own words do not say.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let advice = match error.kind() {
            ErrorKind::InvalidId => return Failure::Usage(error.to_string()),
            ErrorKind::NotFound => {
                "\n  Record something with spanbridge_store::StoreSink or `spanbridge import`, or name another store \
                 with --db or SPANBRIDGE_DB."
            }
            ErrorKind::NotAStore => "\n  Name a spanbridge store with --db or SPANBRIDGE_DB.",
            ErrorKind::NewerFormat => "\n  Update spanbridge to read it.",
            ErrorKind::Corrupt => "\n  Restore the file from a backup, or move it away to begin a new one.",
            ErrorKind::Busy => "\n  Try again, or end the process that holds it.",
            _ => "",
        };
        Failure::Store(format!("{error}{advice}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Closed | Failure::FindingsReported => Ok(()),
            Failure::NotFound(what) | Failure::Usage(what) | Failure::Store(what) => {
                f.write_str("spanbridge: failed to ")?;
                // Lines of ours are kept; what stands in them may come from a file's name or content.
                for (i, line) in what.lines().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { "\n" }, escape(line))?;
                }
                Ok(())
            }
        }
    }
}
