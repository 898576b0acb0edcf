//! Messages that were never settled count as in every other store.

mod common;

use common::*;
use spanbridge_graph::run_of;
use spanbridge_query::{RunFilter, Store};
use std::collections::BTreeSet;

#[test]
fn messages_count_once_they_are_due() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    due::stories_are_told(&place.store(), |batch| insert(&mut engine, batch));
}

/// By the real time: all is due, and then nothing is yet.
#[test]
fn a_directory_says_the_same() {
    let stories = due::stories().concat();
    for later in [0, 1 << 40] {
        let Some(place) = place() else { return };
        let records = due::later(&stories, later);
        let runs: BTreeSet<_> = records.iter().filter_map(run_of).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut directory = Store::open_or_create(dir.path().join("spanbridge")).unwrap();
        directory.import(records.clone()).unwrap();
        insert(&mut place.engine(), &records);
        let store = place.store();
        for (found, expected) in told(&store, &runs).iter().zip(told(&directory, &runs)) {
            assert_eq!(found, &expected);
        }
        filters_choose(&store);
    }
}

/// Tables of the second version do not know who settles messages of others, so they say nothing of any. The next writer finds out.
#[test]
fn tables_of_version_2_learn_it() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    insert(&mut engine, &due::stories().concat());
    let never = |store: &Store| {
        let rows = store.runs(&RunFilter::default(), 100).unwrap();
        rows.iter().filter(|row| row.failed_work.never_settled > 0).count()
    };
    assert_eq!(never(&place.store()), 6);
    for statement in [
        "DROP INDEX run_unsettled",
        "DELETE FROM mention WHERE kind = 's'",
        "DELETE FROM spanbridge",
        "INSERT INTO spanbridge VALUES (2)",
    ] {
        engine.ask(statement).unwrap();
    }
    assert_eq!(never(&place.store()), 0);
    drop(place.engine());
    assert_eq!(never(&place.store()), 6);
    assert_eq!(engine.ask("SELECT max(version) FROM spanbridge").unwrap(), ["3"]);
}
