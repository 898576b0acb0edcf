//! Messages that were never settled: an engine says what a list of the same records does, before they are due and after.

use super::super::records::*;
use super::list::List;
use super::{filters_choose, told};
use spanbridge::record::{AttributeValue, Body, End, Link, Record};
use spanbridge::{RunId, Status, semconv};
use spanbridge_graph::{RunStatus, run_of};
use spanbridge_query::{RunFilter, RunQuery, Store};
use std::cell::Cell;
use std::collections::BTreeSet;

const QUEUE: &str = "events:order:mail";
const MINUTE: u64 = 60_000;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// What time it is for the engines of this thread: the real time, unless the test has set it.
pub(crate) fn clock() -> u64 {
    match NOW.get() {
        0 => spanbridge_query::engine::now(),
        now => now,
    }
}

/// From now on, it is always this time.
pub(crate) fn stop_the_clock() {
    NOW.set(spanbridge_query::engine::now());
}

/// It is so many milliseconds after the beginning.
fn at(milliseconds: u64) {
    NOW.set(T0 + milliseconds * MS);
}

/// How a message ends, in the run in which it was sent.
#[derive(Clone, Copy)]
enum Ends {
    /// The work ends after 20 ms.
    Unsettled,
    /// The process died.
    Broken,
    Acked,
    /// By an ack for this and others.
    AckedWithOthers,
}

fn yes(key: &'static str) -> (&'static str, AttributeValue<'static>) {
    (key, AttributeValue::Bool(true))
}

