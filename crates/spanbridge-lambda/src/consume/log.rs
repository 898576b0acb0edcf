//! Lines for the function's log.

use std::io::Write;

/// Writes a line to standard error, which is the function's log. Without a standard error nothing happens.
pub(super) fn log_to_stderr(what: &str) {
    let _ = writeln!(std::io::stderr(), "spanbridge: {what}");
}
