//! Old runs are removed, whole, and stay away.

use crate::common::pruning::{DAY, ago, month, old_runs_go};
use crate::common::*;
use spanbridge::Status;
use spanbridge::record::Record;
use spanbridge_clickhouse::ClickHouse;
use spanbridge_query::engine::Engine;
use spanbridge_query::keeping::prune_store;
use spanbridge_query::{RunFilter, Store};

#[test]
fn old_runs_go_as_from_a_directory() {
    let Some(place) = place() else { return };
    drop(place.writer());
    old_runs_go(&|| place.store(), true);
}

/// Of each of the days from 37 to 33 days ago, some runs, which go on over midnight; and some of them until yesterday.
pub(crate) fn runs_of_some_days() -> Vec<Record<'static>> {
    let one = |n: u64| {
        let from = ago(DAY * (33 + n as u32 % 5));
        let until = if n.is_multiple_of(8) { ago(DAY) } else { from + 86_400_000 };
        let mut recording = Recording::of(run(n.into()), n, "shop");
        vec![
            recording.run_start("order", from),
            recording.span(n, 0, "step", from, from + 1),
            recording.run_end(until, Status::Ok),
        ]
    };
    (1..=40).flat_map(one).collect()
}

/// Those that stay are whole.
pub(crate) fn stay(store: &Store) {
    let rows = store.runs(&RunFilter::default(), 100).unwrap();
    let mut runs: Vec<_> = rows.iter().map(|row| row.run_id).collect();
    runs.sort_unstable();
    let mut expected: Vec<_> = (1..=5).map(|n| run(n * 8)).collect();
    expected.sort_unstable();
    assert_eq!(runs, expected);
    assert_eq!(all(store, None).len(), 15);
    runs.iter().for_each(|run| assert_eq!(all(store, Some(*run)).len(), 3));
}

/// In lists no run is half, whenever a prune was stopped; the next one goes on. Nothing comes back, and what stays takes more.
#[test]
fn a_stopped_prune_goes_on() {
    let Some(place) = place() else { return };
    let records = runs_of_some_days();
    insert(&place.writer(), &records);
    let mut stops = 0;
    loop {
        let mut steps = 0;
        let report = prune_store(&mut place.store(), &month(), |_| {
            steps += 1;
            steps < 2
        });
        stops += 1;
        stay_in_lists(&place.store());
        if report.is_ok() && steps < 2 {
            break;
        }
    }
    assert!(stops > 2, "{stops}");
    stay(&place.store());
    let mut engine = ClickHouse::open_or_create(&place.address).unwrap();
    let stored = engine.store(&records).unwrap();
    assert_eq!((stored.late.len(), stored.rejected.len()), (105, 0));
    let half = Recording::of(run(1), 77, "mail").span(999, 0, "today", ago(DAY), ago(DAY) + 1);
    assert_eq!(engine.store(&[half]).unwrap().late, [0]);
    stay(&place.store());
    prune_store(&mut place.store(), &month(), |_| true).unwrap();
    stay(&place.store());
}

fn stay_in_lists(store: &Store) {
    assert_eq!(store.runs(&RunFilter::default(), 100).unwrap().len(), 5);
}
