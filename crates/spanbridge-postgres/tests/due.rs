//! Messages that were never settled count as in every other store.

mod common;

use common::*;
use spanbridge_query::{RunFilter, Store};

#[test]
fn messages_count_once_they_are_due() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    due::stories_are_told(&place.store(), |batch| insert(&mut engine, batch));
}

#[test]
fn a_directory_says_the_same() {
    due::a_directory_says_the_same(|records| {
        let place = place()?;
        insert(&mut place.engine(), records);
        let store = place.store();
        Some((place, store))
    });
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
