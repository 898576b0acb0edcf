//! Runs whose owner ended them ok, while work that they caused failed for good.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Edge, Endpoint, Record};
use spanbridge::{Status, semconv};
use spanbridge_graph::{Graph, RunStatus};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{RunFilter, RunRow, Store};
use spanbridge_store::StoreSink;
use std::collections::BTreeMap;

const MAIL: &str = "orders:created:mail";

/// A run that sends a message and ends ok. Then come the attempts, each with how it ended.
fn story(n: u64, attempts: &[Status], dead_letter: Option<Status>) -> Vec<Record<'static>> {
    let (mut shop, mut mail) =
        (Recording::of(run(n.into()), 2 * n, "shop"), Recording::of(run(n.into()), 2 * n + 1, "mail"));
    let (first, at) = (100 * n, 1000 * n);
    let mut all = vec![shop.run_start("order", at)];
    all.push(shop.step((first, 0), ("messaging.publish", "publish"), "orders:created", (at + 1, at + 2), vec![]));
    all.push(shop.run_end(at + 5, Status::Ok));
    let mut work = |id: u64, from: &str, at: u64, said: Said, status: Status| {
        let mut record = mail.step((first + id, first), ("messaging.process", "process"), from, (at, at + 9), said);
        if let Body::Span(span) = &mut record.body {
            span.end = Some(end(at + 9, status));
        }
        record
    };
    for (i, status) in (1u64..).zip(attempts) {
        let said = vec![
            (semconv::DELIVERY_ATTEMPT, AttributeValue::I64(i as i64)),
            (semconv::RABBITMQ_ROUTING_KEY, text("created")),
        ];
        all.push(work(i, MAIL, at + 20 * i, said, *status));
    }
    if let Some(status) = dead_letter {
        let said = vec![(semconv::DEAD_LETTER_QUEUE, text("mail")), (semconv::DEAD_LETTER_REASON, text("rejected"))];
        all.push(work(50, "dead:created:mail.dead", at + 500, said, status));
    }
    all
}

fn stories() -> Vec<Vec<Record<'static>>> {
    use Status::{Error, Ok, Panicked};
    vec![
        story(1, &[Ok], None),
        story(2, &[Error, Error, Panicked], Some(Ok)),
        story(3, &[Error, Error], None),
        story(4, &[Error, Ok], None),
        story(5, &[], None),
    ]
}

/// Failed for good, dead-lettered, recovered.
const EXPECTED: [(u64, u64, u64); 5] = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1), (0, 0, 0)];

fn counts(rows: &[RunRow]) -> BTreeMap<u128, (u64, u64, u64)> {
    let of = |row: &RunRow| (row.failed_work.failed, row.failed_work.dead_lettered, row.failed_work.recovered);
    rows.iter().map(|row| (row.run_id.get() as u32 as u128, of(row))).collect()
}

fn check(store: &Store) {
    let rows = store.runs(&RunFilter::default(), 100).unwrap();
    assert_eq!(counts(&rows), (1..).zip(EXPECTED).collect::<BTreeMap<_, _>>());
    // The status is what the owner said; filters tell them apart.
    assert!(rows.iter().all(|row| row.status == RunStatus::Ok));
    let shown = |status| {
        let rows = store.runs(&RunFilter::default().status(status), 100).unwrap();
        counts(&rows).into_keys().collect::<Vec<_>>()
    };
    assert_eq!((shown(RunStatus::Error), shown(RunStatus::Ok)), (vec![2, 3], vec![1, 4, 5]));
    for row in &rows {
        let graph = store.graph(row.run_id).unwrap().unwrap();
        assert_eq!((graph.run.failed_work, graph.run.status), (row.failed_work, row.status));
    }
}

/// The same before and after folding, and when a retry mends a run that was folded as failed.
#[test]
fn lists_filters_and_graphs_agree() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    (1..).zip(stories()).for_each(|(number, records)| deliver(&mut sink, 1, number, &records));
    let store = Store::open(&path).unwrap();
    check(&store);
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    check(&store);
    let mended = story(3, &[Status::Error, Status::Error, Status::Ok], None);
    deliver(&mut sink, 1, 9, &mended[mended.len() - 1..]);
    let is_mended = |store: &Store| {
        let rows = store.runs(&RunFilter::default().status(RunStatus::Error), 100).unwrap();
        assert_eq!(counts(&rows).into_keys().collect::<Vec<_>>(), [2]);
    };
    is_mended(&store);
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    is_mended(&store);
}

/// What the owner said of a failure is the status, and nothing is counted beside it. A sender that got a reply knows.
#[test]
fn what_the_owner_knows_does_not_count() {
    let mut failed = story(2, &[Status::Error], None);
    let is_end = |record: &Record<'_>| matches!(record.body, Body::RunEnd(_));
    failed.iter_mut().filter(|r| is_end(r)).for_each(|r| {
        let Body::RunEnd(end) = &mut r.body else { return };
        end.status = Status::Error;
    });
    let graph = Graph::build(run(2), &failed);
    assert_eq!((graph.run.status, graph.run.failed_work.total()), (RunStatus::Error, 0));
    let json = Graph::build(run(3), &story(3, &[Status::Error], None)).to_json();
    assert_eq!((&json["run"]["status"], &json["run"]["failedWork"]), (&"ok".into(), &1.into()));
    assert_eq!(json["run"].get("deadLettered"), None);
    // The question was answered, so whoever asked knows.
    let mut answered = story(3, &[Status::Error], None);
    let end = |n| Endpoint::Span { trace_id: trace(3), span_id: span_id(n) };
    let reply = Body::Edge(Edge::new("replied.to", end(399), end(300)));
    answered.push(Recording::of(run(3), 99, "shop").record(reply));
    assert_eq!(Graph::build(run(3), &answered).run.failed_work.total(), 0);
}

