//! The status of a run, as it is shown everywhere.

use super::page::{Page, TextStyle};
use super::text::{counted, truncate, width};
use spanbridge_graph::{FailedWork, RunStatus};
use spanbridge_query::RunRow;

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

/// The status of a run of which neither a step nor its end is recorded, such as one that is known from a changed row alone.
pub(crate) fn unknown() -> (TextStyle, String) {
    (TextStyle::Dim, "? unknown".to_owned())
}

/// The status of an operation in a list, in words: also of the runs that it started, and, if that is asked for, what a retry mended.
pub(crate) fn operation_outcome(row: &RunRow, says_recovered: bool) -> (TextStyle, String) {
    if row.spans == 0 && row.status == RunStatus::Ok && row.ended_at.is_none() {
        return unknown();
    }
    let (style, mut words) = run_outcome(row.status, &row.failed_work);
    match usize::try_from(row.failed_descendants).unwrap_or(usize::MAX) {
        0 if says_recovered && row.failed_work.total() == 0 && row.failed_work.recovered > 0 => {
            (style, format!("{words}, {} recovered", messages(row.failed_work.recovered)))
        }
        0 => (style, words),
        runs => {
            if row.failed_work.total() == 0 {
                words = format!("! {}", row.status.as_str());
            }
            (TextStyle::Error, format!("{words}, {} failed", counted(runs, "run")))
        }
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

/// What failed for good, in words. `None`: nothing did.
pub(crate) fn failed(work: &FailedWork) -> Option<String> {
    let all = messages(work.total());
    match (work.failed, work.dead_lettered, work.never_settled) {
        (0, 0, 0) => None,
        (_, 0, 0) => Some(format!("{all} failed")),
        (0, _, 0) => Some(format!("{all} dead-lettered")),
        (0, 0, _) => Some(format!("{all} never settled")),
        (_, dead, 0) => Some(format!("{all} failed, {dead} of them dead-lettered")),
        (_, 0, never) => Some(format!("{all} failed, {never} of them never settled")),
        (_, dead, never) => Some(format!("{all} failed, {dead} of them dead-lettered, {never} never settled")),
    }
}

fn messages(n: u64) -> String {
    counted(usize::try_from(n).unwrap_or(usize::MAX), "message")
}

/// Adds a status behind what is in the line, or in a line of its own if it is long; and ends the line.
pub(crate) fn status_behind(page: &mut Page, style: TextStyle, status: &str, columns: usize) {
    match page.column() + 2 + width(status) > columns {
        true => page.line(),
        false => page.space(2),
    };
    page.put(style, &truncate(status, columns)).line();
}
