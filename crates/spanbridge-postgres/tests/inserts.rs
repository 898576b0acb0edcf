//! What is stored twice, or by several at once, counts once; what contradicts itself stays; and nothing is left out by who follows.

mod common;

use common::*;
use spanbridge::record::{Body, Diagnostic, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status};
use spanbridge_graph::RunStatus;
use spanbridge_postgres::{ErrorKind, Postgres};
use spanbridge_query::engine::{Cursor, Engine};
use spanbridge_query::{RunFilter, Store};
use std::collections::BTreeMap;
use std::sync::Barrier;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The records of some runs, each begun in the last minute of a day and ended in the next, with ten spans.
fn over_midnight(runs: u64) -> Vec<Record<'static>> {
    let to_midnight = DAY - T0 / MS % DAY;
    let one = |n: u64| {
        let mut recording = Recording::of(run(n.into()), n, "shop");
        let mut records = vec![recording.run_start("order", to_midnight - 30_000)];
        for span in 1..=10 {
            let from = to_midnight - 25_000 + span * 5_000;
            records.push(recording.span(n * 100 + span, 0, "step", from, from + 1_000));
        }
        records.push(recording.run_end(to_midnight + 30_000, Status::Ok));
        records
    };
    (1..=runs).flat_map(one).collect()
}

/// Every count, by every question that counts.
fn counts(store: &Store, runs: u64, records: usize) {
    assert_eq!(all(store, None).len(), records);
    let rows = store.runs(&RunFilter::default(), 1000).unwrap();
    assert_eq!(rows.len() as u64, runs);
    for row in rows {
        assert_eq!((row.spans, row.errors, row.status), (10, 0, RunStatus::Ok));
        assert_eq!(all(store, Some(row.run_id)).len(), records / runs as usize);
        assert_eq!(store.graph(row.run_id).unwrap().unwrap().spans.len(), 10);
    }
    assert_eq!(store.runs_since(None).unwrap().1 as u64, runs);
}

/// Over two days, and again in other batches, which begin in the middle of a run and on the second day.
#[test]
fn a_batch_sent_twice_counts_once() {
    let Some(place) = place() else { return };
    let (mut engine, records) = (place.engine(), over_midnight(20));
    insert(&mut engine, &records);
    insert(&mut engine, &records);
    insert(&mut place.engine(), &records[30..90]);
    counts(&place.store(), 20, records.len());
    // The second day alone comes first.
    let other = place_at(&xtask::postgres::url().unwrap());
    let mut engine = other.engine();
    let ends: Vec<_> = records.iter().filter(|record| matches!(record.body, Body::RunEnd(_))).cloned().collect();
    insert(&mut engine, &ends);
    insert(&mut engine, &records);
    counts(&other.store(), 20, records.len());
    let days = "SELECT count(DISTINCT day) FROM record";
    assert_eq!(engine.ask(days).unwrap(), ["1"], "a run is in one partition");
}

/// What has no run and no time, too.
#[test]
fn a_diagnostic_sent_twice_counts_once() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let dropped = Record::new(SegmentId::new(9).unwrap(), 1, "shop", Diagnostic::new("dropped", "full"));
    insert(&mut engine, std::slice::from_ref(&dropped));
    let mut batch = over_midnight(1);
    batch.push(dropped);
    insert(&mut engine, &batch);
    assert_eq!(all(&place.store(), None).len(), batch.len());
}

/// Under one id: both are kept, and readers see the contradiction.
#[test]
fn other_content_is_a_conflict() {
    let Some(place) = place() else { return };
    let (mut engine, records) = (place.engine(), over_midnight(2));
    insert(&mut engine, &records);
    let mut other = records[1].clone();
    let Body::Span(span) = &mut other.body else { panic!("a span") };
    span.name = "another step".into();
    for _ in 0..2 {
        insert(&mut engine, std::slice::from_ref(&other));
    }
    let store = place.store();
    assert_eq!(all(&store, Some(run(1))).len(), 13);
    assert_eq!(all(&store, None).len(), 25);
    assert_eq!(store.rows(&[run(1)]).unwrap()[0].status, RunStatus::Conflicted);
    assert_eq!(store.rows(&[run(2)]).unwrap()[0].status, RunStatus::Ok);
    let conflicted = store.runs(&RunFilter::default().status(RunStatus::Conflicted), 9).unwrap();
    assert_eq!(conflicted.iter().map(|row| row.run_id).collect::<Vec<_>>(), [run(1)]);
}

