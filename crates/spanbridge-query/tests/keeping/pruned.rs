//! Links and parents that lead to pruned runs.

use crate::common::*;
use crate::place::*;
use spanbridge::Status;
use spanbridge::record::{Body, Link};
use spanbridge_graph::{Checkup, NotJudgedReason, PrunedRun, Relation};
use spanbridge_query::keeping::{self, Prune};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A failed run with an old parent, child, related and linked run, which succeeded. Its message was received by the child.
fn family() -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = directory();
    let mut sink = sink(&path);
    let old = ago(DAY * 40);
    let mut parent = Recording::of(run(1), 1, "shop");
    let mut records = vec![parent.span(1, 0, "parent", old, old + 1)];
    let mut own = Recording::of(run(2), 2, "shop");
    records.push(own.record(run_start("failed", old, Some((run(1), span_id(1))))));
    let said = vec![("spanbridge.handoff.status", text("confirmed"))];
    records.push(own.step((2, 0), ("messaging.publish", "publish"), "orders", (old, old + 1), said));
    let mut links = start(3, 0, "links", old);
    links.links = vec![Link::new(trace(5), span_id(5), attributes(&[]))];
    records.push(own.record(Body::Span(links.with_end(Some(end(old + 1, Status::Ok))))));
    records.push(own.run_end(old + 9, Status::Error));
    let mut child = Recording::of(run(3), 3, "mail");
    records.push(child.record(run_start("child", old + 2, Some((run(2), span_id(2))))));
    records.push(child.step((4, 0), ("messaging.process", "process"), "orders", (old + 2, old + 3), vec![]));
    records.push(child.run_end(old + 3, Status::Ok));
    let mut related = Recording::of(run(4), 4, "mail").in_trace(trace(2));
    records.push(related.record(run_start("related", old, None)));
    records.push(related.run_end(old + 3, Status::Ok));
    let mut linked = Recording::of(run(5), 5, "mail");
    records.push(linked.span(5, 0, "linked", old, old + 1));
    store(&mut sink, 1, 1, &records);
    (dir, path)
}

fn pruned(path: &Path) -> Vec<PrunedRun> {
    let mut pruned = open(path).graph(run(2)).unwrap().unwrap().pruned_runs;
    pruned.sort_by_key(|pruned| pruned.run_id);
    pruned
}

fn gaps(path: &Path) -> Vec<String> {
    let gaps = open(path).gaps(&[run(2)], Checkup::new(T0 + ago(Duration::ZERO) * MS)).unwrap();
    gaps.iter().map(|gap| gap.what.clone()).collect()
}

/// Whether something in the second run cannot be judged, because others are pruned.
fn is_not_judged(path: &Path) -> bool {
    let checkup = open(path).check_up(&[run(2)], Checkup::new(T0 + ago(Duration::ZERO) * MS)).unwrap();
    checkup.not_judged().iter().any(|n| n.reason == NotJudgedReason::Pruned)
}

#[test]
fn a_run_says_which_others_are_pruned() {
    let (_dir, path) = family();
    assert_eq!((pruned(&path), gaps(&path), is_not_judged(&path)), (vec![], vec![], false));
    let prune = Prune::new().older_than(DAY * 30);
    let report = keeping::prune(&path, &prune.clone().keep_failed(true), |_| true).unwrap();
    assert_eq!((report.runs, report.kept_failed), (4, 1));
    let expected = [(1, Relation::Parent), (3, Relation::Child), (4, Relation::Related), (5, Relation::Linked)];
    assert_eq!(pruned(&path), expected.map(|(n, relation)| PrunedRun::new(run(n), relation)));
    // The message was received by a run that is pruned, so this is no gap. Nobody can say so for certain.
    assert_eq!((gaps(&path), is_not_judged(&path)), (vec![], true));
    let graph = open(&path).graph(run(2)).unwrap().unwrap().to_json();
    assert_eq!(graph["prunedRuns"].as_array().unwrap().len(), 4);
    assert!(keeping::check(&path, |_| ()).unwrap().problems.is_empty());
    // Once the last of the family goes, nothing is remembered of it.
    keeping::prune(&path, &prune, |_| true).unwrap();
    let index = rusqlite::Connection::open(path.join("index.db")).unwrap();
    let left = |table: &str| -> i64 {
        index.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(["run", "block", "mention", "pruned", "generation", "span_head"].map(left), [0; 6]);
}

/// Runs that were never there are not called pruned, and what they miss is a gap.
#[test]
fn runs_that_never_were_are_not_pruned() {
    let (_dir, path) = directory();
    let mut own = Recording::of(run(2), 2, "shop");
    let from = ago(DAY * 40);
    let said = vec![("spanbridge.handoff.status", text("confirmed"))];
    let records = [
        own.record(run_start("failed", from, Some((run(1), span_id(1))))),
        own.step((2, 0), ("messaging.publish", "publish"), "orders", (from, from + 1), said),
        own.run_end(from + 9, Status::Error),
    ];
    store(&mut sink(&path), 1, 1, &records);
    keeping::prune(&path, &Prune::new().older_than(DAY * 30).keep_failed(true), |_| true).unwrap();
    assert_eq!(pruned(&path), []);
    assert_eq!(gaps(&path).len(), 1);
}

/// A pruned run that is recorded again is a run as any other.
#[test]
fn a_run_may_come_back() {
    let (_dir, path) = family();
    keeping::prune(&path, &Prune::new().older_than(DAY * 30).keep_failed(true), |_| true).unwrap();
    let from = ago(DAY);
    let mut child = Recording::of(run(3), 33, "mail");
    let again =
        [child.record(run_start("again", from, Some((run(2), span_id(2))))), child.run_end(from + 1, Status::Ok)];
    store(&mut sink(&path), 9, 1, &again);
    for _ in 0..2 {
        let graph = open(&path).graph(run(2)).unwrap().unwrap();
        assert_eq!(graph.child_runs.len(), 1);
        assert!(graph.pruned_runs.iter().all(|pruned| pruned.run_id != run(3)));
        fold(&path);
    }
}
