//! A list of runs as a table.

use super::options::Options;
use super::page::TextStyle;
use super::status::run_outcome;
use super::table::{Align, Cell, table};
use super::text::{escape, named};
use super::time::{ago, duration};
use spanbridge_query::RunRow;

const HEADS: [(&str, Align); 8] = [
    ("run", Align::Left),
    ("status", Align::Left),
    ("name", Align::Left),
    ("services", Align::Left),
    ("spans", Align::Right),
    ("errors", Align::Right),
    ("took", Align::Right),
    ("began", Align::Right),
];

/// Renders runs as a table, with this many digits of each run id. `now` is in nanoseconds since the Unix epoch.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn runs(rows: &[RunRow], digits: usize, now: u64, options: &Options) -> String {
    let mut heads = HEADS.to_vec();
    let mut lines: Vec<Vec<Cell>> = rows.iter().map(|r| line(r, digits, now)).collect();
    // If every column is shortened, none says much. On a narrow page the spans go first, then the services.
    for (column, min_width) in [(4, 66), (3, 80)] {
        if options.width < min_width {
            heads.remove(column);
            lines.iter_mut().for_each(|line| drop(line.remove(column)));
        }
    }
    let shrinking: &[usize] = if heads.len() == HEADS.len() { &[3, 2] } else { &[2] };
    table(&heads, shrinking, &lines, options)
}

fn line(row: &RunRow, digits: usize, now: u64) -> Vec<Cell> {
    let (style, status) = run_outcome(row.status, &row.failed_work);
    let services: Vec<_> = row.services.iter().map(|s| escape(s)).collect();
    // If clocks contradict each other, nobody knows how long it took.
    let took = row.ended_at.and_then(|end| end.checked_sub(row.started_at)).map_or("–".into(), duration);
    let errors = match row.errors {
        0 => (TextStyle::Dim, "–".into()),
        n => (TextStyle::Error, n.to_string()),
    };
    vec![
        (TextStyle::Plain, format!("{:.digits$}", row.run_id)),
        (style, status),
        (TextStyle::Bold, named(&row.name)),
        (TextStyle::Plain, services.join(", ")),
        (TextStyle::Plain, row.spans.to_string()),
        errors,
        (TextStyle::Plain, took),
        (TextStyle::Dim, ago(row.started_at, now)),
    ]
}
