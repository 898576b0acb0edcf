//! `spanbridge tail` over a database.

use crate::common::{Recording, run, trace};
use crate::program::{Database, Running};
use serde_json::{Value, json};
use spanbridge::record::Record;
use std::collections::BTreeSet;

fn spans(from: u64, count: u64) -> Vec<Record<'static>> {
    let one = |n: u64| Recording::of(run(u128::from(n % 7) + 1), n, "shop").span(n, 0, "step", n, n + 1);
    (from..from + count).map(one).collect()
}

/// In several batches, some of which come again, and some of what was there before.
#[test]
fn each_record_is_printed_once() {
    let before = spans(1, 20);
    let Some(database) = Database::filled(&before) else { return };
    let tail = Running::start(&database.url, &["tail", "--format", "json"]);
    tail.note("what writers lost before it was stored there is not known here");
    let new = spans(101, 50);
    for batch in [&new[..10], &new[..25], &before[5..9], &new[20..], &new[30..40]] {
        database.store(batch);
    }
    let record = |record: &Record<'_>| serde_json::from_str::<Value>(&record.to_json()).unwrap();
    let mut printed: Vec<Value> = new.iter().map(|_| tail.json()).collect();
    // What came twice would come before it.
    let last = Recording::of(run(9), 900, "mail").in_trace(trace(9)).span(900, 0, "last", 0, 1);
    database.store(std::slice::from_ref(&last));
    printed.push(tail.json());
    let texts = |all: &[Value]| all.iter().map(Value::to_string).collect::<BTreeSet<_>>();
    let expected: Vec<Value> = new.iter().chain([&last]).map(record).collect();
    assert_eq!(texts(&printed), texts(&expected));
    assert_eq!(printed.last().map(|record| &record["name"]), Some(&json!("last")));
}

#[test]
fn filters_and_lines_are_those_of_a_directory() {
    let Some(database) = Database::filled(&spans(1, 3)) else { return };
    let tail = Running::start(&database.url, &["tail", "--errors", "--run", &run(2).to_string()]);
    tail.note("is not known here");
    let failed = |n: u64, of: u128| Recording::of(run(of), n, "billing").failed(n, 0, "charge", 0, 9);
    database.store(&[spans(50, 1), vec![failed(60, 1), failed(61, 2)]].concat());
    let line = tail.line();
    assert!(line.contains("billing") && line.contains("✗ charge"), "{line}");
}
