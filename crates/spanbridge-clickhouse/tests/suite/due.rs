//! Messages that were never settled count as in every other store.

use crate::common::*;
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use std::collections::BTreeSet;

#[test]
fn messages_count_once_they_are_due() {
    let Some(place) = place() else { return };
    let writer = place.writer();
    due::stories_are_told(&place.store(), |batch| insert(&writer, batch));
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
        insert(&place.writer(), &records);
        let store = place.store();
        for (found, expected) in told(&store, &runs).iter().zip(told(&directory, &runs)) {
            assert_eq!(found, &expected);
        }
        filters_choose(&store);
    }
}

/// The second version did not know who settles messages of several runs. The next writer finds out.
#[test]
fn tables_of_version_2_learn_it() {
    let Some(place) = place() else { return };
    let records = due::stories().concat();
    let with_others = place.writer();
    sql(&place, "DROP TABLE settler_feed", "");
    insert(&with_others, &records);
    let version = |version: u32| {
        sql(&place, "DROP TABLE spanbridge", "");
        sql(&place, "CREATE TABLE spanbridge (version UInt32) ENGINE = ReplacingMergeTree ORDER BY version", "");
        sql(&place, &format!("INSERT INTO spanbridge VALUES ({version})"), "");
    };
    version(2);
    drop(place.writer());
    let never = place.store().runs(&spanbridge_query::RunFilter::default(), 100).unwrap();
    assert_eq!(never.iter().filter(|row| row.failed_work.never_settled > 0).count(), 6);
}
