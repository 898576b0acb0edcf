//! Old runs are removed, whole, and stay away.

mod common;

use common::pruning::{DAY, ago, changed_a_row, month, old_runs_go};
use common::*;
use spanbridge::Status;
use spanbridge::record::Record;
use spanbridge_postgres::Postgres;
use spanbridge_query::engine::Engine;
use spanbridge_query::keeping::{Prune, prune_store};
use spanbridge_query::{ErrorKind, RunFilter, Store};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn old_runs_go_as_from_a_directory() {
    let Some(place) = place() else { return };
    drop(place.engine());
    old_runs_go(&|| Store::with_engine("postgres", Postgres::open(&place.address).unwrap()), true);
}

/// Of each of the days from 80 to 31 days ago, some runs.
fn runs_of_many_days() -> Vec<Record<'static>> {
    let one = |n: u64| {
        let from = ago(DAY * (31 + n as u32 % 40));
        let mut recording = Recording::of(run(n.into()), n, "shop");
        [recording.span(n, 0, "step", from, from + 1), recording.run_end(from + 2, Status::Ok)]
    };
    (1..=200).flat_map(one).collect()
}

/// Whoever is stopped in the middle, by itself or because the connection is lost, has removed whole runs; another goes on.
#[test]
fn a_stopped_prune_goes_on() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let records = runs_of_many_days();
    insert(&mut engine, &records);
    let mut store = place.store();
    let mut steps = 0;
    let stopped = prune_store(&mut store, &month(), |_| {
        steps += 1;
        steps < 3
    });
    assert_eq!(stopped.unwrap().runs, 15);
    let whole = |left: usize| {
        let store = place.store();
        let rows = store.runs(&RunFilter::default(), 1000).unwrap();
        assert_eq!((rows.len(), all(&store, None).len()), (left, left * 2));
    };
    whole(185);
    // The first is still there, and the 39th is among the oldest.
    assert!(engine.store(&records[..2]).unwrap().late.is_empty());
    assert_eq!(engine.store(&records[76..78]).unwrap().late, [0, 1]);

    let (killer, done) = (place.engine(), AtomicBool::new(false));
    let mut failures = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                          AND query LIKE '%prune_%' AND query NOT LIKE '%terminate%' AND state <> 'idle' \
                          AND pid IN (SELECT pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
                          WHERE c.relnamespace = current_schema()::regnamespace)";
            let (mut killer, mut ended) = (killer, 0);
            while !done.load(Ordering::Relaxed) && ended < 4 {
                match killer.ask(others) {
                    Ok(found) => ended += found.len(),
                    Err(_) => killer = place.engine(),
                }
            }
        });
        while let Err(error) = prune_store(&mut store, &month(), |_| true) {
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
            failures += 1;
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(failures > 0, "no connection was lost");
    whole(0);
    assert_eq!(engine.ask("SELECT count(*) FROM pg_inherits WHERE inhparent = 'record'::regclass").unwrap(), ["1"]);
    assert_eq!(engine.ask("SELECT count(*) FROM mention").unwrap(), ["0"]);
    assert_eq!(engine.store(&records).unwrap().late.len(), 400);
}

/// While runs are removed, others store the same ones again and again: each run is whole or gone.
#[test]
fn who_writes_meanwhile_is_late_or_in_time() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let records = runs_of_many_days();
    insert(&mut engine, &records);
    let mut writer = place.engine();
    let done = AtomicBool::new(false);
    let mut late = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            prune_store(&mut place.store(), &month(), |_| true).unwrap();
            done.store(true, Ordering::Relaxed);
        });
        loop {
            let is_last = done.load(Ordering::Relaxed);
            for half in records.chunks(7) {
                let stored = writer.store(half).unwrap();
                assert_eq!(stored.rejected, []);
                late = stored.late.len();
            }
            if is_last {
                break;
            }
        }
    });
    assert_eq!(late, records.len() % 7);
    assert_eq!(all(&place.store(), None), Vec::<String>::new());
}

/// Tables of the first version, which nobody has changed, are read; whoever writes or removes changes them.
#[test]
fn the_first_version_is_changed_by_writers() {
    let Some(place) = place() else { return };
    let engine = place.engine();
    let old = ago(DAY * 40);
    insert(&mut place.engine(), &changed_a_row(old));
    let first = "DROP TABLE pruned, pruning; DROP FUNCTION prune_from, prune_day, prune_rest; DELETE FROM spanbridge; \
                 INSERT INTO spanbridge VALUES (1)";
    engine.ask(first).unwrap();
    let mut store = place.store();
    assert!(!store.is_pruned(run(6)).unwrap());
    assert_eq!(prune_store(&mut store, &month().dry_run(true), |_| true).unwrap().runs, 1);
    assert_eq!(engine.ask("SELECT max(version) FROM spanbridge").unwrap(), ["1"]);
    assert_eq!(prune_store(&mut store, &month(), |_| true).unwrap().runs, 1);
    assert_eq!(engine.ask("SELECT max(version) FROM spanbridge").unwrap(), ["3"]);
    assert!(store.is_pruned(run(6)).unwrap());
    assert_eq!(place.engine().store(&changed_a_row(old)).unwrap().late.len(), 4);
}

/// It has no size to go by.
#[test]
fn a_database_is_not_pruned_by_size() {
    let Some(place) = place() else { return };
    drop(place.engine());
    let error = prune_store(&mut place.store(), &Prune::new().max_bytes(1 << 30), |_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert!(error.to_string().contains("a database drops whole days"), "{error}");
}
