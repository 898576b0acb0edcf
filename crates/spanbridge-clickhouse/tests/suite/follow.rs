//! Following with a cursor: what is new, and as little else as can be.

use crate::common::*;
use spanbridge::record::Record;
use spanbridge_query::engine::Cursor;
use spanbridge_query::{ErrorKind, Store};

/// Of some runs, and over two days.
fn spans(from: u64, count: u64) -> Vec<Record<'static>> {
    let one = |n: u64| {
        Recording::of(run(u128::from(n % 5) + 1), n, "shop").span(n, 0, "step", n * 10_000_000, n * 10_000_000 + 5)
    };
    (from..from + count).map(one).collect()
}

/// The segments of what comes after a cursor, sorted; and the cursor behind it.
fn after(store: &Store, cursor: &Cursor) -> (Vec<u64>, Cursor) {
    let mut segments = Vec::new();
    let end = store.follow(cursor, |record| segments.push(record.segment_id.get())).unwrap();
    segments.sort_unstable();
    (segments, end)
}

/// Also if the last minute is not over, and if a batch comes again with others.
#[test]
fn only_new_batches_are_told() {
    let Some(place) = place() else { return };
    let writer = place.writer();
    insert(&writer, &spans(1, 30));
    let store = place.store();
    let first = store.end().unwrap();
    assert_eq!(after(&store, &Cursor::default()).0, (1..31).collect::<Vec<_>>());
    assert!(after(&store, &first).0.is_empty());
    insert(&writer, &spans(20, 25));
    let (told, second) = after(&store, &first);
    assert_eq!(told, (31..45).collect::<Vec<_>>(), "what came before is of the batch before");
    insert(&writer, &spans(1, 44));
    assert!(after(&store, &second).0.is_empty(), "nothing of it is new");
    insert(&writer, &spans(50, 1));
    assert_eq!(after(&store, &second).0, [50]);
    assert_eq!(after(&store, &first).0, (31..45).chain([50]).collect::<Vec<_>>());
}

/// A batch of which a part came later is told again, whole.
#[test]
fn a_batch_that_grew_is_told() {
    let Some(place) = place() else { return };
    insert(&place.writer(), &spans(1, 4));
    let store = place.store();
    let end = store.end().unwrap();
    // As after an insert of which one shard has nothing yet: the cursor knows fewer rows.
    let mut bytes = end.as_bytes().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_eq!(after(&store, &Cursor::from_bytes(bytes)).0, [1, 2, 3, 4]);
}

#[test]
fn another_engines_cursor_is_refused() {
    let Some(place) = place() else { return };
    insert(&place.writer(), &spans(1, 4));
    let error = place.store().follow(&Cursor::from_bytes([1, 2, 3]), |_| panic!("a record")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
