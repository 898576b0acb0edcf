//! The same records give the same answers in ClickHouse as in a list, and as in a directory.

use crate::common::list::List;
use crate::common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use std::collections::BTreeSet;

proptest! {
    // Each case creates a database.
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_server_answers_as_a_list(deliveries in vec(vec(record(), 1..9), 1..6), repeated in 0..6usize) {
        let Some(place) = place() else { return Ok(()) };
        let deliveries = consistent(distinct(deliveries));
        prop_assume!(!deliveries.is_empty());
        let runs: BTreeSet<RunId> = deliveries.iter().flatten().filter_map(run_of).collect();
        let writer = place.writer();
        deliveries.iter().for_each(|delivery| insert(&writer, delivery));
        insert(&writer, &deliveries[repeated % deliveries.len()]);
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
    let writer = place.writer();
    for half in records.chunks(records.len().div_ceil(2)) {
        directory.import(half.to_vec()).unwrap();
        insert(&writer, half);
        insert(&writer, half);
    }
    let store = place.store();
    for (found, expected) in told(&store, &runs).iter().zip(told(&directory, &runs)) {
        assert_eq!(found, &expected);
    }
    filters_choose(&store);
}
