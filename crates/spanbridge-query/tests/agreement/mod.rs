//! Whether an engine answers as another one does: questions, and the simplest engine to compare with.
#![allow(dead_code, reason = "each test binary uses some of it")]

pub(crate) mod due;
pub(crate) mod list;
pub(crate) mod pruning;
pub(crate) mod random;

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Checkup, RunStatus};
use spanbridge_query::{Found, Id, RunFilter, RunQuery, Store};
use std::collections::BTreeSet;

const PREFIXES: [&str; 4] = ["0000", "0000000000000001", "0000000000000003", "00000000000000010000000000000001"];

const NOW: u64 = 1_790_000_000_000_000_000;

/// The same records, none with the id of another: which of two with the same id is the first depends on who delivered it.
pub(crate) fn distinct(mut deliveries: Vec<Vec<Record<'static>>>) -> Vec<Vec<Record<'static>>> {
    // Nor is there an order within a delivery but that of segments.
    deliveries.iter_mut().for_each(|delivery| delivery.sort_by_key(|record| record.segment_id));
    for (n, record) in (1..).zip(deliveries.iter_mut().flatten()) {
        record.segment_seq = n;
        record.id = record.id.take().map(|id| format!("{id}{n}").into());
    }
    deliveries
}

/// What a store says, question by question.
pub(crate) fn told(store: &Store, runs: &BTreeSet<RunId>) -> Vec<String> {
    let mut told = vec![format!("{:#?}", all(store, None))];
    let mut rows = store.runs(&RunFilter::default(), 1000).unwrap();
    rows.sort_by_key(|row| row.run_id);
    told.push(format!("{rows:#?}"));
    for run in runs {
        told.push(format!("{:#?}", all(store, Some(*run))));
        let graph = store.graph(*run).unwrap().expect("it has records");
        told.push(format!("{:#}", graph.to_json()));
        told.push(format!("{:#?}", store.why(&[*run]).unwrap().map(|why| why.to_json())));
    }
    // Which of two names of a span counts depends on the order within a delivery.
    told.extend(PREFIXES.map(|digits| {
        let ids: Vec<Id> = match store.find(digits).unwrap() {
            Found::One { what, .. } => vec![what],
            Found::Ambiguous(candidates) => candidates.into_iter().map(|candidate| candidate.id).collect(),
            _ => vec![],
        };
        format!("{digits}: {ids:?}")
    }));
    let all: Vec<RunId> = runs.iter().copied().collect();
    told.push(format!("{:#?}", store.gaps(&all, Checkup::new(NOW + (NOW >> 2))).unwrap()));
    let operations = store.list(&RunQuery::default(), 1000).unwrap();
    told.push(format!("{operations:#?}"));
    told
}

/// Every filter and limit chooses from the list of all runs.
pub(crate) fn filters_choose(store: &Store) {
    let rows = store.runs(&RunFilter::default(), 1000).unwrap();
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id))), "{rows:#?}");
    let all = RunFilter::default;
    let mut filters = vec![all(), all().name("a"), all().name("Ÿ"), all().since(NOW)];
    filters.push(all().min_duration(std::time::Duration::from_nanos(400_000_000)));
    filters.extend(RunStatus::ALL.map(|status| all().status(status)));
    filters.extend(["", "a", "ab"].map(|service| all().service(service).name("b")));
    filters.extend(rows.iter().map(|row| all().before(row.started_at, row.run_id)));
    for filter in filters {
        let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
        assert_eq!(store.runs(&filter, 1000).unwrap(), expected, "{filter:?}");
        assert_eq!(store.runs(&filter, 2).unwrap(), expected[..expected.len().min(2)], "{filter:?}");
    }
    let since: Vec<RunId> = rows.iter().filter(|row| row.started_at >= NOW).map(|row| row.run_id).collect();
    assert_eq!(store.runs_since(Some(NOW)).unwrap(), (since, rows.len()));
}

/// Every record of the store, sorted.
pub(crate) fn all(store: &Store, run: Option<RunId>) -> Vec<String> {
    let mut lines = Vec::new();
    store.records(run, |record| lines.push(format!("{record:?}"))).unwrap();
    lines.sort_unstable();
    lines
}
