//! The list has one line for each operation: a run that no stored run started, with all that it started.

mod common;

use common::old::OldWriter;
use common::*;
use spanbridge::record::Record;
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::RunStatus;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::keeping::{self, Prune};
use spanbridge_query::{RunFilter, RunQuery, RunRow, Store};
use spanbridge_store::StoreSink;
use std::collections::BTreeMap;
use std::time::Duration;

/// A run that another one started, or none, with a span that is its whole work.
fn records(
    n: u64,
    parent: u64,
    name: &'static str,
    service: &'static str,
    at: u64,
    status: Status,
) -> Vec<Record<'static>> {
    let mut r = Recording::of(run(u128::from(n)), n, service);
    let by = (parent > 0).then(|| (run(u128::from(parent)), SpanId::new(parent).unwrap()));
    let started = r.record(run_start(name, at, by));
    vec![started, r.span(n, 0, name, at, at + 5), r.run_end(at + 9, status)]
}

/// Three orders: the first started a mail, which started a receipt that failed; the second a mail; the third nothing.
fn orders() -> Vec<Vec<Record<'static>>> {
    use Status::{Error, Ok};
    vec![
        records(1, 0, "order", "shop", 0, Ok),
        records(2, 1, "mail", "mailer", 10, Ok),
        records(3, 2, "receipt", "printer", 900, Error),
        records(4, 0, "order", "shop", 100, Ok),
        records(5, 4, "mail", "mailer", 110, Ok),
        records(6, 0, "order", "shop", 200, Ok),
    ]
}

fn shown(rows: &[RunRow]) -> Vec<(u128, u64, u64)> {
    rows.iter().map(|row| (row.run_id.get() as u32 as u128, row.descendants, row.failed_descendants)).collect()
}

fn ids(rows: &[RunRow]) -> Vec<u128> {
    rows.iter().map(|row| row.run_id.get() as u32 as u128).collect()
}

fn check(store: &Store) {
    let list = |query: RunQuery| store.list(&query, 100).unwrap();
    let of = |filter: RunFilter| ids(&list(RunQuery::new(filter)));
    let any = RunFilter::default;
    assert_eq!(shown(&list(RunQuery::default())), [(6, 0, 0), (4, 1, 0), (1, 2, 1)]);
    assert_eq!(ids(&list(RunQuery::default().each_run())), [3, 6, 5, 4, 2, 1]);
    assert_eq!(store.count(&RunQuery::default()).unwrap(), 3);
    // Each run leads to its line.
    let lines = |runs: &[u128]| store.operations_of(&runs.iter().map(|n| run(*n)).collect::<Vec<_>>()).unwrap();
    assert_eq!(shown(&lines(&[3])), [(1, 2, 1)]);
    let mut all = lines(&[2, 3, 5, 6, 7777]);
    all.sort_by_key(|row| std::cmp::Reverse(row.started_at));
    assert_eq!(all, list(RunQuery::default()));
    // One run of the operation must match, in all that is asked of it.
    assert_eq!(of(any().status(RunStatus::Error)), [1]);
    assert_eq!(of(any().status(RunStatus::Ok)), [6, 4]);
    assert_eq!(of(any().name("mail")), [4, 1]);
    assert_eq!(of(any().name("order")), [6, 4, 1]);
    assert_eq!(of(any().service("printer")), [1]);
    assert_eq!(of(any().service("mailer").status(RunStatus::Error)), [0; 0]);
    assert_eq!(of(any().service("mailer").status(RunStatus::Ok)), [4]);
    // Times are those of the first run.
    assert_eq!(of(any().since(T0 + 150 * MS)), [6]);
    assert_eq!(of(any().name("mail").before(T0 + 100 * MS, RunId::new(1).unwrap())), [1]);
    assert_eq!(ids(&list(RunQuery::new(any().name("mail")).each_run())), [5, 2]);
    // What only records say.
    assert_eq!(ids(&list(RunQuery::default().attribute("id", Some("3")))), [1]);
    assert_eq!(ids(&list(RunQuery::default().attribute("id", Some("3")).each_run())), [3]);
    for n in 1..=6 {
        assert!(matches!(store.find(&run(n).to_string()).unwrap(), spanbridge_query::Found::One { .. }));
    }
}

/// Whatever came first, and whatever is folded.
#[test]
fn one_line_for_each_operation() {
    let orders = orders();
    let sequences: [[usize; 6]; 4] = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 0, 4, 1, 3, 5], [1, 2, 4, 5, 3, 0]];
    for order in sequences {
        for folded_after in 0..=6 {
            let (_dir, path) = place();
            let mut sink = StoreSink::open(&path).unwrap();
            let store = Store::open(&path).unwrap();
            for (number, n) in (1..).zip(order) {
                deliver(&mut sink, 1, number, &orders[n]);
                if number >= folded_after {
                    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
                }
                if number == 6 {
                    check(&store);
                }
            }
        }
    }
}

/// An old store, and a store that goes on after an old one.
#[test]
fn every_engine_has_the_same_list() {
    let (_dir, path) = place();
    let mut old = OldWriter::open(&path);
    (1..).zip(orders()).for_each(|(number, records)| old.deliver(1, number, &records));
    check(&Store::open(&path).unwrap());
    let (_dir, path) = place();
    let mut old = OldWriter::open(&path);
    let mut sink = StoreSink::open(&path).unwrap();
    for (number, records) in (1..).zip(orders()) {
        match number % 2 {
            0 => old.deliver(1, number, &records),
            _ => deliver(&mut sink, 2, number, &records),
        }
    }
    check(&Store::open(&path).unwrap());
}

