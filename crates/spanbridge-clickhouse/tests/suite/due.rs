//! Messages that were never settled count as in every other store.

use crate::common::*;

#[test]
fn messages_count_once_they_are_due() {
    let Some(place) = place() else { return };
    let writer = place.writer();
    due::stories_are_told(&place.store(), |batch| insert(&writer, batch));
}

#[test]
fn a_directory_says_the_same() {
    due::a_directory_says_the_same(|records| {
        let place = place()?;
        insert(&place.writer(), records);
        let store = place.store();
        Some((place, store))
    });
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
