//! Lists of many runs.

use crate::common::random::{choose_as, records};
use crate::common::*;
use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use spanbridge_clickhouse::ClickHouse;
use spanbridge_graph::{changed_mark, run_of};
use spanbridge_query::engine::Engine;
use spanbridge_query::{RunFilter, RunQuery};
use std::collections::BTreeMap;

/// What is inserted twice, and in several batches, is one run.
#[test]
fn many_runs_are_listed_as_by_a_list() {
    let Some(place) = place() else { return };
    let all = records(0x5eed, 600);
    let writer = place.writer();
    all.chunks(all.len().div_ceil(4)).for_each(|batch| insert(&writer, batch));
    insert(&writer, &all[..all.len() / 3]);
    // Then nothing says when it was.
    let alone = |record: &&Record<'_>| matches!(&record.body, Body::Mutation(m) if m.committed_at.is_none());
    all.iter().filter(alone).for_each(|record| insert(&writer, std::slice::from_ref(record)));
    choose_as(&place.store(), &all, 0xd1ce);
    changes_are_found(&place, &all);
}

/// More than are looked at because they were active last, and more that match than a shard tells of at once.
#[test]
fn old_runs_are_listed_newest_first() {
    const MS: u64 = 1_000_000;
    let Some(place) = place() else { return };
    let old = (1..=600).map(|n| Recording::of(run(n.into()), n, "orders").span(n, 0, "pack", n * MS, n * MS + 1));
    let old: Vec<_> = old.collect();
    let recent = |n: u64| {
        Recording::of(run(n.into()), n, "mailer").span(n, 0, "send", 3_600_000 * MS + n, 3_600_000 * MS + n + 1)
    };
    let recent: Vec<_> = (1001..=6000).map(recent).collect();
    let writer = place.writer();
    insert(&writer, &old);
    insert(&writer, &recent);
    insert(&writer, &old[..300]);
    let store = place.store();
    let listed = |filter: RunFilter, limit: usize| -> Vec<RunId> {
        let rows = store.list(&RunQuery::new(filter).each_run(), limit).unwrap();
        rows.into_iter().map(|row| row.run_id).collect()
    };
    let expected = |from: u128, to: u128| -> Vec<RunId> { (to..=from).rev().map(run).collect() };
    for filter in [RunFilter::default().service("orders"), RunFilter::default().name("PACK")] {
        assert_eq!(listed(filter.clone(), 20), expected(600, 581));
        assert_eq!(listed(filter.clone(), 299), expected(600, 302));
        assert_eq!(listed(filter.clone(), 1000), expected(600, 1));
        let row = &store.list(&RunQuery::new(filter.clone()).each_run(), 20).unwrap()[19];
        assert_eq!(listed(filter.before(row.started_at, row.run_id), 20), expected(580, 561));
    }
}

fn changes_are_found(place: &Place, all: &[Record<'_>]) {
    let mut runs: BTreeMap<u128, Vec<RunId>> = BTreeMap::new();
    for record in all {
        if let spanbridge::record::BodyView::Mutation(mutation) = record.view().body() {
            runs.entry(changed_mark(mutation)).or_default().extend(run_of(record));
        }
    }
    assert_eq!(runs.len(), 8);
    let engine = ClickHouse::open(&place.address).unwrap();
    let snapshot = engine.snapshot().unwrap();
    for (mark, mut expected) in runs {
        expected.sort_unstable();
        expected.dedup();
        assert_eq!(snapshot.changed_by(&[mark]).unwrap(), expected);
    }
}
