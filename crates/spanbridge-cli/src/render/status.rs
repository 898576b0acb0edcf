//! The status of a run, as it is shown everywhere.

use super::page::TextStyle;
use super::text::counted;
use spanbridge_graph::{FailedWork, RunStatus};

/// A sign and a word, and their style.
pub(crate) fn run_status(status: RunStatus) -> (TextStyle, &'static str) {
    match status {
        RunStatus::Ok => (TextStyle::Success, "✓ ok"),
        RunStatus::Error => (TextStyle::Error, "✗ error"),
        RunStatus::Conflicted => (TextStyle::Error, "! conflicted"),
        RunStatus::Cancelled => (TextStyle::Warning, "⊘ cancelled"),
        RunStatus::Suspended => (TextStyle::Warning, "‖ suspended"),
        RunStatus::Open => (TextStyle::Warning, "◌ open"),
        other => (TextStyle::Plain, other.as_str()),
    }
}

/// The status of a run that may have failed work, in words.
pub(crate) fn run_outcome(status: RunStatus, work: &FailedWork) -> (TextStyle, String) {
    let (style, word) = run_status(status);
    match failed(work) {
        Some(failed) => (TextStyle::Error, format!("! {}, {failed}", status.as_str())),
        None => (style, word.to_owned()),
    }
}

fn failed(work: &FailedWork) -> Option<String> {
    let messages = |n: u64| counted(usize::try_from(n).unwrap_or(usize::MAX), "message");
    match (work.failed, work.dead_lettered) {
        (0, 0) => None,
        (0, dead) => Some(format!("{} dead-lettered", messages(dead))),
        (failed, 0) => Some(format!("{} failed", messages(failed))),
        (_, dead) => Some(format!("{} failed, {dead} of them dead-lettered", messages(work.total()))),
    }
}
