//! Standard output.

use anyhow::Context as _;
use std::io::Write;

/// Prints text. If nobody reads it, that is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()), // the reader has closed its end
        result => result.context("failed to write to standard output"),
    }
}