/// Both store the same runs in batches of other sizes, from the beginning and from the end. They make the tables, too.
#[test]
fn two_writers_at_once_count_once() {
    let Some(place) = place() else { return };
    let (records, barrier) = (over_midnight(60), Barrier::new(2));
    let write = |size: usize, is_reversed: bool| {
        barrier.wait();
        let mut engine = place.engine();
        let mut batches: Vec<&[Record<'_>]> = records.chunks(size).collect();
        if is_reversed {
            batches.reverse();
        }
        barrier.wait();
        batches.into_iter().for_each(|batch| insert(&mut engine, batch));
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(37, false));
        scope.spawn(|| write(53, true));
    });
    counts(&place.store(), 60, records.len());
}

fn span(n: u64, name: &str) -> Record<'static> {
    let body = SpanData::new(SpanId::new(n).unwrap(), name.to_owned(), T0 + n);
    Record::new(SegmentId::new(n).unwrap(), n, "shop", body).of_run(RunId::new(7), None)
}

/// A NUL, in every text and beside other runs, comes back; and SQL can look into all of it.
#[test]
fn hostile_texts_come_back() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let mut records = over_midnight(1);
    for text in ["a\0b", "\0", "\\u0000", "\\", "\"'{}", "\u{fffd}", "😀\u{202e}", &"x".repeat(100_000)] {
        let n = records.len() as u64 + 50;
        let mut hostile = span(n, text);
        hostile.service = text.to_owned().into();
        let Body::Span(data) = &mut hostile.body else { panic!("a span") };
        data.attributes = [(text.to_owned().into(), spanbridge::record::AttributeValue::Str(text.to_owned().into()))]
            .into_iter()
            .collect();
        records.push(hostile);
    }
    let mut deep = span(90, "deep");
    let Body::Span(data) = &mut deep.body else { panic!("a span") };
    let json = "[".repeat(20_000) + &"]".repeat(20_000);
    data.attributes = [("deep".into(), spanbridge::record::AttributeValue::Json(json.into()))].into_iter().collect();
    records.push(deep);
    insert(&mut engine, &records);
    insert(&mut engine, &records);
    let store = place.store();
    let mut expected: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
    expected.sort_unstable();
    assert_eq!(all(&store, None), expected);
    let row = &store.rows(&[RunId::new(7).unwrap()]).unwrap()[0];
    assert!(row.services.iter().any(|service| service == "a\0b"), "{:?}", row.services);
    assert_eq!(store.runs(&RunFilter::default().service("a\0b"), 9).unwrap(), std::slice::from_ref(row));
    assert_eq!(store.runs(&RunFilter::default().service("\0"), 9).unwrap().len(), 1);
    assert_eq!(store.runs(&RunFilter::default().name("\0"), 9).unwrap().len(), 1);
    let looked = engine.ask("SELECT count(attributes::jsonb), count(attributes ->> 'a') FROM spans").unwrap();
    assert_eq!(looked, ["19 | 0"]);
}

/// Who follows sees each record once, also of transactions that were open when the cursor was made and ended later.
#[test]
fn following_leaves_nothing_out() {
    let Some(place) = place() else { return };
    let (mut engine, records) = (place.engine(), over_midnight(30));
    insert(&mut engine, &records[..12]);
    // The rows of other runs are stored, and not committed, while cursors are made and others commit.
    let client = place.engine();
    let mut seen = BTreeMap::<String, usize>::new();
    let mut cursor = Cursor::default();
    let mut look = |cursor: &mut Cursor| {
        let snapshot = client.snapshot().unwrap();
        snapshot
            .follow(cursor, &mut |records| {
                records.iter().for_each(|record| *seen.entry(format!("{record:?}")).or_default() += 1);
                Ok(())
            })
            .unwrap();
        *cursor = snapshot.end().unwrap();
    };
    look(&mut cursor);
    std::thread::scope(|scope| {
        let writers = [(12, 120), (120, 240), (240, 360)].map(|(from, to)| {
            let batches = &records[from..to];
            scope.spawn(|| {
                let mut engine = place.engine();
                batches.chunks(5).for_each(|batch| insert(&mut engine, batch));
            })
        });
        while !writers.iter().all(|writer| writer.is_finished()) {
            look(&mut cursor);
        }
    });
    look(&mut cursor);
    look(&mut cursor);
    assert_eq!(seen.len(), records.len());
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
}

