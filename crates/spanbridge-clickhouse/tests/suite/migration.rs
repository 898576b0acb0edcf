//! Tables that an earlier release made.

use super::inserts::{counts, over_midnight};
use crate::common::*;

/// They have records, and the feeds of that release have filled its other tables.
#[test]
fn tables_of_version_1_become_newer_ones() {
    let (Some(place), Some(other)) = (place(), place()) else { return };
    let records = over_midnight(20);
    let (early, late) = records.split_at(100);
    // The earlier release had the same rows of records.
    insert(&other.writer(), early);
    let name = |place: &Place| place.address.to_string().split(['/', '?']).nth(3).unwrap().to_owned();
    let in_default = Place { address: place.address.clone().with_database("default") };
    sql(&in_default, &format!("CREATE DATABASE {}", name(&place)), "");
    std::mem::forget(in_default);
    for statement in crate::FIRST_VERSION.replace("DATABASE", &name(&place)).split_terminator(";\n") {
        sql(&place, statement, crate::LOW_CARDINALITY);
    }
    let columns = sql(&other, "SELECT * FROM record LIMIT 0 FORMAT TabSeparatedWithNames", "");
    let columns = columns.lines().next().unwrap().replace('\t', "`, `");
    for table in crate::LOCAL_RECORDS {
        let copy = format!("INSERT INTO {table} (`{columns}`) SELECT `{columns}` FROM {}.{table}", name(&other));
        sql(&place, &copy, "");
    }
    assert_eq!(sql(&place, "SELECT max(version) FROM spanbridge", ""), "1");

    insert(&place.writer(), late);
    assert_eq!(sql(&place, "SELECT max(version) FROM spanbridge", ""), "4");
    counts(&place.store(), 20, records.len());
    // All that was there comes again.
    insert(&place.writer(), early);
    counts(&place.store(), 20, records.len());
    let of_a_new_one = |place: &Place| sql(place, crate::HOW_TABLES_ARE, "");
    assert_eq!(of_a_new_one(&place), of_a_new_one(&other));
}
