//! Runs as columns, and the details of a span.
#![cfg(feature = "serve")]

#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use spanbridge::record::Record;
use spanbridge::semconv;
use spanbridge_cli::serve::rows::{Rows, SpanDetails};
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{Checkup, CriticalPath, Graph, run_of};
use std::collections::BTreeMap;
use story::{Story, process, publish, run_id, server, settle, span_id, step};

fn graph(story: &Story, run: u128) -> Graph {
    story.graphs().into_iter().find(|graph| graph.run.run_id == run_id(run)).unwrap()
}

/// The rows as a reader gets them.
fn rows(graph: &Graph) -> Value {
    serde_json::from_slice(&serde_json::to_vec(&Rows::of(graph)).unwrap()).unwrap()
}

/// The names of the rows, each behind a point for every row above it.
fn tree(rows: &Value) -> Vec<String> {
    let mut depths: Vec<usize> = Vec::new();
    let spans = &rows["spans"];
    let each = |(row, name): (usize, &Value)| {
        let parent = spans["parent"][row].as_i64().unwrap();
        depths.push(usize::try_from(parent).map_or(0, |parent| depths[parent] + 1));
        format!("{}{}", ".".repeat(depths[row]), rows["names"][name.as_u64().unwrap() as usize].as_str().unwrap())
    };
    spans["name"].as_array().unwrap().iter().enumerate().map(each).collect()
}

/// A message waits two seconds. The wait is a time of its own, and lies on the critical path.
#[test]
fn time_in_a_queue_is_on_the_critical_path() {
    let mut s = Story::default();
    let request = s.add(server("shop", "POST /orders", 0, 0, 12));
    let sent = s.add(publish("shop", "orders", request, 8));
    let job = s.add(process("billing", "orders", sent, 2010, 2100));
    s.add(settle("billing", "ack", job, 2099));
    let mut graph = graph(&s, 1);
    graph.critical_path = Some(CriticalPath::of(&graph));
    let rows = rows(&graph);
    assert_eq!(tree(&rows), ["POST /orders", ".publish orders", "..process orders", "...ack"]);
    assert_eq!(rows["sparse"]["queued"], json!({ "2": 2_000_000_000u64 }));
    assert_eq!(rows["sparse"]["hop"], json!({ "2": "queue" }));
    assert_eq!(rows["sparse"]["handoff"], json!({ "1": "confirmed" }));
    assert_eq!((&rows["sparse"]["settlement"], &rows["sparse"]["folded"]), (&json!({ "2": ["ack"] }), &json!([3])));
    let path = &rows["criticalPath"];
    assert_eq!(path["totals"], json!({ "queue": 2_000_000_000u64, "work": 100_000_000 }));
    let queue = path["kinds"].as_array().unwrap().iter().position(|kind| kind == "queue").unwrap();
    let at = path["kind"].as_array().unwrap().iter().position(|kind| *kind == json!(queue)).unwrap();
    assert_eq!((&path["row"][at], &path["duration"][at]), (&json!(2), &json!(2_000_000_000u64)));
}

/// The clock of the consumer is a minute behind: nobody knows how long the message waited.
#[test]
fn a_wait_by_two_clocks_is_not_computed() {
    let mut s = Story::default();
    s.ahead.insert("billing", -60_000);
    let sent = s.add(publish("shop", "orders", 0, 8));
    s.add(process("billing", "orders", sent, 2010, 2100));
    let rows = rows(&graph(&s, 1));
    assert_eq!(rows["sparse"]["skewed"], json!([1]));
    assert_eq!(rows["sparse"]["queued"], Value::Null);
    assert_eq!(rows["spans"]["start"][1], 0, "the earliest time");
}

/// Attempts, a dead letter, and doctor's findings stand at their rows.
#[test]
fn attempts_and_findings_have_rows() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    for n in 1..=2 {
        let job = process("billing", "orders", sent, 10 * n, 10 * n + 5).attempt(n as i64).fails("no\nluck");
        let job = s.add(job);
        s.add(settle("billing", "reject", job, 10 * n + 5));
    }
    let dead = process("audit", "graveyard", sent, 50, 60)
        .is(semconv::DEAD_LETTER_QUEUE, "orders")
        .is(semconv::DEAD_LETTER_REASON, "rejected");
    s.add(dead);
    s.add(publish("shop", "nowhere", 0, 70));
    let graph = graph(&s, 1);
    let shown = rows(&graph);
    assert_eq!(shown["sparse"]["attempt"], json!({ "1": 1, "3": 2 }));
    assert_eq!(shown["sparse"]["retry"], json!([3]));
    assert_eq!(shown["sparse"]["error"], json!({ "1": 0, "3": 0 }));
    assert_eq!(shown["errors"], json!(["no"]));
    assert_eq!(shown["sparse"]["deadLettered"], json!([3]));
    assert_eq!(shown["sparse"]["deadLetter"], json!({ "5": { "queue": "orders", "reason": "rejected" } }));
    let ends: Vec<_> =
        shown["edges"].as_array().unwrap().iter().map(|e| (&e["edgeType"], &e["from"], &e["to"])).collect();
    let row = |n: u64| json!({ "row": n });
    assert!(ends.contains(&(&json!("retry.of"), &row(3), &row(1))), "{ends:?}");
    assert!(ends.contains(&(&json!("dead_lettered.to"), &row(3), &row(5))), "{ends:?}");

    let mut checkup = Checkup::new(u64::MAX);
    checkup.check(&graph);
    let gaps = checkup.gaps();
    let found = serde_json::to_value(Rows::of(&graph).findings(&gaps)).unwrap();
    let lost = found["findings"].as_array().unwrap().iter().find(|f| f["gap"]["spanId"] == json!(span_id(7)));
    assert_eq!(lost.unwrap()["row"], 6);
    let details = SpanDetails::of(&graph, span_id(7)).unwrap().findings(&gaps);
    assert_eq!(serde_json::to_value(details).unwrap()["gaps"][0]["what"], lost.unwrap()["gap"]["what"]);
}

