//! The status of a run, as it is shown everywhere.

use super::page::TextStyle;
use spanbridge_graph::RunStatus;

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
