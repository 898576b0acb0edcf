//! Records that ClickHouse itself reads from Kafka: the statements of the guide, with a table of the same columns in the place of
//! the topic.

use crate::common::list::List;
use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use std::collections::BTreeSet;

const STATEMENTS: &str = include_str!("../../../../docs/guide/clickhouse/kafka.sql");

/// Runs the statements, but for the first, which makes the table of the topic.
fn follow_the_guide(place: &Place) {
    drop(place.writer());
    let code: Vec<&str> = STATEMENTS.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join("\n");
    let mut statements = code.split(";\n").map(str::trim).filter(|statement| !statement.is_empty());
    let topic = statements.next().unwrap();
    let (columns, settings) = topic.split_once(" ENGINE = Kafka SETTINGS").unwrap();
    assert!(settings.contains("kafka_format = 'JSONAsString'"), "{topic}");
    for statement in std::iter::once(&*format!("{columns} ENGINE = Null")).chain(statements) {
        sql(place, statement, crate::LOW_CARDINALITY);
    }
}

fn read(place: &Place, lines: &[String]) {
    let (format, settings) = crate::LINES;
    sql_once(place, &format!("INSERT INTO spanbridge_line FORMAT {format}\n{}\n", lines.join("\n")), settings);
}

/// What a reader of these lines has.
fn parsed(lines: &[String]) -> Vec<Record<'static>> {
    lines.iter().map(|line| Record::from_json(line).unwrap().unwrap().into_owned()).collect()
}

fn same_answers(place: &Place, other: &Store, records: &[Record<'_>]) {
    let runs: BTreeSet<RunId> = records.iter().filter_map(run_of).collect();
    let store = place.store();
    for (found, expected) in told(&store, &runs).iter().zip(told(other, &runs)) {
        assert_eq!(found, &expected);
    }
    filters_choose(&store);
}

fn stories() -> Vec<String> {
    [gaps::clean(), gaps::one_of_each()].concat().iter().map(Record::to_json).collect()
}

/// Kafka gives some of them again. What is no record is set aside.
#[test]
fn lines_of_a_topic_become_records() {
    let Some(place) = place() else { return };
    follow_the_guide(&place);
    let lines = stories();
    read(&place, &lines);
    read(&place, &lines[5..]);
    let dir = tempfile::tempdir().unwrap();
    let mut directory = Store::open_or_create(dir.path().join("spanbridge")).unwrap();
    directory.import(parsed(&lines)).unwrap();
    same_answers(&place, &directory, &parsed(&lines));

    let before = all(&place.store(), None);
    let strange = [
        lines[0].replace(r#""type":"span""#, r#""type":"spin""#),
        lines[0].replace("runId", "ranId"),
        r#"{"schemaVersion":1,"type":"span"}"#.to_owned(),
        r#"{"a":1}"#.to_owned(),
    ];
    read(&place, &strange);
    let rejected = sql_once(&place, "SELECT line FROM spanbridge_rejected FORMAT TabSeparatedRaw", "");
    assert_eq!(rejected.lines().collect::<BTreeSet<_>>(), strange.iter().map(|line| &**line).collect());
    assert_eq!(all(&place.store(), None), before);
}

/// For who writes SQL.
#[test]
fn lines_of_a_topic_have_the_columns() {
    let (Some(place), Some(other)) = (place(), place()) else { return };
    follow_the_guide(&place);
    let lines = stories();
    read(&place, &lines);
    insert(&other.writer(), &parsed(&lines));
    let query = "SELECT run_id, trace_id, segment_id, seq, service, type, span_id, parent_span_id, name, primitive, kind, status, at, \
         took, `attribute.key`, `attribute.kind`, `attribute.value`, error FROM record FINAL ORDER BY run, segment, seq FORMAT TabSeparated";
    let [found, expected] = [&place, &other].map(|place| sql_once(place, query, ""));
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert!(found.lines().count() > 50 && found.len() == expected.len(), "{found}");
}

proptest! {
    // Each case creates a database.
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_become_their_records(records in vec(record(), 1..30)) {
        let Some(place) = place() else { return Ok(()) };
        follow_the_guide(&place);
        let lines = consistent(distinct(vec![records])).concat().iter().map(Record::to_json).collect::<Vec<_>>();
        // No recorder makes one of no run that is about a run.
        let lines: Vec<String> = lines.into_iter().filter(|line| Record::from_json(line).is_ok()).collect();
        if !lines.is_empty() {
            read(&place, &lines);
            let records = parsed(&lines);
            same_answers(&place, &Store::with_engine("list", List(records.clone())), &records);
        }
    }
}
