//! Old runs are removed: the same story of a directory and of every engine. They differ in what becomes of records that come late.

use super::super::records::*;
use super::all;
use spanbridge::record::{Body, Link, Mutation, MutationOp, Record, RunSuspend};
use spanbridge::{RunId, Status};
use spanbridge_graph::{PrunedRun, Relation};
use spanbridge_query::keeping::{Prune, PruneReport, prune_store};
use spanbridge_query::state::{RowKey, RowQuery};
use spanbridge_query::{Found, ImportReport, Imported, RunFilter, RunQuery, RunRow, Store};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// Milliseconds from [`T0`] to so long ago.
pub(crate) fn ago(time: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - time;
    (now.as_nanos() as u64 - T0) / MS
}

/// What is older than a month.
pub(crate) fn month() -> Prune {
    Prune::new().older_than(DAY * 30)
}

/// A failed run (2) with an old parent (1), child (3), related (4) and linked run (5), which succeeded.
fn family(old: u64) -> Vec<Record<'static>> {
    let mut records = vec![Recording::of(run(1), 1, "shop").span(1, 0, "parent", old, old + 1)];
    let mut own = Recording::of(run(2), 2, "shop");
    records.push(own.record(run_start("failed", old, Some((run(1), span_id(1))))));
    let mut links = start(3, 0, "links", old);
    links.links = vec![Link::new(trace(5), span_id(5), attributes(&[]))];
    records.push(own.record(Body::Span(links.with_end(Some(end(old + 1, Status::Ok))))));
    records.push(own.run_end(old + 9, Status::Error));
    let mut child = Recording::of(run(3), 3, "mail");
    records.push(child.record(run_start("child", old + 2, Some((run(2), span_id(2))))));
    records.push(child.run_end(old + 3, Status::Ok));
    let mut related = Recording::of(run(4), 4, "mail").in_trace(trace(2));
    records.push(related.record(run_start("related", old, None)));
    records.push(related.run_end(old + 3, Status::Ok));
    records.push(Recording::of(run(5), 5, "mail").span(5, 0, "linked", old, old + 1));
    records
}

/// An old run (6) that changed a row.
pub(crate) fn changed_a_row(old: u64) -> Vec<Record<'static>> {
    let mut recording = Recording::of(run(6), 6, "shop");
    let insert = Mutation::new("m", "shop", "orders", r#"{"id":1}"#, MutationOp::Insert);
    vec![
        recording.run_start("order", old),
        recording.span(60, 0, "write", old + 1, old + 2),
        recording.record(Body::Mutation(insert.with_committed_at(Some(T0 + (old + 2) * MS)))),
        recording.run_end(old + 3, Status::Ok),
    ]
}

/// A run (7) that began long ago and goes on; one (8) of yesterday; and one that was suspended long ago (9).
fn others(old: u64) -> Vec<Record<'static>> {
    let yesterday = ago(DAY);
    let (mut long, mut young, mut waiting) =
        (Recording::of(run(7), 7, "shop"), Recording::of(run(8), 8, "shop"), Recording::of(run(9), 9, "shop"));
    vec![
        long.run_start("long", old),
        long.span(70, 0, "first", old, old + 1),
        long.span(71, 0, "second", ago(DAY * 35), ago(DAY * 35) + 1),
        long.span(72, 0, "last", yesterday, yesterday + 1),
        young.span(80, 0, "young", yesterday, yesterday + 1),
        waiting.run_start("waiting", old),
        waiting.record(Body::RunSuspend(RunSuspend::new("s", T0 + (old + 1) * MS))),
    ]
}

/// The numbers of the runs that are there.
fn runs(store: &Store) -> Vec<u128> {
    let numbers = |ids: Vec<RunId>| -> Vec<u128> { (1..20).filter(|n| ids.contains(&run(*n))).collect() };
    let ids = |rows: Vec<RunRow>| rows.iter().map(|row| row.run_id).collect::<Vec<RunId>>();
    let all = ids(store.runs(&RunFilter::default(), 1000).unwrap());
    let operations = ids(store.list(&RunQuery::default(), 1000).unwrap());
    let found = numbers(all.clone());
    assert_eq!(found.len(), all.len());
    assert!(operations.iter().all(|run| all.contains(run)));
    found
}

/// A run that is pruned is in no answer.
fn is_gone(store: &Store, gone: RunId, span: u64) {
    assert!(store.graph(gone).unwrap().is_none());
    assert_eq!(store.rows(&[gone]).unwrap(), []);
    assert_eq!(all(store, Some(gone)), Vec::<String>::new());
    assert_eq!(store.find(&span_id(span).to_string()).unwrap(), Found::Nothing);
}

fn counts(report: &PruneReport) -> [u64; 4] {
    [report.runs, report.spans, report.kept_failed, report.kept_suspended]
}

fn late(report: &ImportReport) -> (u64, usize, usize) {
    (report.stored, report.late.len(), report.rejected.len())
}

