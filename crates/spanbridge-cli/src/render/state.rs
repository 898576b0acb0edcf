//! What became of a row of a database, as text.

use super::options::Options;
use super::page::{Page, Target, TextStyle};
use super::table::{Align, Cell, table, table_width};
use super::text::{counted, escape, truncate, wrap};
use super::time::instant;
use super::writer::writer as writer_words;
use crate::answers::ShownChanges;
use serde_json::Value;
use spanbridge::record::MutationOp;
use spanbridge_graph::{Mutation, key_text, value_words};
use spanbridge_query::state::{ColumnBlame, ColumnEffect, RowBlame, RowChange, RowHistory, StateAnswer};

/// So many characters of a value are shown.
const MAX_VALUE: usize = 60;

/// So many lines are shown of what a change did.
const MAX_LINES: usize = 12;

/// Where what was done begins: behind the time.
const WHAT: usize = 29;

/// Renders the changes of each row: when, what from what to what, and who wrote it.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn state_history(answer: &StateAnswer, shown: &ShownChanges, options: &Options) -> String {
    let mut page = Page::new(options.color);
    for (n, row) in answer.rows.iter().enumerate() {
        if n > 0 {
            page.line();
        }
        let changes: Vec<&RowChange> = row.changes.iter().filter(|change| shown.has(change)).collect();
        head(&mut page, row);
        let others = row.changes.len() - changes.len();
        for change in changes {
            put(&mut page, change, options.columns());
        }
        if others > 0 {
            page.put(TextStyle::Dim, &format!("{} not shown", counted(others, "other change"))).line();
        }
    }
    foot(&mut page, answer, options.columns());
    page.finish()
}

/// Renders who gave each column of each row the value that it has.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn state_blame(answer: &StateAnswer, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let mut out = String::new();
    for (n, row) in answer.rows.iter().enumerate() {
        if n > 0 {
            page.line();
        }
        head(&mut page, row);
        let blame = row.blame();
        if let Some(change) = blame.removed_by {
            let what = if change.mutation.op == MutationOp::Truncate { "removed with all rows" } else { "deleted" };
            page.put(TextStyle::Warning, what).put(TextStyle::Plain, &format!(" {}", when(change))).line();
            by(&mut page, change, 2, columns);
        }
        out.push_str(&std::mem::replace(&mut page, Page::new(options.color)).finish());
        if !blame.columns.is_empty() {
            out.push_str(&columns_of(&blame, options));
        }
        left_out(&mut page, row, &blame, columns);
    }
    foot(&mut page, answer, columns);
    out.push_str(&page.finish());
    out
}

/// The table of columns. Where it is too wide, writers stand on lines of their own: they are what is asked for.
fn columns_of(blame: &RowBlame<'_>, options: &Options) -> String {
    let (columns, color) = (options.columns(), options.color);
    let writer_of = |column: &ColumnBlame<'_>| match (column.change, column.candidate) {
        (Some(change), _) => (TextStyle::Plain, writer(change)),
        (None, Some(candidate)) => (TextStyle::Warning, format!("not known, maybe {}", writer(candidate))),
        (None, None) => (TextStyle::Warning, "not recorded".to_owned()),
    };
    let writers: Vec<Cell> = blame.columns.iter().map(writer_of).collect();
    let rows = blame.columns.iter().map(|column| {
        [
            (TextStyle::Plain, escape(&column.column).into_owned()),
            (TextStyle::Bold, shown_value(column.value.as_ref())),
            (TextStyle::Dim, column.change.or(column.candidate).map(when).unwrap_or_default()),
        ]
    });
    let [name, value, by, at] = ["column", "value", "written by", "when"].map(|head| (head, Align::Left));
    let beside = rows.clone().zip(&writers).map(|([name, value, at], by)| vec![name, value, by.clone(), at]);
    let (heads, beside) = ([name, value, by, at], beside.collect::<Vec<_>>());
    if table_width(&heads, &beside) <= columns {
        return table(&heads, &[], &beside, columns, color).finish();
    }
    let below = table(&[name, value, at], &[1, 0], &rows.map(Vec::from).collect::<Vec<_>>(), columns, color).finish();
    let mut lines = below.lines();
    let mut out: String = lines.next().map(|head| format!("{head}\n")).unwrap_or_default();
    for (line, (style, writer)) in lines.zip(&writers) {
        let mut page = Page::new(color);
        page.go_to(2).put(*style, &truncate(writer, columns.saturating_sub(2))).line();
        out.extend([line, "\n", &page.finish()]);
    }
    out
}

/// Says which columns are not in the table, and why.
fn left_out(page: &mut Page, row: &RowHistory, blame: &RowBlame<'_>, columns: usize) {
    let is_shown = |name: &str| blame.columns.iter().any(|column| column.column == name);
    let mut others: Vec<&str> = Vec::new();
    for m in row.changes.iter().map(|change| &change.mutation) {
        let values = m.before.iter().chain(&m.after).flatten().map(|(name, _)| name);
        for name in m.columns.iter().chain(values).map(String::as_str) {
            if !is_shown(name) && !others.contains(&name) {
                others.push(name);
            }
        }
    }
    let is_whole = row.changes.iter().any(|change| change.mutation.op == MutationOp::Insert);
    let text = match (blame.removed_by, &others[..]) {
        (Some(_), []) => return,
        (Some(_), _) => format!("its columns were {}: the row is gone, so none has a value", listed(&others)),
        (None, []) if is_whole => return,
        (None, []) => "no insert of the row is recorded: columns that nothing changed since are not known".to_owned(),
        (None, _) => format!("not shown: {}, which nothing has written since the row was inserted", listed(&others)),
    };
    for line in wrap(&text, columns, 4) {
        page.put(TextStyle::Dim, &line).line();
    }
}

