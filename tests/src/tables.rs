//! Reads the tables in `docs/conventions.md`, which tests compare with what is emitted. (The tests of `spanbridge-lambda`
//! include this file, so it has no dependencies.)

use std::collections::BTreeMap;

/// The text of `docs/conventions.md`.
pub const DOC: &str = include_str!("../../docs/conventions.md");

/// The rows of the table under a heading, as cells without backquotes. The first row has the names of the columns.
///
/// # Panics
///
/// There is no such heading.
pub fn table(heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = DOC.split_once(&format!("## {heading}\n")).expect("the heading");
    let section = rest.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|c| c.trim().trim_matches('`').to_owned()).collect();
    rows.map(cells).collect()
}

/// The attributes of a table by step and name, and whether each is `always` present.
///
/// # Panics
///
/// A cell has text other than `always` or `if`.
pub fn attributes(heading: &str) -> BTreeMap<(String, String), bool> {
    let rows = table(heading);
    let (head, rows) = rows.split_first().expect("names of columns");
    let mut all = BTreeMap::new();
    for row in rows {
        for (step, cell) in head.iter().zip(row).skip(1).filter(|(step, _)| !step.is_empty()) {
            match cell.as_str() {
                "" => continue,
                word => {
                    assert!(["always", "if"].contains(&word), "{row:?}");
                    all.insert((step.clone(), row[0].clone()), word == "always")
                }
            };
        }
    }
    all
}
