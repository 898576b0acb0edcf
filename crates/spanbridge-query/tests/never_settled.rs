//! Messages that were never settled, in lists, graphs and what is kept.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Record};
use spanbridge::{RunId, Status, semconv};
use spanbridge_graph::{Graph, RunStatus};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::keeping::{self, Prune};
use spanbridge_query::{RunFilter, RunQuery, Store};
use spanbridge_store::StoreSink;
use std::time::Duration;

const QUEUE: &str = "events:order:mail";

/// How the message of an order ends.
#[derive(Clone, Copy)]
enum Ends {
    Acked,
    Unsettled,
    /// By an ack of this service that covers earlier messages, too.
    AckedWithOthers,
}

/// An order whose owner ended it ok, and the work of this service on its message.
fn order(n: u64, service: &'static str, ends: Ends) -> Vec<Record<'static>> {
    let (first, at) = (100 * n, 1000 * n);
    let mut shop = Recording::of(run(n.into()), 2 * n, "shop");
    let mut mail = Recording::of(run(n.into()), 2 * n + 1, service);
    let mut all = vec![
        shop.run_start("order", at),
        shop.step((first, 0), ("messaging.publish", "publish"), "events:order", (at + 1, at + 2), vec![]),
        shop.run_end(at + 5, Status::Ok),
    ];
    let tag = || (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(n as i64));
    let said = vec![(semconv::SETTLE_EXPECTED, text("ack")), tag()];
    all.push(mail.step((first + 1, first), ("messaging.process", "process"), QUEUE, (at + 10, at + 20), said));
    let settle = |mail: &mut Recording, said| {
        mail.step((first + 2, first + 1), ("messaging.settle", "ack"), QUEUE, (at + 21, at + 22), said)
    };
    match ends {
        Ends::Acked => all.push(settle(&mut mail, vec![tag()])),
        Ends::AckedWithOthers => {
            let said = vec![tag(), (semconv::SETTLE_MULTIPLE, AttributeValue::Bool(true))];
            all.push(settle(&mut mail, said));
        }
        Ends::Unsettled => {}
    }
    all
}

fn fold(store: &Store) {
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
}

/// The runs that a filter for failed ones shows. That is what rows and graphs say, too.
fn failed(store: &Store) -> Vec<RunId> {
    let list = |status| store.list(&RunQuery::new(RunFilter::default().status(status)), 100).unwrap();
    let (failed, good) = (list(RunStatus::Error), list(RunStatus::Ok));
    let rows = store.runs(&RunFilter::default(), 100).unwrap();
    assert_eq!(failed.len() + good.len(), rows.len());
    for row in &rows {
        let work = row.failed_work;
        assert_eq!((row.status, work.total()), (RunStatus::Ok, work.never_settled));
        let graph = store.graph(row.run_id).unwrap().unwrap();
        assert_eq!(graph.run.failed_work, work);
        let json = graph.to_json();
        let count = |key: &str| json["run"].get(key).map_or(0, |n| n.as_u64().unwrap());
        assert_eq!((count("failedWork"), count("neverSettled")), (work.total(), work.never_settled));
        let why = store.why(&[row.run_id]).unwrap().unwrap();
        assert_eq!(why.run.failed_work, work);
    }
    let mut ids: Vec<RunId> = failed.iter().map(|row| row.run_id).collect();
    ids.sort_unstable();
    ids
}

/// Before and after it is folded, until the ack comes; in whichever order the deliveries come.
#[test]
fn lists_and_graphs_agree() {
    for is_reversed in [false, true] {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        let mut records = [order(1, "mailer", Ends::Acked), order(2, "mailer", Ends::Unsettled)].concat();
        if is_reversed {
            records.reverse();
        }
        (1..).zip(&records).for_each(|(number, record)| deliver(&mut sink, 1, number, std::slice::from_ref(record)));
        let store = Store::open(&path).unwrap();
        assert_eq!(failed(&store), [run(2)]);
        fold(&store);
        assert_eq!(failed(&store), [run(2)]);
        let ack = order(2, "mailer", Ends::Acked).pop().unwrap();
        deliver(&mut sink, 1, 99, &[ack]);
        assert_eq!(failed(&store), []);
        fold(&store);
        assert_eq!(failed(&store), []);
    }
}

/// What ended less than a minute ago may still be settled.
#[test]
fn what_is_new_does_not_count() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_nanos()).unwrap();
    let mut records = order(1, "mailer", Ends::Unsettled);
    for record in &mut records {
        if let Body::Span(span) = &mut record.body
            && span.primitive == "messaging.process"
        {
            span.end.iter_mut().for_each(|end| end.ended_at = now);
        }
    }
    deliver(&mut sink, 1, 1, &records);
    let store = Store::open(&path).unwrap();
    assert_eq!(failed(&store), []);
    fold(&store);
    assert_eq!(failed(&store), []);
}

