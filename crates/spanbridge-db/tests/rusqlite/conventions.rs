//! What is emitted is what `docs/conventions.md` says.

use crate::support::{memory, record, spans};
use spanbridge_db::QueryOptions;
use std::collections::BTreeSet;

const DOC: &str = include_str!("../../../../docs/conventions.md");

/// The names of attributes, of a query and of a transaction.
#[test]
fn attributes_are_in_the_table() {
    let section = DOC.split("## Spans and attributes on databases").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let name = |row: &str| row.split('`').nth(1).unwrap().to_owned();
    let known: BTreeSet<_> = rows.iter().map(|row| name(row)).collect();
    let always: Vec<_> =
        rows.iter().filter(|row| row.split('|').nth(2).is_some_and(|c| c.trim() == "always")).collect();
    let records = record(|| {
        let mut db =
            memory("CREATE TABLE t (id INTEGER PRIMARY KEY)").query_options(QueryOptions::new().parameters(true));
        let tx = db.transaction().unwrap();
        tx.execute("INSERT INTO t VALUES (?1)", [1]).unwrap();
        tx.execute("INSERT INTO t VALUES (?1)", [1]).unwrap_err();
        tx.query_row("SELECT * FROM t", (), |_| Ok(())).unwrap();
        tx.commit().unwrap();
    });
    let mut seen = BTreeSet::new();
    for span in spans(&records) {
        let attributes = span["attributes"].as_object().unwrap();
        for row in &always {
            assert!(attributes.contains_key(&name(row)), "{row}: {span}");
        }
        seen.extend(attributes.keys().map(|key| key.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()));
        seen.extend(span["errorType"].as_str().map(|_| "error.type".to_owned()))
    }
    assert_eq!(seen, known);
}
