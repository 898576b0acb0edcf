//! When a message without a settlement begins to count, whatever was folded and asked before.

#[path = "../../../spanbridge-graph/tests/common/mod.rs"]
mod common;

use super::{FoldBudget, Index};
use crate::engine::Engine;
use crate::runs::{RunFilter, RunRow};
use common::*;
use spanbridge::record::{AttributeValue, Record};
use spanbridge::{Status, semconv};
use spanbridge_graph::RunStatus;
use spanbridge_store::StoreSink;
use std::cell::Cell;
use std::path::Path;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Opens an index for which it is so many milliseconds after the beginning.
fn open(path: &Path) -> Index {
    let mut index = Index::open(path).unwrap();
    index.clock = || NOW.get();
    index
}

fn at(milliseconds: u64) {
    NOW.set(T0 + milliseconds * MS);
}

/// An order, and the run that it starts, of whose work from 10 to 20 nothing says that its message was settled.
fn records() -> [Vec<Record<'static>>; 2] {
    let mut shop = Recording::of(run(1), 1, "shop");
    let order = vec![
        shop.run_start("order", 0),
        shop.step((1, 0), ("messaging.publish", "publish"), "events:order", (1, 2), vec![]),
        shop.run_end(3, Status::Ok),
    ];
    let mut mail = Recording::of(run(2), 2, "mailer");
    let said = vec![
        (semconv::SETTLE_EXPECTED, text("ack")),
        (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(1)),
        (semconv::RELATION, text("new_run")),
    ];
    let work = vec![
        mail.record(run_start("mail", 10, Some((run(1), span_id(1))))),
        mail.step((2, 0), ("messaging.process", "process"), "events:order:mail", (10, 20), said),
        mail.run_end(20, Status::Ok),
    ];
    [order, work]
}

fn deliver(path: &Path, number: u64, records: &[Record<'_>]) {
    assert_eq!(StoreSink::open(path).unwrap().deliver_records(1, number, records).unwrap().rejected(), []);
}

/// What the list says: whether the operation and the run that was started are among the failed ones, and not among those that are ok.
fn lists(index: &Index) -> (bool, bool) {
    let snapshot = index.snapshot().unwrap();
    let of = |status| RunFilter::default().status(status);
    let ids = |rows: Vec<RunRow>| rows.iter().map(|row| row.run_id).collect::<Vec<_>>();
    let failed = ids(snapshot.operations(&of(RunStatus::Error), 9).unwrap());
    let good = ids(snapshot.operations(&of(RunStatus::Ok), 9).unwrap());
    assert_eq!(failed.len() + good.len(), 1);
    let all = snapshot.operations(&RunFilter::default(), 9).unwrap();
    assert_eq!(all[0].failed_descendants, failed.len() as u64);
    let runs = ids(snapshot.runs(&of(RunStatus::Error), 9).unwrap());
    let row = snapshot.rows(&[run(2)]).unwrap().remove(0);
    assert_eq!(row.failed_work.never_settled, runs.len() as u64);
    (!failed.is_empty(), runs == [run(2)])
}

/// Nothing is written when the time comes, and an index that is open is not opened again.
#[test]
fn it_counts_when_the_time_has_come() {
    for folded in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        at(30);
        let index = open(dir.path());
        for (number, records) in (0..).zip(records()) {
            deliver(dir.path(), number + 1, &records);
            if number < folded {
                index.fold(FoldBudget::everything(), |_| true).unwrap();
            }
        }
        for (time, counts) in [(30, false), (60_019, false), (60_020, true), (60_021, true)] {
            at(time);
            assert_eq!(lists(&index), (counts, counts), "{folded} folded, at {time}");
        }
    }
}
