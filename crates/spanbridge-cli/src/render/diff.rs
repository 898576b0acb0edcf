//! How two runs differ, as a page.

use super::options::Options;
use super::page::{Page, TextStyle};
use super::status::{run_outcome, status_behind};
use super::text::{counted, escape, named, truncate, width, wrap};
use super::time::duration;
use spanbridge_graph::{Change, Diff, Difference, DifferenceKind, RunSummary, Verdict};

/// The column at which the step begins, behind the sign and the kind.
const INDENT: usize = 14;

/// Maximum number of lines of a change.
const MAX_LINES: usize = 4;

/// Renders the differences of two runs: the verdict, the two runs, and a line for each difference with what changed below it.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn diff(diff: &Diff, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let style = match diff.verdict {
        Verdict::Regressed => TextStyle::Error,
        Verdict::Fixed | Verdict::Identical | Verdict::Faster => TextStyle::Success,
        _ => TextStyle::Warning,
    };
    page.put(style, diff.verdict.as_str()).line();
    run(&mut page, "left", &diff.left, columns);
    run(&mut page, "right", &diff.right, columns);
    if !diff.differences.is_empty() {
        page.line();
    }
    diff.differences.iter().for_each(|one| difference(&mut page, one, columns));
    if diff.runs_not_read > 0 {
        let not_read = format!("! {} were not read", counted(diff.runs_not_read, "more connected run"));
        page.put(TextStyle::Warning, &not_read).line();
    }
    if diff.more_differences > 0 {
        page.put(TextStyle::Dim, &format!("… {} more", counted(diff.more_differences, "difference"))).line();
    }
    if !diff.notes.is_empty() {
        page.line();
    }
    for note in &diff.notes {
        for (at, line) in wrap(&format!("! {note}"), columns - 2, 4).iter().enumerate() {
            page.space(if at == 0 { 0 } else { 2 }).put(TextStyle::Warning, line).line();
        }
    }
    page.finish()
}

fn run(page: &mut Page, label: &str, run: &RunSummary, columns: usize) {
    let (style, status) = run_outcome(run.status, &run.failed_work);
    let room = columns.saturating_sub(7 + 2 + 8 + 2 + 11).max(8);
    page.put(TextStyle::Dim, label).go_to(7).put(TextStyle::Bold, &truncate(&named(&run.name), room));
    page.space(2).put(TextStyle::Dim, &format!("{:.8}", run.run_id));
    status_behind(page, style, &status, columns);
}

/// The sign of a difference, and its style.
pub(crate) fn sign(one: &Difference) -> (TextStyle, &'static str) {
    let is_worse = one.right.as_ref().is_some_and(|side| matches!(side.status, "error" | "panicked" | "conflicted"));
    match one.kind {
        DifferenceKind::Added => (TextStyle::Success, "+"),
        DifferenceKind::Removed => (TextStyle::Error, "-"),
        DifferenceKind::Status if is_worse => (TextStyle::Error, "✗"),
        DifferenceKind::Status => (TextStyle::Success, "✓"),
        DifferenceKind::Slower => (TextStyle::Warning, "▲"),
        DifferenceKind::Faster => (TextStyle::Success, "▼"),
        _ => (TextStyle::Warning, "~"),
    }
}

fn difference(page: &mut Page, one: &Difference, columns: usize) {
    let (style, sign) = sign(one);
    page.put(style, sign).space(1).put(style, one.kind.as_str()).go_to(INDENT);
    let below = if one.below > 0 { format!("  with {} below", counted(one.below, "step")) } else { String::new() };
    let count = if one.count > 1 { format!("  ×{}", one.count) } else { String::new() };
    let status = match (one.kind, &one.left, &one.right) {
        (DifferenceKind::Status, Some(left), Some(right)) => format!("  {} → {}", left.status, right.status),
        _ => String::new(),
    };
    let after = format!("{status}{below}{count}");
    let room = columns.saturating_sub(INDENT);
    let after = if width(&after) + 8 <= room { after } else { String::new() };
    page.put(TextStyle::Plain, &place(one, room - width(&after))).put(TextStyle::Dim, &after).line();
    let error =
        one.right.as_ref().filter(|_| one.kind == DifferenceKind::Status).and_then(|side| side.error.as_deref());
    for line in error.iter().flat_map(|error| wrap(error, room, MAX_LINES)) {
        page.go_to(INDENT).put(TextStyle::Error, &line).line();
    }
    for line in one.changes.iter().flat_map(|change| wrap(&words(change), room, MAX_LINES)) {
        page.go_to(INDENT).put(TextStyle::Plain, &line).line();
    }
}

/// Where the step is: what is above it, its name and its service. If there is too little room, the first steps are left out.
pub(crate) fn place(one: &Difference, room: usize) -> String {
    let service = if one.service.is_empty() { String::new() } else { format!(" ({})", escape(&one.service)) };
    let mut text = format!("{}{service}", named(&one.name));
    for above in one.path.iter().rev() {
        let longer = format!("{} › {text}", named(above));
        // There is room for a sign that something was left out.
        if width(&longer) + 4 > room {
            text = format!("… › {text}");
            break;
        }
        text = longer;
    }
    truncate(&text, room).into_owned()
}

/// A change, in words.
pub(crate) fn words(change: &Change) -> String {
    let milliseconds = |value: &Option<serde_json::Value>| {
        let nanos = value.as_ref().and_then(serde_json::Value::as_f64).map_or(0.0, |ms| ms * 1e6);
        duration(nanos as u64)
    };
    let value = |value: &Option<serde_json::Value>| match value {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "(none)".to_owned(),
    };
    match change.key.as_str() {
        "selfMs" => format!("itself {} → {}", milliseconds(&change.left), milliseconds(&change.right)),
        "queuedMs" => format!("in the queue {} → {}", milliseconds(&change.left), milliseconds(&change.right)),
        key => format!("{key}: {} → {}", value(&change.left), value(&change.right)),
    }
}
