//! The same records give the same answers wherever they are kept: in the file of an earlier release, in logs, in the index, or
//! partly here and partly there.

mod common;

use common::old::OldWriter;
use common::place;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{Checkup, RunStatus};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{Found, Id, RunFilter, Store};
use spanbridge_store::StoreSink;
use std::collections::BTreeSet;

const PREFIXES: [&str; 4] = ["0000", "0000000000000001", "0000000000000003", "00000000000000010000000000000001"];

const NOW: u64 = 1_790_000_000_000_000_000;

/// The same records, none with the id of another: which of two with the same id is the first depends on who delivered it.
fn distinct(mut deliveries: Vec<Vec<Record<'static>>>) -> Vec<Vec<Record<'static>>> {
    for (n, record) in (1..).zip(deliveries.iter_mut().flatten()) {
        record.segment_seq = n;
        record.id = record.id.take().map(|id| format!("{id}{n}").into());
    }
    deliveries
}

fn runs(deliveries: &[Vec<Record<'static>>]) -> BTreeSet<RunId> {
    deliveries.iter().flatten().filter_map(spanbridge_graph::run_of).collect()
}

fn records(store: &Store, run: Option<RunId>) -> Vec<String> {
    let mut lines = common::all(store, run);
    lines.sort_unstable();
    lines
}

/// What a store says about runs, by their records.
fn told(store: &Store, deliveries: &[Vec<Record<'static>>]) -> Vec<String> {
    let mut told = vec![format!("{:?}", records(store, None))];
    let runs = runs(deliveries);
    for run in &runs {
        told.push(format!("{:?}", records(store, Some(*run))));
        // Lists of other runs are in order of start, which comes from rows: see `listed`.
        let mut graph = store.graph(*run).unwrap().expect("it has records");
        (graph.child_runs, graph.related_runs, graph.linked_runs) = Default::default();
        told.push(graph.to_json().to_string());
    }
    for digits in PREFIXES {
        let ids: Vec<Id> = match store.find(digits).unwrap() {
            Found::One { what, .. } => vec![what],
            Found::Ambiguous(candidates) => candidates.into_iter().map(|candidate| candidate.id).collect(),
            _ => vec![],
        };
        told.push(format!("{digits}: {ids:?}"));
    }
    told
}

/// What it says of runs in lists, where names and times come from totals or, if both engines have the run, from records. The file of an earlier release lists runs in the order of their totals, which is another one
/// for runs that contradict themselves.
fn listed(store: &Store, deliveries: &[Vec<Record<'static>>]) -> Vec<String> {
    let mut rows = store.runs(&RunFilter::default(), 1000).unwrap();
    rows.sort_by_key(|row| row.run_id);
    let mut told = vec![format!("{rows:#?}")];
    let runs: Vec<RunId> = runs(deliveries).into_iter().collect();
    for run in &runs {
        let graph = store.graph(*run).unwrap().expect("it has records");
        told.push(format!("{:?} {:?} {:?}", graph.child_runs, graph.related_runs, graph.linked_runs));
    }
    told.extend(PREFIXES.map(|digits| format!("{digits}: {:?}", store.find(digits).unwrap())));
    told.push(format!("{:#?}", store.gaps(&runs, Checkup::new(NOW + (NOW >> 2))).unwrap()));
    told
}

/// Every filter and limit chooses from the list of all runs.
fn filters_choose(store: &Store) {
    let rows = store.runs(&RunFilter::default(), 1000).unwrap();
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id))), "{rows:#?}");
    let mut filters = vec![RunFilter::default(), RunFilter::default().name("a"), RunFilter::default().since(NOW)];
    filters.extend(RunStatus::ALL.map(|status| RunFilter::default().status(status)));
    filters.extend(["", "a", "ab"].map(|service| RunFilter::default().service(service).name("b")));
    for filter in filters {
        let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
        assert_eq!(store.runs(&filter, 1000).unwrap(), expected, "{filter:?}");
        assert_eq!(store.runs(&filter, 2).unwrap(), expected[..expected.len().min(2)], "{filter:?}");
    }
    let since: Vec<RunId> = rows.iter().filter(|row| row.started_at >= NOW).map(|row| row.run_id).collect();
    assert_eq!(store.runs_since(Some(NOW)).unwrap(), (since, rows.len()));
}

#[track_caller]
fn same(what: &str, found: &[String], expected: &[String]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_engine_answers_alike(deliveries in vec(vec(record(), 1..9), 1..9), at in 0..9usize, repeated in 0..9usize) {
        let deliveries = distinct(deliveries);
        let ((_a, old), (_b, new), (_c, both)) = (place(), place(), place());
        let (mut writer, mut sink, mut earlier) = (OldWriter::open(&old), StoreSink::open(&new).unwrap(), OldWriter::open(&both));
        let at = at.min(deliveries.len());
        for (n, delivery) in deliveries.iter().enumerate() {
            writer.deliver(1, n as u64, delivery);
            if n < at {
                earlier.deliver(1, n as u64, delivery);
            }
        }
        let expected = Store::open(&old).unwrap();
        let (expected_told, expected_listed) = (told(&expected, &deliveries), listed(&expected, &deliveries));

        let store = Store::open(&new).unwrap();
        for (n, delivery) in deliveries.iter().enumerate() {
            common::deliver(&mut sink, 1, n as u64, delivery);
            if n == at {
                store.fold(FoldBudget::everything(), |_| true).unwrap();
            }
        }
        // One comes again, after an error that left open whether it was written.
        let repeated = repeated % deliveries.len();
        common::deliver(&mut sink, 1, repeated as u64, &deliveries[repeated]);
        for step in ["partly folded", "folded"] {
            same(step, &told(&store, &deliveries), &expected_told);
            same(step, &listed(&store, &deliveries), &expected_listed);
            filters_choose(&store);
            store.fold(FoldBudget::everything(), |_| true).unwrap();
        }

        // The delivery at the border is in both.
        let mut later = StoreSink::open(&both).unwrap();
        for (n, delivery) in deliveries.iter().enumerate().skip(at.saturating_sub(1)) {
            common::deliver(&mut later, 1, n as u64, delivery);
        }
        let store = Store::open(&both).unwrap();
        let unique: BTreeSet<String> = records(&expected, None).into_iter().collect();
        let found = records(&store, None);
        prop_assert_eq!(&found.iter().cloned().collect::<BTreeSet<_>>(), &unique);
        same("both", &told(&store, &deliveries)[1..], &expected_told[1..]);
        if at == 0 {
            filters_choose(&store);
        }
    }
}
