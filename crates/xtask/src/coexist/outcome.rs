//! The outcome for one neighbour, as a row of the table.

use std::fmt;
use std::process::Output;

#[derive(Debug)]
pub(super) enum Outcome {
    /// Both are in one lock file, with these versions of the neighbour and of `libsqlite3-sys` (empty if it has none).
    OneLockFile { version: String, sqlite: String },
    /// Cargo refused both together, for this reason.
    Conflict(String),
    /// The neighbour could not be resolved even alone, for this reason.
    NotShown(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::OneLockFile { version, sqlite } if sqlite.is_empty() => write!(f, "yes        {version}"),
            Outcome::OneLockFile { version, sqlite } => write!(f, "yes        {version}, with libsqlite3-sys {sqlite}"),
            Outcome::Conflict(why) => write!(f, "NO         {why}"),
            Outcome::NotShown(why) => write!(f, "not shown  {why}"),
        }
    }
}

/// Cargo's error in one line: the native library that both link if that is the cause, else the first error.
pub(super) fn first_error(output: &Output) -> String {
    told(&String::from_utf8_lossy(&output.stderr)).unwrap_or_else(|| format!("cargo ended with {}", output.status))
}

fn told(stderr: &str) -> Option<String> {
    let library = stderr.split_once("links to the native library `").and_then(|(_, after)| after.split_once('`'));
    if let Some((library, _)) = library {
        return Some(format!("both link {library}"));
    }
    stderr.lines().find_map(|line| line.trim().strip_prefix("error: ").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_cargo_is_one_line() {
        let conflict = "    Updating crates.io index\nerror: failed to select a version for `sqlx`.\n\npackage `sqlx` links to the \
                        native library `sqlite3`, but it conflicts with a previous package";
        assert_eq!(told(conflict).as_deref(), Some("both link sqlite3"));
        let missing = "warning: spurious\nerror: no matching package named `sqlz` found\nlocation searched: crates.io";
        assert_eq!(told(missing).as_deref(), Some("no matching package named `sqlz` found"));
        assert_eq!(told("killed"), None);
    }
}
