//! What can go wrong before a replay begins.

use std::fmt;

/// Why a case could not be read, or a replay not begin.
///
/// The message follows "failed to …": `read a case: two spans have the id 00f067aa0ba902b7`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of problem an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file cannot be read or written.
    Io,
    /// It is not JSON, or not in the form of a case or a report.
    Json,
    /// It is of another version.
    Version,
    /// It contradicts itself: an entry that is no span, spans below no other span.
    Contradiction,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), source: None }
    }

    /// The text of the cause is part of the message.
    pub(crate) fn caused(
        kind: ErrorKind,
        what: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Error { kind, what: format!("{}: {cause}", what.into()), source: Some(Box::new(cause)) }
    }

    /// The same of a file: says which one.
    pub(crate) fn in_file(mut self, what: &str, of_file: &str) -> Self {
        if let Some(why) = self.what.strip_prefix(what) {
            self.what = format!("{of_file}{why}");
        }
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().and_then(|cause| cause.source()) // the cause itself is in our text
    }
}