/// Work that is linked to its sender stands below it, and says that its trace is another.
#[test]
fn linked_work_stands_below_its_sender() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    s.add(step("shop", "later", 0, 5, 6));
    s.add(process("billing", "orders", 0, 10, 20).linked_to(sent));
    let rows = rows(&graph(&s, 1));
    assert_eq!(tree(&rows), ["publish orders", ".process orders", "later"]);
    assert_eq!((&rows["sparse"]["newTrace"], &rows["sparse"]["links"]), (&json!([1]), &json!({ "1": 1 })));
    assert_eq!(rows["sparse"]["linkedFrom"], json!({ "0": 1 }));
}

/// The spans of a child run stand below what started it, and say where it begins.
#[test]
fn child_runs_are_rows() {
    let mut s = Story::default();
    let start = s.add(step("shop", "start", 0, 0, 5));
    s.begin(2, "billing", "invoice", 6, Some(start));
    let job = s.add(step("billing", "bill", 0, 7, 20).top_of(2));
    s.add(step("billing", "print", job, 8, 9));
    s.add(step("shop", "after", 0, 30, 31));
    let mut whole = graph(&s, 1);
    whole.inline(vec![graph(&s, 2)]);
    let rows = rows(&whole);
    assert_eq!(tree(&rows), ["start", ".bill", "..print", "after"]);
    assert_eq!(rows["sparse"]["run"], json!({ "1": 1 }));
    assert_eq!(rows["runs"], json!([run_id(1), run_id(2)]));
}

/// The details are those of the graph.
#[test]
fn details_are_those_of_the_graph() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    s.add(process("billing", "orders", sent, 10, 15).attempt(1).fails("no"));
    let job = s.add(process("billing", "orders", sent, 20, 25).attempt(2));
    let graph = graph(&s, 1);
    let all = graph.to_json();
    let details = serde_json::to_value(SpanDetails::of(&graph, span_id(job)).unwrap()).unwrap();
    assert_eq!(details["span"], all["spans"][2]);
    assert_eq!(details["edges"][0]["edgeType"], "retry.of");
    assert!(SpanDetails::of(&graph, span_id(99)).is_none());
}

/// A long run over queues takes little room.
#[test]
fn ten_thousand_spans_take_little_room() {
    let mut s = Story::default();
    let root = s.add(server("gateway", "POST /orders", 0, 0, 100_000));
    for n in 0..2000 {
        let at = 40 * n;
        let sent = s.add(publish("shop", "orders", root, at));
        let job = s.add(process("billing", "orders", sent, at + 10, at + 30).attempt(1).fails("card declined"));
        s.add(settle("billing", "nack", job, at + 30));
        let again = s.add(process("billing", "orders", sent, at + 40, at + 70).attempt(2));
        s.add(settle("billing", "ack", again, at + 70));
    }
    let mut graph = graph(&s, 1);
    graph.critical_path = Some(CriticalPath::of(&graph));
    let bytes = serde_json::to_vec(&Rows::of(&graph)).unwrap();
    assert_eq!(graph.spans.len(), 10_001);
    assert!(bytes.len() < 1_500_000, "{} bytes", bytes.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is recorded, every span is one row, and stands with its relatives: everything below a row follows it directly.
    #[test]
    fn every_span_is_one_row(records in vec(record(), 0..60)) {
        let mut runs: BTreeMap<_, Vec<Record<'static>>> = BTreeMap::new();
        for record in records {
            if let Some(run) = run_of(&record) {
                runs.entry(run).or_default().push(record);
            }
        }
        for (run, records) in runs {
            let graph = Graph::build(run, &records);
            let rows = rows(&graph);
            let mut ids: Vec<String> = graph.spans.iter().map(|s| s.span_id.to_string()).collect();
            let mut seen: Vec<&str> = rows["spans"]["spanId"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            ids.sort();
            seen.sort_unstable();
            prop_assert_eq!(&ids, &seen);
            let mut open: Vec<i64> = Vec::new();
            for (row, parent) in (0..).zip(rows["spans"]["parent"].as_array().unwrap()) {
                let parent = parent.as_i64().unwrap();
                while open.last().is_some_and(|above| *above != parent) {
                    open.pop();
                }
                prop_assert!(parent == -1 || open.last() == Some(&parent), "row {} below {}", row, parent);
                open.push(row);
            }
            for column in rows["spans"].as_object().unwrap().values() {
                prop_assert_eq!(column.as_array().unwrap().len(), ids.len());
            }
        }
    }
}
