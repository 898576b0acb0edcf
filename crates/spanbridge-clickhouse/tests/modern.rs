//! The tests on today's ClickHouse, at `CLICKHOUSE_MODERN_URL`: one node. Then those of what only such a server can do.

mod common;
mod suite;

use common::*;
use spanbridge::record::{Record, RunEnd};
use spanbridge::{SegmentId, Status};
use spanbridge_clickhouse::ErrorKind;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use suite::inserts::over_midnight;

pub(crate) fn url() -> Option<String> {
    xtask::clickhouse::modern_url()
}

/// The statements of the first version of the tables.
pub(crate) const FIRST_VERSION: &str = include_str!("first_version/modern.sql");
pub(crate) const LOW_CARDINALITY: &str = "";
/// How a server reads lines, and the settings for it.
pub(crate) const LINES: (&str, &str) = ("JSONAsString", "&async_insert=0");
/// Where the rows of records are.
pub(crate) const LOCAL_RECORDS: [&str; 1] = ["record"];
/// What a migration may change: the tables, their settings, and how columns are packed.
pub(crate) const HOW_TABLES_ARE: &str = "SELECT groupArray(tuple(name, extract(engine_full, 'codec = [^,]*'), \
     (SELECT groupArray(tuple(table, name, type, compression_codec)) FROM (SELECT * FROM system.columns \
     WHERE database = currentDatabase() AND table = 'record' ORDER BY name)))) FROM (SELECT * FROM system.tables \
     WHERE database = currentDatabase() ORDER BY name)";

/// The rows in each table, as they were inserted: nothing is merged meanwhile.
fn rows(place: &Place) -> BTreeMap<String, u64> {
    let sizes = place.writer().sizes().unwrap();
    sizes.into_iter().filter(|(table, ..)| table != "spanbridge").map(|(table, _, rows)| (table, rows)).collect()
}

/// A place where parts stay as they are.
fn unmerged() -> Option<Place> {
    let place = place()?;
    drop(place.writer());
    let tables = sql(
        &place,
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'",
        "",
    );
    tables.lines().for_each(|table| drop(sql(&place, &format!("SYSTEM STOP MERGES {table}"), "")));
    Some(place)
}

/// With records of every kind, in two days.
fn records() -> Vec<Record<'static>> {
    [over_midnight(5), gaps::clean(), gaps::one_of_each()].concat()
}

/// Neither the records nor what the views make of them is there twice, even before merges.
#[test]
fn a_repeated_batch_adds_no_row() {
    let Some(place) = unmerged() else { return };
    insert(&place.writer(), &records());
    let once = rows(&place);
    assert!(once.len() > 2, "{once:?}");
    insert(&place.writer(), &records());
    assert_eq!(rows(&place), once);
}

/// The records are stored, and a view is not. When the batch comes again, only the view gets it.
#[test]
fn a_view_that_failed_gets_its_rows_later() {
    let Some(place) = unmerged() else { return };
    insert(&place.writer(), &records());
    let whole = rows(&place);
    let mut was_half = false;
    for table in whole.keys().filter(|table| *table != "record") {
        let place = unmerged().unwrap();
        sql(&place, &format!("ALTER TABLE {table} ADD CONSTRAINT never CHECK 0"), "");
        let records = records();
        let error = place.writer().insert(records.iter().map(|record| record.view())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        let half = rows(&place);
        assert_eq!(half.get(table), None);
        was_half |= half.get("record") == whole.get("record");
        sql(&place, &format!("ALTER TABLE {table} DROP CONSTRAINT never"), "");
        for _ in 0..2 {
            insert(&place.writer(), &records);
            assert_eq!(rows(&place), whole, "{table}");
        }
    }
    assert!(was_half);
}

/// Whole days, by the server itself, and what comes late stays away. Who opens the tables with another number changes it.
#[test]
fn old_days_are_dropped() {
    let Some(place) = place() else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let today =
        Record::new(SegmentId::new(7).unwrap(), 1, "s", RunEnd::new(now, Status::Ok)).of_run(Some(run(99)), None);
    insert(&place.writer(), &[over_midnight(2), vec![today]].concat());
    assert_eq!(all(&place.store(), None).len(), 25);
    let ttl = |place: &Place| {
        sql(
            place,
            "SELECT extract(engine_full, 'TTL.*Day.[0-9]+') FROM system.tables WHERE \
         database = currentDatabase() AND name = 'record'",
            "",
        )
    };
    let database = place.address.to_string().rsplit_once('/').unwrap().1.to_owned();
    for (keep, kept) in [("keep=15000d", 25), ("keep=2d", 1)] {
        let keeping = Place {
            address: url_with(keep)
                .unwrap()
                .parse::<spanbridge_clickhouse::Address>()
                .unwrap()
                .with_database(&*database),
        };
        for _ in 0..2 {
            drop(keeping.writer());
            assert_eq!(ttl(&place), format!("TTL day + toIntervalDay({}", &keep[5..keep.len() - 1]));
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            keeping.writer().merge().unwrap();
            let left = all(&keeping.store(), None).len();
            if left == kept {
                break;
            }
            assert!(left > kept && Instant::now() < deadline, "{left}");
        }
        std::mem::forget(keeping);
    }
    // Who says nothing changes nothing.
    drop(place.writer());
    assert_eq!(ttl(&place), "TTL day + toIntervalDay(2");

    // What comes late of a day that the server has dropped is told: again, or new of the same run. A run that goes on takes it.
    let writer = place.writer();
    let late = |records: &[Record<'_>]| writer.insert(records.iter().map(|record| record.view())).unwrap().late.len();
    assert_eq!(late(&over_midnight(2)), 24);
    let today = (now - T0) / MS;
    let mut again = Recording::of(run(1), 77, "shop");
    assert_eq!(late(&[again.span(900, 0, "today", today, today + 1)]), 1);
    let mut goes_on = Recording::of(run(99), 78, "shop");
    assert_eq!(late(&[goes_on.span(901, 0, "old", 5, 6), goes_on.span(902, 0, "today", today, today + 1)]), 0);
    writer.merge().unwrap();
    assert_eq!((all(&place.store(), None).len(), all(&place.store(), Some(run(99))).len()), (3, 3));
}
