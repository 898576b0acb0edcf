//! Lists of many runs.

use crate::common::random::{choose_as, records};
use crate::common::*;
use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use spanbridge_clickhouse::ClickHouse;
use spanbridge_graph::{changed_mark, run_of};
use spanbridge_query::engine::Engine;
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