/// An index of the format before is read, and written in this one from then on.
#[test]
fn an_index_of_format_1_is_taken_over() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    (1..).zip(stories()).for_each(|(number, records)| deliver(&mut sink, 1, number, &records));
    let store = Store::open(&path).unwrap();
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    drop(store);
    let index = downgrade(&path, 1);
    check(&Store::open(&path).unwrap());
    assert_eq!(index.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 5);
}

/// A run that sends one message, and ends ok. What became of the message is all that differs.
fn sent(n: u64, more: impl FnOnce(&mut Recording, u64, u64) -> Vec<Record<'static>>) -> Vec<Record<'static>> {
    let mut all = story(n, &[], None);
    let mut mail = Recording::of(run(u128::from(n)), 2000 + n, "mail");
    all.extend(more(&mut mail, 100 * n, 1000 * n));
    all
}

/// Work that succeeded, then a settlement: which, and whether the broker took it.
fn settled(
    operation: &'static str,
    requeue: Option<bool>,
    status: Status,
) -> impl FnOnce(&mut Recording, u64, u64) -> Vec<Record<'static>> {
    move |mail, first, at| {
        let said =
            vec![(semconv::RABBITMQ_ROUTING_KEY, text("created")), (semconv::DELIVERY_ATTEMPT, AttributeValue::I64(1))];
        let work = mail.step((first + 1, first), ("messaging.process", "process"), MAIL, (at + 20, at + 29), said);
        let said = requeue.map(|yes| (semconv::SETTLE_REQUEUE, AttributeValue::Bool(yes))).into_iter().collect();
        let mut settle =
            mail.step((first + 60, first + 1), ("messaging.settle", operation), MAIL, (at + 30, at + 31), said);
        if let Body::Span(span) = &mut settle.body {
            span.end = Some(end(at + 31, status));
        }
        vec![work, settle]
    }
}

/// A dead letter that nobody had worked on before.
fn dead(reason: &'static str) -> impl FnOnce(&mut Recording, u64, u64) -> Vec<Record<'static>> {
    move |mail, first, at| {
        let said = vec![(semconv::DEAD_LETTER_QUEUE, text("mail")), (semconv::DEAD_LETTER_REASON, text(reason))];
        vec![mail.step(
            (first + 1, first),
            ("messaging.process", "process"),
            "dead:created:mail.dead",
            (at + 500, at + 509),
            said,
        )]
    }
}

/// Messages that are lost although the work on them, if there was any, succeeded; and how each is counted.
fn quiet_losses() -> Vec<(Vec<Record<'static>>, (u64, u64, u64))> {
    let mut retried = sent(7, settled("nack", Some(false), Status::Ok));
    retried.extend(story(7, &[Status::Ok, Status::Ok], None).pop());
    vec![
        (sent(1, settled("ack", None, Status::Ok)), (0, 0, 0)),
        (sent(2, settled("reject", Some(false), Status::Ok)), (1, 0, 0)),
        (sent(3, settled("nack", Some(true), Status::Ok)), (0, 0, 0)),
        (sent(4, dead("expired")), (0, 1, 0)),
        (sent(5, dead("maxlen")), (0, 1, 0)),
        (sent(6, settled("ack", None, Status::Error)), (1, 0, 0)),
        (retried, (0, 0, 1)),
    ]
}

/// A message that was given up without an error counts: before and after it is folded, and if an earlier release folded it.
#[test]
fn a_message_may_be_lost_without_an_error() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let expected: BTreeMap<u128, (u64, u64, u64)> =
        (1..).zip(quiet_losses().into_iter().map(|(_, counts)| counts)).collect();
    (1..).zip(quiet_losses()).for_each(|(number, (records, _))| deliver(&mut sink, 1, number, &records));
    let store = Store::open(&path).unwrap();
    let check = |store: &Store| {
        let rows = store.runs(&RunFilter::default(), 100).unwrap();
        assert_eq!(counts(&rows), expected);
        assert!(rows.iter().all(|row| row.status == RunStatus::Ok));
        for row in &rows {
            assert_eq!(store.graph(row.run_id).unwrap().unwrap().run.failed_work, row.failed_work);
        }
        let failed = store.runs(&RunFilter::default().status(RunStatus::Error), 100).unwrap();
        assert_eq!(counts(&failed).into_keys().collect::<Vec<_>>(), [2, 4, 5, 6]);
    };
    check(&store);
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    check(&store);
    drop(store);
    // The earlier release did not know.
    let index = downgrade(&path, 2);
    index.execute_batch("UPDATE run SET status = 0, errors = NULL, spans = NULL").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(store.runs(&RunFilter::default().status(RunStatus::Error), 100).unwrap(), []);
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    check(&store);
    assert_eq!(index.query_row("SELECT count(*) FROM outdated", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
