//! Lists of runs by what only their records say, in every order, and in pages: they are what comparing each run by hand gives.

mod common;

use common::*;
use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, Status, TraceId, Value};
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{RunFilter, RunQuery, RunRow, RunSort, Store};
use std::cmp::Reverse;
use std::time::Duration;

/// More than a page of rows.
const RUNS: u64 = 1200;

/// A run of one or more spans. Some begin at the same time, some fail, some have not ended.
fn records(n: u64) -> Vec<Record<'static>> {
    let (id, spans) = (u128::from(n * 7919 % 10_007) << 64 | u128::from(n + 1), n % 4 + 1);
    let (run, trace) = (RunId::new(id), TraceId::new(id));
    let started_at = T0 + n / 3 * MS;
    let span = |i: u64| {
        let mut span = SpanData::new(span_id(n * 8 + i + 1), "work", started_at);
        let order = i64::try_from(n % 50).unwrap();
        span.attributes = [("order.id".into(), Value::I64(order).into()), ("shop".into(), Value::Str("north").into())]
            .into_iter()
            .collect();
        let mut end = End::new(started_at + n % 90 * MS, Status::Ok);
        if n.is_multiple_of(10) && i == 0 {
            end.status = Status::Error;
            end.error = Some(format!("card {} declined", n % 30).into());
        }
        span.end = (!n.is_multiple_of(17)).then_some(end);
        Record::new(SegmentId::new(n + 1).unwrap(), i + 1, "shop", Body::Span(span)).of_run(run, trace)
    };
    (0..spans).map(span).collect()
}

/// Half of them are folded.
fn filled() -> (tempfile::TempDir, Store) {
    let (dir, path) = place();
    let mut sink = spanbridge_store::StoreSink::open(&path).unwrap();
    for half in 0..2 {
        let all: Vec<_> = (half * RUNS / 2..(half + 1) * RUNS / 2).flat_map(records).collect();
        deliver(&mut sink, 1, half + 1, &all);
        if half == 0 {
            Index::open(sink.directory()).unwrap().fold(FoldBudget::everything(), |_| true).unwrap();
        }
    }
    (dir, Store::open(&path).unwrap())
}

fn ids(rows: &[RunRow]) -> Vec<RunId> {
    rows.iter().map(|row| row.run_id).collect()
}

#[test]
fn every_order_is_that_of_all_runs() {
    let (_dir, store) = filled();
    let all = store.runs(&RunFilter::default(), usize::MAX).unwrap();
    assert_eq!(all.len() as u64, RUNS);
    let newest = |row: &RunRow| Reverse((row.started_at, row.run_id));
    for sort in [RunSort::Newest, RunSort::Oldest, RunSort::Longest, RunSort::MostErrors, RunSort::MostSpans] {
        let mut expected = all.clone();
        expected.sort_by_key(|row| match sort {
            RunSort::Oldest => (row.started_at as i64, newest(row)),
            RunSort::Longest => (-row.duration().map_or(-1, |took| took as i64), newest(row)),
            RunSort::MostErrors => (-(row.errors as i64), newest(row)),
            RunSort::MostSpans => (-(row.spans as i64), newest(row)),
            _ => (0, newest(row)),
        });
        for (skip, limit) in [(0, 20), (20, 20), (1020, 10), (1190, 20), (1200, 5), (0, 0)] {
            let found = store.list(&RunQuery::default().sort(sort).skip(skip), limit).unwrap();
            assert_eq!(
                ids(&found),
                ids(&expected.iter().skip(skip).take(limit).cloned().collect::<Vec<_>>()),
                "{sort:?}"
            );
        }
    }
}

#[test]
fn pages_have_each_run_once() {
    let (_dir, store) = filled();
    let (mut filter, mut found) = (RunFilter::default(), Vec::new());
    loop {
        let page = store.runs(&filter, 7).unwrap();
        let Some(last) = page.last() else { break };
        filter = filter.before(last.started_at, last.run_id);
        found.extend(ids(&page));
    }
    assert_eq!(found, ids(&store.runs(&RunFilter::default(), usize::MAX).unwrap()));
}

#[test]
fn what_only_records_say_is_found() {
    let (_dir, store) = filled();
    let of = |matches: &dyn Fn(u64) -> bool| (0..RUNS).filter(|n| matches(*n)).count() as u64;
    let count = |query: RunQuery| store.count(&query).unwrap();
    let any = RunQuery::default;
    assert_eq!(count(any()), RUNS);
    assert_eq!(count(any().attribute("order.id", Some("17"))), of(&|n| n % 50 == 17));
    assert_eq!(count(any().attribute("order.id", Some("17")).attribute("shop", Some("north"))), of(&|n| n % 50 == 17));
    assert_eq!(count(any().attribute("order.id", None)), RUNS);
    assert_eq!(count(any().attribute("order.id", Some("1"))), of(&|n| n % 50 == 1), "not a part of a value");
    assert_eq!(count(any().attribute("order", None)), 0);
    let failed = |n: u64| n.is_multiple_of(10) && !n.is_multiple_of(17);
    assert_eq!(count(any().error("declined")), of(&failed));
    assert_eq!(count(any().error("card 20")), of(&|n| failed(n) && n % 30 == 20));
    assert_eq!(count(any().error("Declined")), of(&failed), "case does not matter");
    let rows = store.list(&any().error("card 20").attribute("order.id", Some("0")).skip(1), 3).unwrap();
    let expected = (0..RUNS).rev().filter(|n| failed(*n) && n % 30 == 20 && n % 50 == 0);
    assert_eq!(ids(&rows), expected.skip(1).take(3).filter_map(|n| records(n)[0].run_id).collect::<Vec<_>>());
    let long = RunQuery::new(RunFilter::default().min_duration(Duration::from_millis(80)));
    assert_eq!(count(long), of(&|n| n % 90 >= 80 && n % 17 > 0), "a run that is open took no time that is known");
}