/// One ack may cover messages of other runs. Then only `doctor` knows what became of a message, and another service still counts.
#[test]
fn a_service_that_acks_many_is_left_out() {
    for folded_after in 0..4 {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        let store = Store::open(&path).unwrap();
        let stories = [
            order(1, "mailer", Ends::Unsettled),
            order(2, "billing", Ends::Unsettled),
            order(3, "mailer", Ends::AckedWithOthers),
        ];
        for (number, records) in (1..).zip(stories) {
            deliver(&mut sink, 1, number, &records);
            if number == folded_after {
                fold(&store);
            }
        }
        assert_eq!(failed(&store), [run(2)], "folded after {folded_after}");
    }
}

/// An earlier release folded the runs and did not look at this. Until all are counted again, nothing is said of any.
#[test]
fn an_index_of_format_3_is_taken_over() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    deliver(&mut sink, 1, 1, &order(1, "mailer", Ends::Unsettled));
    deliver(&mut sink, 1, 2, &order(2, "billing", Ends::Unsettled));
    deliver(&mut sink, 1, 3, &order(3, "mailer", Ends::AckedWithOthers));
    let store = Store::open(&path).unwrap();
    fold(&store);
    drop(store);
    let index = downgrade(&path, 3);
    index.execute_batch("UPDATE run SET status = 0, errors = NULL, spans = NULL").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(failed(&store), []);
    fold(&store);
    assert_eq!(failed(&store), [run(2)]);
    assert!(keeping::check(&path, |_| ()).unwrap().problems.is_empty());
}

/// Pruning keeps what failed as the list shows it: a message that was never settled, and no message that a retry mended.
#[test]
fn pruning_keeps_what_the_list_calls_failed() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut mended = order(4, "mailer", Ends::Acked);
    let mut again = Recording::of(run(4), 99, "mailer");
    for record in &mut mended {
        if let Body::Span(span) = &mut record.body
            && span.primitive == "messaging.process"
        {
            span.end.iter_mut().for_each(|end| end.status = Status::Error);
        }
    }
    mended.push(again.step((450, 400), ("messaging.process", "process"), QUEUE, (4050, 4060), vec![]));
    mended.push(again.step((451, 450), ("messaging.settle", "ack"), QUEUE, (4061, 4062), vec![]));
    let stories = [
        order(1, "mailer", Ends::Acked),
        order(2, "mailer", Ends::Unsettled),
        order(3, "billing", Ends::AckedWithOthers),
        mended,
        order(5, "billing", Ends::Unsettled),
    ];
    (1..).zip(&stories).for_each(|(number, records)| deliver(&mut sink, 1, number, records));
    let store = Store::open(&path).unwrap();
    assert_eq!(Graph::build(run(4), &stories[3]).run.failed_work.recovered, 1);
    let kept = failed(&store);
    assert_eq!(kept, [run(2)]);
    drop((store, sink));
    let all = Prune::new().older_than(Duration::from_secs(1)).keep_failed(true);
    let report = keeping::prune(&path, &all, |_| true).unwrap();
    assert_eq!((report.runs, report.kept_failed), (4, 1));
    let left = Store::open(&path).unwrap().runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(left.iter().map(|row| row.run_id).collect::<Vec<_>>(), kept);
}