/// A question sees one state, whatever others store meanwhile.
#[test]
fn a_question_sees_one_state() {
    let Some(place) = place() else { return };
    let (mut engine, records) = (place.engine(), over_midnight(4));
    insert(&mut engine, &records[..24]);
    let reader = place.engine();
    let snapshot = reader.snapshot().unwrap();
    insert(&mut engine, &records);
    assert_eq!(snapshot.runs(&RunFilter::default(), 9).unwrap().len(), 2);
    assert!(snapshot.rows(&[run(3)]).unwrap().is_empty());
    drop(snapshot);
    assert_eq!(reader.snapshot().unwrap().runs(&RunFilter::default(), 9).unwrap().len(), 4);
}

/// A run that grows over many batches is counted right at any time: while it is small, and once it is not read for each batch.
#[test]
fn a_run_that_grows_is_counted() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let records: Vec<_> = (1..=5_000).map(|n| span(n, "step")).collect();
    let store = place.store();
    for (n, batch) in records.chunks(500).enumerate() {
        insert(&mut engine, batch);
        let rows = store.runs(&RunFilter::default(), 9).unwrap();
        assert_eq!(rows.iter().map(|row| row.spans).collect::<Vec<_>>(), [500 * (n as u64 + 1)]);
        assert_eq!(store.rows(&[RunId::new(7).unwrap()]).unwrap(), rows);
        assert_eq!(store.runs_since(Some(T0)).unwrap().0, [RunId::new(7).unwrap()]);
    }
    assert_eq!(engine.ask("SELECT records, is_current FROM run").unwrap(), ["5000 | f"]);
}

#[test]
fn reading_never_makes_tables() {
    let Some(place) = place() else { return };
    let opened = Postgres::open(&place.address).map(drop);
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::NotFound);
    let mut engine = place.engine();
    engine.ask("INSERT INTO spanbridge VALUES (1000)").unwrap();
    let opened = Postgres::open(&place.address).map(drop);
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::NewerFormat);
    let opened = Postgres::open_or_create(&place.address).map(drop);
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::NewerFormat);
    engine.ask("DELETE FROM spanbridge WHERE version = 1000").unwrap();
    insert(&mut engine, &over_midnight(1));
}

/// The engine is used on a thread of somebody else's runtime.
#[test]
fn a_thread_of_a_runtime_will_do() {
    let Some(place) = place() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut engine = place.engine();
        insert(&mut engine, &over_midnight(2));
        counts(&place.store(), 2, 24);
    });
}

/// Whole runs, with all that is known of them; also those of a partition that stays because another run of that day goes on.
#[test]
fn old_runs_are_pruned_whole() {
    let Some(place) = place() else { return };
    let mut engine = place.engine();
    let days = |n: u64| Recording::of(run(n.into()), n, "shop");
    let mut records = Vec::new();
    for (n, begin, end) in [(1, 0, 1), (2, 1, 1), (3, 1, 3), (4, 3, 3)] {
        let mut recording = days(n);
        records.push(recording.run_start("order", begin * DAY));
        records.push(recording.span(n, 0, "step", begin * DAY, begin * DAY + 10));
        records.push(recording.run_end(end * DAY + 20, Status::Ok));
    }
    insert(&mut engine, &records);
    let first = engine.ask("SELECT min(day) FROM run").unwrap();
    let prune = |engine: &Postgres, days: u64| {
        engine.ask(&format!("SELECT prune('{}'::date + {days})", first[0])).unwrap().concat()
    };
    let left = |place: &Place| {
        let store = place.store();
        let mut runs: Vec<_> = store.runs(&RunFilter::default(), 9).unwrap().iter().map(|row| row.run_id).collect();
        runs.sort_unstable();
        (runs, all(&store, None).len())
    };
    assert_eq!(prune(&engine, 1), "0", "it goes on on the next day");
    assert_eq!(prune(&engine, 2), "2");
    assert_eq!(left(&place), (vec![run(3), run(4)], 6));
    assert_eq!(engine.ask("SELECT count(*) FROM pg_inherits WHERE inhparent = 'record'::regclass").unwrap(), ["3"]);
    assert_eq!(engine.store(&records[3..6]).unwrap().late, [0, 1, 2], "its run was removed");
    assert_eq!(prune(&engine, 4), "2");
    assert_eq!(left(&place), (vec![], 0));
    assert_eq!(engine.store(&records).unwrap().late.len(), 12);
    // Somebody wants them back.
    engine.ask("DELETE FROM pruned; DELETE FROM pruning").unwrap();
    insert(&mut engine, &records);
    assert_eq!(left(&place), ([1, 2, 3, 4].map(run).to_vec(), 12));
}
