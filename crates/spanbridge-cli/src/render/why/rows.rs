//! The rows that were changed before a failure, and the transactions that were rolled back.

use super::parts::{INDENT, label, paragraph, target, with_service};
use crate::render::page::{Page, Target, TextStyle};
use crate::render::text::{counted, escape, named, wrap};
use crate::render::time::instant;
use crate::render::writer::writer;
use spanbridge_graph::{Failure, RolledBack, StateChange, Why};

/// So many rows are shown, and so many lines of each.
const MAX_ROWS: usize = 8;
const MAX_LINES: usize = 3;

/// So many transactions are shown, or kinds of equal ones.
const MAX_TRANSACTIONS: usize = 4;

/// So many statements of a transaction are named.
const MAX_STATEMENTS: usize = 3;

/// The rows that were changed before it, the last ones.
pub(super) fn changes(page: &mut Page, failure: &Failure, why: &Why, columns: usize) {
    if failure.changes.is_empty() {
        return;
    }
    label(page, "rows before");
    let more = failure.changes.len().saturating_sub(MAX_ROWS);
    if more + failure.more_changes > 0 {
        let text = format!("… {} before those", counted(more + failure.more_changes, "more changed row"));
        paragraph(page, &text, columns, TextStyle::Dim);
    }
    for change in &failure.changes[more..] {
        let by = match &change.writer {
            Some(writer) if writer.run_id == why.run.run_id => match (&writer.span_name, writer.span_id) {
                (Some(name), _) if change.service.is_empty() => named(name),
                (Some(name), _) => format!("{} ({})", named(name), escape(&change.service)),
                (None, Some(span)) => format!("span {span}, which is not recorded"),
                (None, None) => "a span that is not known".to_owned(),
            },
            _ => by(change),
        };
        put(page, change, &by, columns);
    }
}

/// Who else wrote these rows last.
pub(super) fn other_writers(page: &mut Page, failure: &Failure, columns: usize) {
    if !failure.other_writers.is_empty() {
        label(page, "other runs");
    }
    failure.other_writers.iter().for_each(|change| put(page, change, &by(change), columns));
}

/// The transactions that were rolled back with it, or before.
pub(super) fn rolled_back(page: &mut Page, failure: &Failure, columns: usize) {
    if failure.rolled_back.is_empty() {
        return;
    }
    label(page, "rolled back");
    let (lines, more) = transactions(&failure.rolled_back, failure.more_rolled_back);
    for (one, text) in lines {
        page.target(target(&one.transaction));
        paragraph(page, &format!("{text}: {UNDONE}"), columns, TextStyle::Warning);
    }
    if more > 0 {
        paragraph(page, &format!("… {more} more"), columns, TextStyle::Dim);
    }
}

/// The transactions that were rolled back without a failure, or before another attempt succeeded.
pub(super) fn also_rolled_back(page: &mut Page, why: &Why, columns: usize) {
    if why.rolled_back.is_empty() {
        return;
    }
    page.line();
    let (lines, more) = transactions(&why.rolled_back, why.more_rolled_back);
    for (one, text) in lines {
        page.target(target(&one.transaction));
        for (i, line) in wrap(&format!("{text} was rolled back: {UNDONE}"), columns - 2, 4).iter().enumerate() {
            page.put(TextStyle::Warning, if i == 0 { "↶ " } else { "  " }).put(TextStyle::Plain, line).line();
        }
    }
    if more > 0 {
        page.put(TextStyle::Dim, &format!("… {more} more")).line();
    }
}

const UNDONE: &str = "nothing that it wrote is in the database";

/// Equal transactions count together: each with what it had written.
fn transactions(all: &[RolledBack], more: usize) -> (Vec<(&RolledBack, String)>, usize) {
    let names = |one: &RolledBack| {
        let steps = one.statements.iter().filter(|step| **step != one.transaction);
        let mut names: Vec<String> = Vec::new();
        let steps: Vec<&str> = steps.map(|step| step.name.as_str()).collect();
        for equal in steps.chunk_by(|a, b| a == b) {
            let count = if equal.len() > 1 { format!(" ×{}", equal.len()) } else { String::new() };
            names.push(format!("{}{count}", named(equal[0])));
        }
        let left_out = names.len().saturating_sub(MAX_STATEMENTS) + one.more_statements;
        names.truncate(MAX_STATEMENTS);
        if left_out > 0 {
            names.push(format!("{left_out} more"));
        }
        names.join(", ")
    };
    let key = |one: &RolledBack| (one.transaction.name.clone(), one.transaction.service.clone(), names(one));
    let groups: Vec<&[RolledBack]> = all.chunk_by(|a, b| key(a) == key(b)).collect();
    let left_out: usize = groups.iter().skip(MAX_TRANSACTIONS).map(|group| group.len()).sum();
    let said = groups.iter().take(MAX_TRANSACTIONS).map(|group| {
        let count = if group.len() > 1 { format!(" ×{}", group.len()) } else { String::new() };
        let wrote = names(&group[0]);
        let wrote = if wrote.is_empty() { wrote } else { format!(" with {wrote}") };
        (&group[0], format!("{}{count}{wrote}", with_service(&group[0].transaction)))
    });
    (said.collect(), left_out + more)
}

/// The run and the service, too.
fn by(change: &StateChange) -> String {
    let run = change.writer.as_ref().map(|w| (w.run_id, w.run_name.as_str(), w.span_name.as_deref()));
    writer(run, &change.service)
}

fn put(page: &mut Page, change: &StateChange, by: &str, columns: usize) {
    if let Some(writer) = &change.writer {
        let run = Target::Run(writer.run_id);
        page.target(writer.span_id.map_or(run, |span| Target::Span(Some(writer.run_id), span)));
    }
    let m = &change.mutation;
    let text = format!("{}: {}", escape(&m.row()), escape(&m.summary()));
    for line in wrap(&text, columns.saturating_sub(INDENT).max(8), MAX_LINES) {
        page.go_to(INDENT).put(TextStyle::Bold, &line).line();
    }
    let at = m.committed_at.map_or(String::new(), |at| format!(", {}", instant(at)));
    for line in wrap(&format!("by {by}{at}"), columns.saturating_sub(INDENT + 2).max(8), MAX_LINES) {
        page.go_to(INDENT + 2).put(TextStyle::Dim, &line).line();
    }
}
