//! Following what is stored with a cursor.

mod common;

use common::*;
use spanbridge::record::Record;
use spanbridge_query::engine::Cursor;
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{Store, keeping};
use spanbridge_store::StoreSink;

fn deliver_runs(sink: &mut StoreSink, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let span = Recording::of(run(u128::from(n)), n, "shop").span(n, 0, "order", 0, 9);
        deliver(sink, n, 1, &[span]);
    }
}

fn followed(store: &Store, after: &Cursor) -> (usize, Cursor) {
    let mut spans = 0;
    let is_span = |record: &Record<'_>| matches!(record.body, spanbridge::record::Body::Span(_));
    let end = store.follow(after, |record| spans += usize::from(is_span(&record))).unwrap();
    (spans, end)
}

#[test]
fn following_ends_when_enough_was_read() {
    let (_dir, path) = place();
    deliver_runs(&mut StoreSink::open(&path).unwrap(), 1..10);
    let store = Store::open(&path).unwrap();
    let mut read = 0;
    let end = store.follow_while(&Cursor::default(), |_| {
        read += 1;
        read < 3
    });
    assert_eq!((end.unwrap(), read), (None, 3));
    let end = store.follow_while(&Cursor::default(), |_| true).unwrap();
    assert_eq!(end, Some(store.end().unwrap()));
}

/// An index that is made anew numbers its blocks from 1 again. Whoever was further must not miss what comes next.
#[test]
fn nothing_is_missed_after_a_rebuild() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    for n in 1..6 {
        deliver_runs(&mut sink, n..n + 1);
        Index::open(sink.directory()).unwrap().fold(FoldBudget::everything(), |_| true).unwrap();
    }
    let (_, before) = followed(&Store::open(&path).unwrap(), &Cursor::default());
    keeping::rebuild(&path, |_| true).unwrap();
    deliver_runs(&mut sink, 6..7);
    Index::open(sink.directory()).unwrap().fold(FoldBudget::everything(), |_| true).unwrap();
    let (spans, _) = followed(&Store::open(&path).unwrap(), &before);
    assert!(spans >= 1, "the run after the rebuild is missing");
}
