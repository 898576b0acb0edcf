//! Writers, folders, pruners and readers at once.

use crate::common::*;
use crate::place::*;
use spanbridge_query::RunFilter;
use spanbridge_query::keeping::{self, Prune};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Spans of a run. All are in one delivery.
const SPANS: u64 = 6;

/// Each delivery has whole runs. So no reader ever sees a run with more or fewer spans, however it was folded, and whatever is pruned
/// meanwhile; and no young run is ever missing once it was there.
#[test]
fn no_reader_sees_half_a_run() {
    let (_dir, path) = directory();
    drop(sink(&path));
    let delivered = AtomicU64::new(0);
    let until = Instant::now() + Duration::from_secs(6);
    let is_over = || Instant::now() >= until;
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut sink = sink(&path);
            let mut number = 0;
            // At least once, however late this thread begins.
            while number == 0 || !is_over() {
                let mut records = Vec::new();
                for id in number * 10 + 1..=number * 10 + 10 {
                    let mut shop = Recording::of(run(u128::from(id)), id, "shop");
                    let from = ago(DAY * if id % 2 == 1 { 40 } else { 2 });
                    records.extend((0..SPANS).map(|k| shop.span(id << 8 | k, 0, "step", from, from + 1)));
                }
                number += 1;
                store(&mut sink, 1, number, &records);
                delivered.store(number * 10, SeqCst);
                thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over() {
                    keeping::prune(&path, &Prune::new().older_than(DAY * 30), |_| true).unwrap();
                }
            });
        }
        scope.spawn(|| {
            while !is_over() {
                fold(&path);
            }
        });
        for reader in 0..2 {
            let (path, delivered) = (&path, &delivered);
            scope.spawn(move || {
                let (store, mut random) = (open(path), Random(reader));
                let mut seen = 0;
                while seen == 0 || !is_over() {
                    let before = delivered.load(SeqCst);
                    let rows = store.runs(&RunFilter::default(), usize::MAX).unwrap();
                    assert!(rows.iter().all(|row| row.spans == SPANS), "{rows:?}");
                    let young = rows.iter().filter(|row| row.run_id.get() % 2 == 0).count() as u64;
                    assert!(young >= before / 2, "{young} of {before}");
                    assert!(young >= seen);
                    seen = young;
                    for _ in 0..20.min(before) {
                        let id = 1 + random.below(before);
                        let records = records_of(&store, run(u128::from(id)));
                        let expected = if id % 2 == 0 { vec![SPANS] } else { vec![0, SPANS] };
                        assert!(expected.contains(&(records.len() as u64)), "run {id}: {records:?}");
                    }
                }
                assert!(store.damage().is_none());
                assert!(seen > 0);
            });
        }
    });
    keeping::prune(&path, &Prune::new().older_than(DAY * 30), |_| true).unwrap();
    let delivered = delivered.load(SeqCst);
    let rows = contents(&path);
    assert_eq!(rows.len() as u64, delivered / 2);
    assert!(rows.values().all(|(row, records)| row.spans == SPANS && records.len() as u64 == SPANS));
    let report = keeping::check(&path, |_| ()).unwrap();
    assert_eq!((report.problems, report.losses), (vec![], vec![]));
}