fn order(n: u64, service: &'static str, ends: Ends) -> Vec<Record<'static>> {
    let (first, at) = (100 * n, 10 * n);
    let mut shop = Recording::of(run(n.into()), 2 * n, "shop");
    let mut mail = Recording::of(run(n.into()), 2 * n + 1, service);
    let tag = (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(n as i64));
    let said = vec![(semconv::SETTLE_EXPECTED, text("ack")), tag.clone()];
    let mut all = vec![
        shop.run_start("order", at),
        shop.step((first, 0), ("messaging.publish", "publish"), "events:order", (at + 1, at + 2), vec![]),
        shop.run_end(at + 5, Status::Ok),
        mail.step((first + 1, first), ("messaging.process", "process"), QUEUE, (at + 10, at + 20), said),
    ];
    let more = match ends {
        Ends::Unsettled => return all,
        Ends::Broken => {
            if let Some(Body::Span(span)) = all.last_mut().map(|record| &mut record.body) {
                span.end = None;
            }
            return all;
        }
        Ends::Acked => vec![tag],
        Ends::AckedWithOthers => vec![tag, yes(semconv::SETTLE_MULTIPLE)],
    };
    let ack = mail.step((first + 2, first + 1), ("messaging.settle", "ack"), QUEUE, (at + 21, at + 22), more);
    all.push(ack);
    all
}

/// A settlement in a run of its own, below a span that is not recorded, or below none.
fn settlement(
    n: u64,
    service: &'static str,
    (operation, parent): (&'static str, u64),
    change: impl FnOnce(&mut Record<'static>),
) -> Record<'static> {
    let mut mail = Recording::of(run(n.into()), 2 * n, service);
    let step = ("messaging.settle", operation);
    let mut record = mail.step((100 * n, parent), step, QUEUE, (10 * n, 10 * n + 1), vec![]);
    change(&mut record);
    record
}

/// In two batches: what the first one lacks is in the second.
pub(crate) fn stories() -> [Vec<Record<'static>>; 2] {
    let link = |record: &mut Record<'static>| {
        if let Body::Span(span) = &mut record.body {
            span.links = vec![Link::new(trace(1), span_id(101), attributes(&[]))];
        }
    };
    let as_it_is = |_: &mut Record<'static>| ();
    let mut first = [
        order(1, "mailer", Ends::Unsettled),
        order(2, "billing", Ends::Unsettled),
        order(3, "billing", Ends::AckedWithOthers),
        order(4, "printer", Ends::Unsettled),
        vec![settlement(5, "printer", ("ack", 499), as_it_is)],
        order(6, "packer", Ends::Unsettled),
        vec![settlement(7, "packer", ("nack", 699), as_it_is), settlement(8, "packer", ("reject", 0), as_it_is)],
        order(9, "mover", Ends::Unsettled),
        vec![settlement(10, "mover", ("nack", 0), link)],
        order(11, "scanner", Ends::Unsettled),
        vec![settlement(12, "scanner", ("ack", 0), as_it_is)],
        order(13, "mailer", Ends::Broken),
        order(14, "mailer", Ends::Acked),
        order(15, "sorter", Ends::Unsettled),
        order(17, "reader", Ends::Unsettled),
        vec![settlement(18, "reader", ("commit", 1799), as_it_is)],
    ]
    .concat();
    // A part of the operation of another run.
    let mut part = order(19, "mailer", Ends::Unsettled);
    if let Body::RunStart(start) = &mut part[0].body {
        start.parent_run_id = Some(run(14));
    }
    first.extend(part);
    // The ack is there before the work that it is for.
    let [.., work, ack] = &order(16, "sorter", Ends::Acked)[..] else { panic!("an order") };
    first.push(ack.clone());
    [first, vec![work.clone()]]
}

/// The runs of which a message counts, by the list for failures. Every list, graph and explanation says the same.
fn failed(store: &Store) -> Vec<RunId> {
    let rows = store.runs(&RunFilter::default(), 100).unwrap();
    let filter = |status| RunFilter::default().status(status);
    for (wanted, is_one) in [(RunStatus::Error, true), (RunStatus::Ok, false)] {
        let expected: Vec<_> = rows.iter().filter(|row| (row.failed_work.never_settled > 0) == is_one).collect();
        let expected: Vec<_> = expected.into_iter().filter(|row| row.status == RunStatus::Ok).cloned().collect();
        for limit in [1, 2, 100] {
            let found = store.runs(&filter(wanted), limit).unwrap();
            assert_eq!(found, expected[..limit.min(expected.len())], "{wanted:?}, {limit}");
        }
        let mut page = filter(wanted);
        for row in expected.iter().take(3) {
            assert_eq!(store.runs(&page, 1).unwrap(), std::slice::from_ref(row));
            page = page.before(row.started_at, row.run_id);
        }
    }
    for row in rows.iter().filter(|row| !row.unsettled().messages.is_empty()) {
        let graph = store.graph(row.run_id).unwrap().unwrap();
        assert_eq!(graph.run.failed_work, row.failed_work, "{}", row.run_id);
        let why = store.why(&[row.run_id]).unwrap().unwrap();
        let notes = why.notes.iter().filter(|note| note.code == "never_settled").count() as u64;
        assert_eq!((why.run.failed_work, notes), (row.failed_work, row.failed_work.never_settled));
    }
    let mut failed: Vec<RunId> =
        rows.iter().filter(|row| row.counts_as(RunStatus::Error)).map(|row| row.run_id).collect();
    failed.sort_unstable();
    failed
}

fn operations(store: &Store, status: RunStatus) -> Vec<RunId> {
    let query = RunQuery::new(RunFilter::default().status(status));
    let rows = store.list(&query, 100).unwrap();
    assert_eq!(store.list(&query, 2).unwrap(), rows[..rows.len().min(2)]);
    let mut found: Vec<RunId> = rows.iter().map(|row| row.run_id).collect();
    found.sort_unstable();
    found
}

fn runs(all: &[u128]) -> Vec<RunId> {
    let mut all: Vec<RunId> = all.iter().copied().map(run).collect();
    all.sort_unstable();
    all
}

/// Puts the stories into a store, which asks for the [time](clock), and asks it. Both batches come twice.
pub(crate) fn stories_are_told(store: &Store, mut insert: impl FnMut(&[Record<'static>])) {
    let [first, second] = stories();
    insert(&first);
    insert(&first);
    // The last message ends after 210 ms.
    at(210 + MINUTE);
    assert_eq!(failed(store), runs(&[1, 6, 17, 19]), "who acknowledges before the work does so for others");
    insert(&second);
    insert(&second);
    let list = Store::with_engine("list", List([first, second].concat()));
    let hour = 60 * MINUTE;
    let broken = 140 + hour;
    let cases: [(u64, &[u128]); 7] = [
        (300, &[]),
        (30 + MINUTE - 1, &[]),
        (30 + MINUTE, &[1]),
        (80 + MINUTE, &[1, 6]),
        (210 + MINUTE, &[1, 6, 15, 17, 19]),
        (broken - 1, &[1, 6, 15, 17, 19]),
        (broken, &[1, 6, 13, 15, 17, 19]),
    ];
    for (time, expected) in cases {
        at(time);
        assert_eq!(failed(store), runs(expected), "{time}");
        assert_eq!(failed(&list), runs(expected), "{time}, by the list");
        for status in [RunStatus::Error, RunStatus::Ok] {
            assert_eq!(operations(store, status), operations(&list, status), "{time}, {status:?}");
        }
        // The run that started it is not simply ok.
        assert_eq!(operations(store, RunStatus::Ok).contains(&run(14)), !expected.contains(&19), "{time}");
    }
    NOW.set(0);
}

/// The same records, so much later, in milliseconds.
pub(crate) fn later(records: &[Record<'static>], by: u64) -> Vec<Record<'static>> {
    let by = by * MS;
    let mut records = records.to_vec();
    for record in &mut records {
        match &mut record.body {
            Body::RunStart(start) => start.started_at += by,
            Body::RunEnd(end) => end.ended_at += by,
            Body::Span(span) => {
                span.started_at += by;
                span.end.iter_mut().for_each(|End { ended_at, .. }| *ended_at += by);
            }
            other => panic!("{other:?}"),
        }
    }
    records
}

/// By the real time: all is due, and then nothing is yet. `new` makes a database with these records, which is there until its first part is
/// dropped; `None`: there is no server.
pub(crate) fn a_directory_says_the_same<P>(new: impl Fn(&[Record<'static>]) -> Option<(P, Store)>) {
    let stories = stories().concat();
    for beginning in [0, 1 << 40] {
        let records = later(&stories, beginning);
        let Some((_place, store)) = new(&records) else { return };
        let runs: BTreeSet<_> = records.iter().filter_map(run_of).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut directory = Store::open_or_create(dir.path().join("spanbridge")).unwrap();
        directory.import(records.clone()).unwrap();
        for (found, expected) in told(&store, &runs).iter().zip(told(&directory, &runs)) {
            assert_eq!(found, &expected);
        }
        filters_choose(&store);
    }
}
