//! A list of runs as a table.

use super::options::Options;
use super::page::{Page, TextStyle};
use super::status::operation_outcome;
use super::table::{Align, Cell, table};
use super::text::{counted, escape, named};
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

/// On a narrower page, the name of a run says more than that a retry mended something.
const MIN_WIDTH_FOR_RECOVERED: usize = 90;

/// Renders runs as a table, with this many digits of each run id. `now` is in nanoseconds since the Unix epoch.
///
/// The name of a run that another one started has an arrow before it; behind the name of one that started others stands how many.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn runs(rows: &[RunRow], digits: usize, now: u64, options: &Options) -> String {
    page(rows, digits, now, options.columns(), options.color).finish()
}

/// The page: a line with the heads, and one for each run.
pub(crate) fn page(rows: &[RunRow], digits: usize, now: u64, columns: usize, color: bool) -> Page {
    let mut heads = HEADS.to_vec();
    let says_recovered = columns >= MIN_WIDTH_FOR_RECOVERED;
    let mut lines: Vec<Vec<Cell>> = rows.iter().map(|r| line(r, digits, now, says_recovered)).collect();
    // If every column is shortened, none says much. On a narrow page the services go first, then the spans, then what the status
    // says, too, and when it began.
    for (column, min_width) in [(7, 50), (5, 50), (4, 66), (3, 80)] {
        if columns < min_width {
            heads.remove(column);
            lines.iter_mut().for_each(|line| drop(line.remove(column)));
        }
    }
    let shrinking: &[usize] = if heads.len() == HEADS.len() { &[3, 2] } else { &[2] };
    table(&heads, shrinking, &lines, columns, color)
}

fn line(row: &RunRow, digits: usize, now: u64, says_recovered: bool) -> Vec<Cell> {
    let (style, status) = operation_outcome(row, says_recovered);
    let services: Vec<_> = row.services.iter().map(|s| escape(s)).collect();
    // If clocks contradict each other, nobody knows how long it took.
    let took = row.ended_at.and_then(|end| end.checked_sub(row.started_at)).map_or("–".into(), duration);
    let errors = match row.errors {
        0 => (TextStyle::Dim, "–".into()),
        n => (TextStyle::Error, n.to_string()),
    };
    let mut name = named(&row.name);
    if row.parent_run_id.is_some() {
        name.insert_str(0, "↳ ");
    }
    if row.descendants > 0 {
        let runs = usize::try_from(row.descendants).unwrap_or(usize::MAX);
        name.push_str(&format!(" +{}", counted(runs, "run")));
    }
    vec![
        (TextStyle::Plain, format!("{:.digits$}", row.run_id)),
        (style, status),
        (TextStyle::Bold, name),
        (TextStyle::Plain, services.join(", ")),
        (TextStyle::Plain, row.spans.to_string()),
        errors,
        (TextStyle::Plain, took),
        (TextStyle::Dim, ago(row.started_at, now)),
    ]
}