/// So many columns are named.
const MAX_NAMES: usize = 20;

fn listed(names: &[&str]) -> String {
    let mut all: Vec<String> = names.iter().take(MAX_NAMES).map(|name| escape(name).into_owned()).collect();
    if names.len() > MAX_NAMES {
        all.push(format!("{} more", names.len() - MAX_NAMES));
    }
    all.join(", ")
}

/// `orders id=1  in shop`.
fn head(page: &mut Page, row: &RowHistory) {
    page.put(TextStyle::Bold, &escape(&row.table)).space(1).put(TextStyle::Bold, &escape(&key_text(&row.key)));
    page.space(2).put(TextStyle::Dim, &format!("in {}", escape(&row.database))).line();
}

fn put(page: &mut Page, change: &RowChange, columns: usize) {
    let m = &change.mutation;
    let style = match m.op {
        MutationOp::Delete | MutationOp::Truncate => TextStyle::Warning,
        _ => TextStyle::Plain,
    };
    page.put(TextStyle::Dim, &when(change)).go_to(WHAT).put(style, m.op.name());
    let room = columns.saturating_sub(WHAT + 10);
    let what: Vec<String> = change.effects.iter().map(|effect| said(m.op, effect)).collect();
    let what = match (m.op, what.is_empty()) {
        (MutationOp::Truncate, _) => "all rows of the table were removed".to_owned(),
        (MutationOp::Delete, _) => gone(m),
        (MutationOp::Update, true) => "no column has another value".to_owned(),
        _ => what.join(", "),
    };
    for line in wrap(&what, room, MAX_LINES) {
        page.go_to(WHAT + 10).put(TextStyle::Bold, &line);
        page.line();
    }
    by(page, change, WHAT, columns);
    let missing = change.unexplained.iter().map(|column| {
        format!("before it, {} was not what was recorded last: a change is missing, or clocks differ", escape(column))
    });
    let concurrent = change.is_concurrent.then(|| "nothing says whether it or the one beside it was first".to_owned());
    for line in missing.chain(concurrent).flat_map(|text| wrap(&text, columns.saturating_sub(WHAT), 4)) {
        page.go_to(WHAT).put(TextStyle::Warning, &line).line();
    }
}

fn said(op: MutationOp, effect: &ColumnEffect) -> String {
    let column = escape(&effect.column);
    if !effect.is_certain {
        return match &effect.after {
            Some(after) => format!("maybe {column} → {}", shown_value(Some(after))),
            None => format!("maybe {column}"),
        };
    }
    match (op, &effect.before, &effect.after) {
        (MutationOp::Insert, _, after) => format!("{column} {}", shown_value(after.as_ref())),
        (_, None, None) => format!("{column} changed"),
        (_, None, after) => format!("{column} → {}", shown_value(after.as_ref())),
        (_, before, after) => format!("{column} {} → {}", shown_value(before.as_ref()), shown_value(after.as_ref())),
    }
}

/// `was status paid, total 5`: the values that are gone.
fn gone(mutation: &Mutation) -> String {
    let was = mutation.changes().into_iter().filter_map(|change| Some((change.column, change.before?)));
    let all: Vec<_> = was.map(|(column, value)| format!("{} {}", escape(column), shown_value(Some(value)))).collect();
    if all.is_empty() { "the values before are not known".to_owned() } else { format!("was {}", all.join(", ")) }
}

fn shown_value(value: Option<&Value>) -> String {
    value.map_or("(not captured)".to_owned(), |value| escape(&value_words(value, MAX_VALUE)).into_owned())
}

fn when(change: &RowChange) -> String {
    change.mutation.committed_at.map_or("(time not known)".to_owned(), instant)
}

/// The line that says who wrote it.
fn by(page: &mut Page, change: &RowChange, column: usize, columns: usize) {
    if let Some(writer) = &change.writer {
        page.target(writer.span_id.map_or(Target::Run(writer.run_id), |span| Target::Span(Some(writer.run_id), span)));
    }
    let style = if change.writer.is_some() { TextStyle::Dim } else { TextStyle::Warning };
    page.go_to(column).put(style, &truncate(&writer(change), columns.saturating_sub(column))).line();
}

fn writer(change: &RowChange) -> String {
    let run = change.writer.as_ref();
    let run = run.map(|writer| (writer.run_id, writer.run_name.as_str(), writer.span_name.as_deref()));
    writer_words(run, &change.service)
}

fn foot(page: &mut Page, answer: &StateAnswer, columns: usize) {
    if let Some(at) = answer.known_since {
        let text = format!("known since {}: of earlier changes some are missing", instant(at));
        page.line().put(TextStyle::Warning, &truncate(&text, columns)).line();
    }
}
