//! Why there is no answer.

use crate::render::escape;
use spanbridge_query::{Candidate, Error, Found};
use std::fmt;

/// Why there is no answer. The message follows "failed to …".
#[derive(Debug)]
#[non_exhaustive]
pub enum NoAnswer {
    /// Several ids begin with what was given.
    Ambiguous {
        /// What was given.
        id: String,
        /// What it may stand for, at most [`Found::MAX_CANDIDATES`].
        candidates: Vec<Candidate>,
    },
    /// What was asked for is not there.
    NotFound(String),
    /// What was given is no id.
    NotAnId {
        /// What was given.
        id: String,
        /// What an id is.
        error: Error,
    },
    /// The store cannot be read.
    Store(Error),
}

/// With one candidate in a line.
impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Ambiguous { id, candidates } => {
                write!(f, "find {id}: several ids begin with it")?;
                for c in candidates {
                    write!(f, "\n  {:<5}  {:<32}  {}", c.id.kind(), c.id.to_string(), escape(&c.name))?;
                }
                if candidates.len() == Found::MAX_CANDIDATES { f.write_str("\n  … and perhaps more") } else { Ok(()) }
            }
            NoAnswer::NotFound(what) => f.write_str(what),
            NoAnswer::NotAnId { error, .. } | NoAnswer::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NoAnswer {}

impl From<Error> for NoAnswer {
    fn from(error: Error) -> Self {
        NoAnswer::Store(error)
    }
}