/// An index of an earlier release is upgraded once, and read as it is if it cannot be written.
#[test]
fn an_older_index_is_upgraded() {
    for format in [1, 2] {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        (1..).zip(orders()).for_each(|(number, records)| deliver(&mut sink, 1, number, &records));
        Store::open(&path).unwrap().fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        drop(downgrade(&path, format));
        check(&Store::open(&path).unwrap());
    }
}

/// If the run that started another is pruned, the other is an operation of its own; if it comes back, it is not.
#[test]
fn what_a_pruned_run_started_has_a_line() {
    let orders = orders();
    // The age is told before the removal looks at the clock. On a busy machine, others are too old by then: again.
    let pruned = || {
        let (dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        (1..).zip(&orders).for_each(|(number, records)| deliver(&mut sink, 1, number, records));
        let store = Store::open(&path).unwrap();
        store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = now - Duration::from_nanos(T0 + 50 * MS);
        let runs = keeping::prune(&path, &Prune::new().older_than(age), |_| true).unwrap().runs;
        (runs == 2).then_some((dir, sink, store))
    };
    let (_dir, _sink, mut store) = (0..6).find_map(|_| pruned()).unwrap();
    assert_eq!(shown(&store.list(&RunQuery::default(), 9).unwrap()), [(3, 0, 0), (6, 0, 0), (4, 1, 0)]);
    store.import(orders[..2].concat()).unwrap();
    check(&store);
    store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
    check(&store);
}

/// Runs that say that they started each other are one operation, and none is lost.
#[test]
fn a_circle_of_runs_has_a_line() {
    for is_folded in [false, true] {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        let circle = [(1, 3), (2, 1), (3, 2), (4, 4), (5, 2)];
        for (number, (n, parent)) in (1..).zip(circle) {
            deliver(&mut sink, 1, number, &records(n, parent, "order", "shop", 100 * n, Status::Ok));
        }
        let store = Store::open(&path).unwrap();
        if is_folded {
            store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        }
        assert_eq!(shown(&store.list(&RunQuery::default(), 9).unwrap()), [(4, 0, 0), (1, 3, 0)]);
        for n in [1, 2, 3, 5] {
            assert_eq!(shown(&store.operations_of(&[run(n)]).unwrap()), [(1, 3, 0)], "{n}");
        }
    }
}

/// A forest that grows at random while it is folded: pages have each operation once, in order, with right numbers.
#[test]
fn pages_of_operations_are_exact() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let store = Store::open(&path).unwrap();
    let mut seed = 7u64;
    let mut next = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let mut order: Vec<u64> = (1..=300).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, next(i as u64 + 1) as usize);
    }
    let mut parents = BTreeMap::new();
    for (number, n) in (1..).zip(&order) {
        let parent = if next(3) == 0 { 0 } else { next(*n) };
        parents.insert(*n, parent);
        let status = if next(9) == 0 { Status::Error } else { Status::Ok };
        let name = ["a", "b", "c"][next(3) as usize];
        deliver(&mut sink, 1, number, &records(*n, parent, name, ["x", "y"][next(2) as usize], next(60), status));
        if next(40) == 0 {
            store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        }
    }
    let root = |mut n: u64| {
        while parents[&n] > 0 {
            n = parents[&n];
        }
        n
    };
    let filters = [
        RunFilter::default(),
        RunFilter::default().status(RunStatus::Error),
        RunFilter::default().status(RunStatus::Ok),
        RunFilter::default().name("a").service("x"),
        RunFilter::default().status(RunStatus::Error).name("b"),
        RunFilter::default().min_duration(Duration::from_millis(1)).since(T0 + 20 * MS),
    ];
    for is_folded in [false, true] {
        if is_folded {
            store.fold(FoldBudget::everything(), |_| true).unwrap().unwrap();
        }
        let all = store.runs(&RunFilter::default(), 1000).unwrap();
        assert_eq!(all.len(), 300);
        for filter in &filters {
            let query = RunQuery::new(filter.clone());
            let whole = store.list(&query, 1000).unwrap();
            let pages = (0..).map(|page| store.list(&query.clone().skip(7 * page), 7).unwrap());
            assert_eq!(pages.take_while(|page| !page.is_empty()).flatten().collect::<Vec<_>>(), whole);
            assert!(whole.is_sorted_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id))));
            let expected = |row: &&RunRow| {
                let n = row.run_id.get() as u32;
                let members: Vec<&RunRow> =
                    all.iter().filter(|r| root(u64::from(r.run_id.get() as u32)) == u64::from(n)).collect();
                let is_ok =
                    filter.status != Some(RunStatus::Ok) || members.iter().all(|row| row.status == RunStatus::Ok);
                parents[&u64::from(n)] == 0
                    && filter.since.is_none_or(|since| row.started_at >= since)
                    && is_ok
                    && members.iter().any(|row| {
                        filter.status.is_none_or(|status| row.status == status)
                            && filter.name.as_ref().is_none_or(|name| *name == row.name)
                            && filter.service.as_ref().is_none_or(|service| row.services.contains(service))
                    })
            };
            assert_eq!(
                ids(&whole),
                all.iter().filter(expected).map(|r| r.run_id.get() as u32 as u128).collect::<Vec<_>>()
            );
            assert_eq!(store.count(&query).unwrap(), whole.len() as u64);
            for row in &whole {
                let n = u64::from(row.run_id.get() as u32);
                let count = parents.keys().filter(|m| **m != n && root(**m) == n).count() as u64;
                assert_eq!(row.descendants, count);
            }
        }
    }
}
