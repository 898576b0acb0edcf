//! The same records give the same answers in PostgreSQL as in a list, and as in a directory.

mod common;

use common::list::List;
use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use std::collections::BTreeSet;

proptest! {
    // Each case creates a schema.
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_server_answers_as_a_list(deliveries in vec(vec(record(), 1..9), 1..6), repeated in 0..6usize) {
        let Some(place) = place() else { return Ok(()) };
        let deliveries = distinct(deliveries);
        let runs: BTreeSet<RunId> = deliveries.iter().flatten().filter_map(run_of).collect();
        let mut engine = place.engine();
        deliveries.iter().for_each(|delivery| insert(&mut engine, delivery));
        insert(&mut engine, &deliveries[repeated % deliveries.len()]);
        let (store, list) = (place.store(), Store::with_engine("list", List(deliveries.concat())));
        for (found, expected) in told(&store, &runs).iter().zip(told(&list, &runs)) {
            prop_assert_eq!(found, &expected);
        }
        filters_choose(&store);
    }
}

/// Stories of messages, whole ones and ones in which something is missing. They are inserted twice.
#[test]
fn stories_are_those_of_a_directory() {
    let Some(place) = place() else { return };
    let records = [gaps::clean(), gaps::one_of_each()].concat();
    let runs: BTreeSet<RunId> = records.iter().filter_map(run_of).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut directory = Store::open_or_create(dir.path().join("spanbridge")).unwrap();
    let mut engine = place.engine();
    for half in records.chunks(records.len().div_ceil(2)) {
        directory.import(half.to_vec()).unwrap();
        insert(&mut engine, half);
        insert(&mut engine, half);
    }
    let store = place.store();
    for (found, expected) in told(&store, &runs).iter().zip(told(&directory, &runs)) {
        assert_eq!(found, &expected);
    }
    filters_choose(&store);
}

/// Lists of many runs choose as a list of all records does. What is stored twice, and in several batches, is one run.
#[test]
fn many_runs_are_listed_as_by_a_list() {
    let Some(place) = place() else { return };
    let all = random::records(0xdead_5eed, 600);
    let mut engine = place.engine();
    all.chunks(all.len().div_ceil(4)).for_each(|batch| insert(&mut engine, batch));
    insert(&mut engine, &all[..all.len() / 3]);
    random::choose_as(&place.store(), &all, 0xd1ce);
}