/// The story. `refuses_late`: what comes late is not stored. A directory takes it for a new run.
pub(crate) fn old_runs_go(open: &dyn Fn() -> Store, refuses_late: bool) {
    let old = ago(DAY * 40);
    let records = [family(old), changed_a_row(old), others(old)].concat();
    let mut store = open();
    assert_eq!(store.import(records.clone()).unwrap().stored, records.len() as u64);
    let row = RowQuery::new("orders", RowKey::parse("1").unwrap());
    let before = open();
    let kept: Vec<RunId> = [2, 7, 8, 9].map(run).to_vec();
    let was: Vec<Vec<String>> = kept.iter().map(|run| all(&before, Some(*run))).collect();
    assert_eq!(runs(&before), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(before.state(&row).unwrap().known_since, None);

    let prune = month().keep_failed(true).keep_suspended(true);
    let dry = prune_store(&mut store, &prune.clone().dry_run(true), |_| true).unwrap();
    assert_eq!(runs(&open()), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let report = prune_store(&mut store, &prune, |_| true).unwrap();
    assert_eq!(counts(&report), [5, 3, 1, 1]);
    assert_eq!(counts(&dry), counts(&report));
    let store = &mut open();
    assert_eq!(runs(store), [2, 7, 8, 9]);
    is_gone(store, run(6), 60);
    is_gone(store, run(1), 1);
    for (run, was) in kept.iter().zip(&was) {
        assert_eq!(&all(store, Some(*run)), was, "{run}");
    }
    let Found::One { run_ids, .. } = store.find(&span_id(70).to_string()).unwrap() else { panic!("it is there") };
    assert_eq!(run_ids, [run(7)]);
    let mut pruned = store.graph(run(2)).unwrap().unwrap().pruned_runs;
    pruned.sort_by_key(|pruned| pruned.run_id);
    let relations = [(1, Relation::Parent), (3, Relation::Child), (4, Relation::Related), (5, Relation::Linked)];
    assert_eq!(pruned, relations.map(|(n, relation)| PrunedRun::new(run(n), relation)));
    assert!(store.is_pruned(run(3)).unwrap() && !store.is_pruned(run(77)).unwrap());
    let answer = store.state(&row).unwrap();
    assert_eq!((answer.rows.len(), answer.known_since), (0, Some(T0 + (old + 3) * MS)));

    // Once more changes nothing.
    assert_eq!(counts(&prune_store(store, &prune, |_| true).unwrap()), [0, 0, 1, 1]);

    // Something old comes to a run that is there.
    let mut more = Recording::of(run(7), 77, "mail");
    let late_step = vec![more.span(73, 0, "late", old + 5, old + 6)];
    assert_eq!(late(&store.import(late_step.clone()).unwrap()), (1, 0, 0));
    assert_eq!(late(&store.append(late_step.clone()).unwrap()).1, 0);
    assert_eq!(open().graph(run(7)).unwrap().unwrap().spans.len(), 4);

    if refuses_late {
        no_half_run_comes_back(open, old);
    }
    // What was kept goes, too.
    assert_eq!(counts(&prune_store(store, &month(), |_| true).unwrap()), [2, 1, 0, 0]);
    assert_eq!(runs(&open()), if refuses_late { vec![7, 8, 11] } else { vec![7, 8] });
    assert_eq!(open().graph(run(7)).unwrap().unwrap().spans.len(), 4);
}

/// What comes late is told, and is in no answer: the same again, what was missing until now, and what was never there.
fn no_half_run_comes_back(open: &dyn Fn() -> Store, old: u64) {
    let mut again = Recording::of(run(6), 66, "shop");
    let mut unknown = Recording::of(run(10), 10, "shop");
    let records = [
        changed_a_row(old),
        vec![again.span(61, 0, "missing", old + 2, old + 3), again.span(62, 0, "today", ago(DAY), ago(DAY) + 1)],
        vec![unknown.span(100, 0, "old", old, old + 1), unknown.run_end(old + 1, Status::Ok)],
        vec![Recording::of(run(11), 11, "shop").span(110, 0, "young", ago(DAY), ago(DAY) + 1)],
    ]
    .concat();
    let mut store = open();
    let mut became = Vec::new();
    let report = store.import_each(records.clone(), |at, what| became.push((at, what))).unwrap();
    assert_eq!(report.late, (0..8).collect::<Vec<u64>>());
    assert_eq!((report.read, late(&report)), (9, (1, 8, 0)));
    became.sort_by_key(|(at, _)| *at);
    let expected = |at| if at < 8 { Imported::Late } else { Imported::New };
    assert_eq!(became, (0..9).map(|at| (at, expected(at))).collect::<Vec<_>>());
    assert_eq!(store.append(records).unwrap().late.len(), 8);
    let store = open();
    assert_eq!(runs(&store), [2, 7, 8, 9, 11]);
    is_gone(&store, run(6), 60);
    is_gone(&store, run(6), 62);
    is_gone(&store, run(10), 100);
    assert!(store.is_pruned(run(6)).unwrap());
}
