//! Why a command did not do everything that was asked, and the exit code for it.

use crate::hints;
use spanbridge_cli::answers::NoAnswer;
use spanbridge_cli::render::escape;
use spanbridge_query::{Error, ErrorKind};
use std::fmt;
use std::io;

/// What ends a command early. Messages continue "failed to …".
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of our output has gone, as in `| head`. Not an error: code 0.
    OutputClosed,
    /// Something was not found, or a file could not be read or written. Code 1.
    NotFound(String),
    /// Gaps were found, and the output has named them. Code 1.
    FindingsReported,
    /// The command makes no sense. Code 2.
    Usage(String),
    /// The store cannot be used. Code 3.
    Store(String),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::OutputClosed => 0,
            Failure::NotFound(_) | Failure::FindingsReported => 1,
            Failure::Usage(_) => 2,
            Failure::Store(_) => 3,
        }
    }

    /// An error of reading or writing something other than the store: "failed to {doing}: …".
    pub(crate) fn io(doing: impl fmt::Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::NotFound(format!("{doing}: {error}")),
        }
    }
}

/// With a line of advice below the message.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let advice = match error.kind() {
            ErrorKind::InvalidId | ErrorKind::Occupied => return Failure::Usage(error.to_string()),
            ErrorKind::NotFound => {
                "\n  Record something with spanbridge_store::StoreSink or `spanbridge import`, or name another store \
                 with --db or SPANBRIDGE_DB."
            }
            ErrorKind::NotAStore => "\n  Name a spanbridge store with --db or SPANBRIDGE_DB.",
            ErrorKind::NewerFormat => "\n  Update spanbridge to read it.",
            ErrorKind::Corrupt => {
                "\n  `spanbridge check` says what is damaged. Restore a backup, or move the store away to start a new one."
            }
            ErrorKind::Moved => "\n  Try again.",
            ErrorKind::Busy => "\n  Try again, or stop the process that locks it.",
            ErrorKind::NoDefaultPath => "\n  Name the store with --db or SPANBRIDGE_DB.",
            _ => "",
        };
        Failure::Store(format!("{error}{advice}"))
    }
}

impl From<NoAnswer> for Failure {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::Store(error) => error.into(),
            NoAnswer::Ambiguous { .. } => Failure::Usage(no.to_string()),
            NoAnswer::NotAnId { id, error } => {
                let hint = hints::of_no_id(&id).map(|hint| format!("\n  {hint}.")).unwrap_or_default();
                Failure::Usage(format!("{error}{hint}"))
            }
            other => Failure::NotFound(other.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::OutputClosed | Failure::FindingsReported => Ok(()),
            Failure::NotFound(what) | Failure::Usage(what) | Failure::Store(what) => {
                f.write_str("spanbridge: failed to ")?;
                // Our own line breaks stay. The rest may come from the name or the content of a file.
                for (i, line) in what.lines().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { "\n" }, escape(line))?;
                }
                Ok(())
            }
        }
    }
}
