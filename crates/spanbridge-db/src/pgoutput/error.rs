//! Why bytes are no message.

use std::fmt;

/// Why bytes are no message of `pgoutput`. The text continues "failed to …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    what: &'static str,
    at: usize,
}

impl ParseError {
    pub(super) const fn new(what: &'static str, at: usize) -> Self {
        Self { what, at }
    }

    /// Where in the message, in bytes from its beginning.
    pub fn offset(&self) -> usize {
        self.at
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read a message of pgoutput: {} at byte {}", self.what, self.at)
    }
}

impl std::error::Error for ParseError {}
