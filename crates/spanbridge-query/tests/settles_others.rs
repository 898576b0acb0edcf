//! Attacks on what is said of unsettled messages.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Link, Record};
use spanbridge::{RunId, Status, semconv};
use spanbridge_graph::RunStatus;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;

const QUEUE: &str = "events:order:mail";

fn tag(n: u64) -> (&'static str, AttributeValue<'static>) {
    (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(n as i64))
}

fn multiple() -> (&'static str, AttributeValue<'static>) {
    (semconv::SETTLE_MULTIPLE, AttributeValue::Bool(true))
}

/// A run with work on a message; how it ends; and its settlement.
fn order(n: u64, end: Option<Status>, settle: Option<Said>) -> Vec<Record<'static>> {
    let (first, at) = (100 * n, 1000 * n);
    let mut shop = Recording::of(run(n.into()), 2 * n, "shop");
    let mut mail = Recording::of(run(n.into()), 2 * n + 1, "mailer");
    let mut all = vec![
        shop.run_start("order", at),
        shop.step((first, 0), ("messaging.publish", "publish"), "events:order", (at + 1, at + 2), vec![]),
    ];
    all.extend(end.map(|status| shop.run_end(at + 5, status)));
    let said = vec![(semconv::SETTLE_EXPECTED, text("ack")), tag(n)];
    all.push(mail.step((first + 1, first), ("messaging.process", "process"), QUEUE, (at + 10, at + 20), said));
    if let Some(said) = settle {
        all.push(mail.step((first + 2, first + 1), ("messaging.settle", "ack"), QUEUE, (at + 21, at + 22), said));
    }
    all
}

fn fold(store: &Store) {
    store.fold(FoldBudget::everything(), |_| true).unwrap();
}

fn failed(store: &Store) -> Vec<RunId> {
    let rows = store.runs(&RunFilter::default().status(RunStatus::Error), 100).unwrap();
    let rows = rows.into_iter().filter(|row| row.failed_work.never_settled > 0);
    let mut ids: Vec<RunId> = rows.map(|row| row.run_id).collect();
    ids.sort_unstable();
    ids
}

fn with(stories: &[Vec<Record<'static>>]) -> (tempfile::TempDir, std::path::PathBuf, StoreSink) {
    let (dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    (1..).zip(stories).for_each(|(number, records)| deliver(&mut sink, 1, number, records));
    (dir, path, sink)
}

/// An ack in a run that has not ended, or was cancelled, covers messages of others as well.
#[test]
fn open_runs_settle_others() {
    for end in [Some(Status::Ok), Some(Status::Error), None, Some(Status::Cancelled)] {
        let (_dir, path, _sink) =
            with(&[order(1, Some(Status::Ok), None), order(2, end, Some(vec![tag(2), multiple()]))]);
        let store = Store::open(&path).unwrap();
        assert_eq!(failed(&store), [], "{end:?}");
        fold(&store);
        assert_eq!(failed(&store), [], "{end:?}, folded");
    }
}

/// A settlement below nothing, with links or `multiple`.
#[test]
fn settlements_alone_settle_others() {
    for is_multiple in [true, false] {
        let mut mail = Recording::of(run(9), 99, "mailer");
        let said = if is_multiple { vec![tag(9), multiple()] } else { vec![] };
        let mut ack = mail.step((900, 0), ("messaging.settle", "ack"), QUEUE, (30, 31), said);
        if let Body::Span(span) = &mut ack.body
            && !is_multiple
        {
            span.links = vec![Link::new(trace(1), span_id(101), attributes(&[]))];
        }
        let (_dir, path, _sink) = with(&[order(1, Some(Status::Ok), None), vec![ack]]);
        let store = Store::open(&path).unwrap();
        assert_eq!(failed(&store), [], "multiple: {is_multiple}");
        fold(&store);
        assert_eq!(failed(&store), [], "multiple: {is_multiple}, folded");
    }
}

/// An earlier release folded the work, and did not mark it. It was counted again; then something else is recorded in its run.
#[test]
fn upgraded_runs_stay_unsettled() {
    let (_dir, path, mut sink) = with(&[order(1, Some(Status::Ok), None)]);
    let store = Store::open(&path).unwrap();
    fold(&store);
    drop(store);
    let index = downgrade(&path, 3);
    index.execute_batch("UPDATE run SET status = 0, errors = NULL, spans = NULL").unwrap();
    // The flag of 0037 was not set for this.
    let totals: Vec<u8> = index.query_row("SELECT totals FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!((totals[0] & 0x80, totals[1] & 0x40), (0x80, 0x40), "{totals:x?}");
    let mut old = totals;
    old[1] &= !0x40;
    if old[1] == 0 {
        old[0] &= 0x7f;
        old.remove(1);
    }
    index.execute("UPDATE run SET totals = ?", [old]).unwrap();
    drop(index);
    let store = Store::open(&path).unwrap();
    fold(&store);
    assert_eq!(failed(&store), [run(1)], "counted again");
    let mut shop = Recording::of(run(1), 50, "shop");
    deliver(&mut sink, 1, 9, &[shop.step((190, 0), ("messaging.publish", "publish"), "x", (1500, 1501), vec![])]);
    assert_eq!(failed(&store), [run(1)], "with more");
    fold(&store);
    assert_eq!(failed(&store), [run(1)], "with more, folded");
}

/// Only the records of a run that failed show that its receiver settles messages of others.
#[test]
fn upgraded_failed_runs_are_looked_at() {
    let (_dir, path, _sink) =
        with(&[order(1, Some(Status::Ok), None), order(2, Some(Status::Error), Some(vec![tag(2), multiple()]))]);
    let store = Store::open(&path).unwrap();
    fold(&store);
    assert_eq!(failed(&store), []);
    drop(store);
    let index = downgrade(&path, 3);
    index.execute_batch("UPDATE run SET status = 0, errors = NULL, spans = NULL WHERE status <> 1").unwrap();
    drop(index);
    let store = Store::open(&path).unwrap();
    fold(&store);
    assert_eq!(failed(&store), []);
}

/// A job that is given back before anybody worked on it, as at shutdown, says nothing of others.
#[test]
fn jobs_given_back_say_nothing_of_others() {
    let mut back = order(2, Some(Status::Ok), None);
    back.pop();
    let mut mail = Recording::of(run(2), 60, "mailer");
    let said = vec![tag(2), (semconv::SETTLE_REQUEUE, AttributeValue::Bool(true))];
    back.push(mail.step((202, 200), ("messaging.settle", "nack"), QUEUE, (2010, 2011), said));
    let (_dir, path, _sink) = with(&[order(1, Some(Status::Ok), None), back]);
    let store = Store::open(&path).unwrap();
    assert_eq!(failed(&store), [run(1)]);
}
