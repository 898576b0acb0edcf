//! A message whose attempts are runs of their own: in the line of the operation, those that a later one mended are not failures.

mod common;

use common::old::OldWriter;
use common::*;
use spanbridge::record::{AttributeValue, Body, Record};
use spanbridge::{Status, semconv};
use spanbridge_graph::RunStatus;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{RunFilter, RunQuery, Store};
use spanbridge_store::StoreSink;

/// A run that sends a message and ends ok. Then come the attempts, each a run, with how it ended.
fn story(n: u64, attempts: &[Status]) -> Vec<Vec<Record<'static>>> {
    let (at, sent) = (1000 * n, 1000 * n + 900);
    let mut shop = Recording::of(run(u128::from(n)), n, "shop");
    let order = vec![
        shop.run_start("order", at),
        shop.step((sent, 0), ("messaging.publish", "publish"), "orders:created", (at + 1, at + 2), vec![]),
        shop.run_end(at + 5, Status::Ok),
    ];
    let attempt = |(number, status): (u64, &Status)| {
        let (id, at) = (100 * n + number, at + 20 * number);
        let mut mail = Recording::of(run(id.into()), id, "mail");
        let said = vec![
            (semconv::DELIVERY_ATTEMPT, AttributeValue::I64(number as i64)),
            (semconv::RABBITMQ_ROUTING_KEY, text("created")),
            (semconv::RELATION, text("new_run")),
        ];
        let mut work = mail.step((id, 0), ("messaging.process", "process"), "orders:created:mail", (at, at + 9), said);
        if let Body::Span(span) = &mut work.body {
            span.end = Some(end(at + 9, *status));
        }
        let started = mail.record(run_start("process mail", at, Some((run(n.into()), span_id(sent)))));
        vec![started, work, mail.run_end(at + 10, *status)]
    };
    std::iter::once(order).chain((1..).zip(attempts).map(attempt)).collect()
}

/// Of the four operations, the second is mended, and the third is not yet.
fn stories() -> Vec<Vec<Record<'static>>> {
    use Status::{Error, Ok};
    [story(1, &[Ok]), story(2, &[Error, Error, Ok]), story(3, &[Error, Error]), story(4, &[Error])].concat()
}

fn check(store: &Store, mended: &[(u128, u64, u64)]) {
    let list = |query: RunQuery| store.list(&query, 100).unwrap();
    let ids = |filter: RunFilter| -> Vec<u128> {
        list(RunQuery::new(filter)).iter().map(|row| row.run_id.get() as u32 as u128).collect()
    };
    let rows = list(RunQuery::default());
    let shown: Vec<(u128, u64, u64)> = rows
        .iter()
        .map(|row| (row.run_id.get() as u32 as u128, row.failed_descendants, row.failed_work.recovered))
        .collect();
    assert_eq!(shown, mended);
    assert!(rows.iter().all(|row| row.status == RunStatus::Ok && row.failed_work.total() == 0));
    let failed = |wanted: bool| mended.iter().filter(move |row| (row.1 > 0) == wanted).map(|row| row.0);
    let of = |status| RunFilter::default().status(status);
    assert_eq!(ids(of(RunStatus::Error)), failed(true).collect::<Vec<_>>());
    assert_eq!(ids(of(RunStatus::Ok)), failed(false).collect::<Vec<_>>());
    assert_eq!(ids(of(RunStatus::Error).service("mail")), failed(true).collect::<Vec<_>>());
    assert_eq!(store.count(&RunQuery::new(of(RunStatus::Error))).unwrap(), failed(true).count() as u64);
    let pages = (0..).map(|page| list_page(store, of(RunStatus::Ok), page));
    assert_eq!(pages.take_while(|page| !page.is_empty()).flatten().collect::<Vec<_>>(), ids(of(RunStatus::Ok)));
    // Each attempt by itself keeps its status.
    let each = list(RunQuery::new(of(RunStatus::Error)).each_run());
    assert!(each.iter().all(|row| row.status == RunStatus::Error && row.parent_run_id.is_some()));
    // The graph of the sender says the same.
    for (n, _, recovered) in mended {
        let graph = store.graph(run(*n)).unwrap().unwrap();
        assert_eq!((graph.run.failed_work.recovered, graph.run.failed_work.total()), (*recovered, 0), "{n}");
        assert_eq!(store.operations_of(&[run(*n)]).unwrap()[0].failed_work.recovered, *recovered);
    }
}

fn list_page(store: &Store, filter: RunFilter, page: usize) -> Vec<u128> {
    let rows = store.list(&RunQuery::new(filter).skip(page), 1).unwrap();
    rows.iter().map(|row| row.run_id.get() as u32 as u128).collect()
}

const BEFORE: [(u128, u64, u64); 4] = [(4, 1, 0), (3, 2, 0), (2, 0, 1), (1, 0, 0)];
const AFTER: [(u128, u64, u64); 4] = [(4, 1, 0), (3, 0, 1), (2, 0, 1), (1, 0, 0)];

/// Whatever is folded, and when the attempt that succeeds comes after the others were folded as failed.
#[test]
fn a_later_run_mends_the_operation() {
    for folded_after in [0, 3, 5, 8, 99] {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        let store = Store::open(&path).unwrap();
        for (number, records) in (1..).zip(stories()) {
            deliver(&mut sink, 1, number, &records);
            if number == folded_after {
                store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
            }
        }
        check(&store, &BEFORE);
        deliver(&mut sink, 1, 50, &story(3, &[Status::Error, Status::Error, Status::Ok])[3]);
        check(&store, &AFTER);
        store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        check(&store, &AFTER);
    }
}

/// The engine for old stores, and the one that joins an old store and its successor.
#[test]
fn every_engine_knows_mended_runs() {
    let (_dir, path) = place();
    let mut old = OldWriter::open(&path);
    (1..).zip(stories()).for_each(|(number, records)| old.deliver(1, number, &records));
    check(&Store::open(&path).unwrap(), &BEFORE);
    let mut sink = StoreSink::open(&path).unwrap();
    deliver(&mut sink, 2, 1, &story(3, &[Status::Error, Status::Error, Status::Ok])[3]);
    check(&Store::open(&path).unwrap(), &AFTER);
}
