//! `why` and `diff` on what nobody would build on purpose: it ends, and takes its time in proportion.

mod common;

use common::*;
use proptest::prelude::*;
use spanbridge::record::*;
use spanbridge::{RunId, Status};
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{Diff, DiffOptions, Failure, Graph, GraphLimit, Outcome, Survey, Verdict, Why, run_of};
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Any records, in any number of runs: there is an answer about each of them, and it can be written.
    #[test]
    fn any_records_have_an_answer(records in proptest::collection::vec(record(), 0..60)) {
        let mut runs: BTreeMap<RunId, Vec<Record<'static>>> = BTreeMap::new();
        for record in records {
            runs.entry(run_of(&record).unwrap_or(run(9))).or_default().push(record);
        }
        let graphs: Vec<Graph> = runs.iter().map(|(run, records)| Graph::build(*run, records)).collect();
        for graph in &graphs {
            let why = Why::of(&graphs, &[graph.run.run_id]).unwrap();
            prop_assert!(why.failures.iter().all(|failure| failure.path.len() <= Why::MAX_PATH && failure.step().is_some()));
            prop_assert!(why.failures.is_empty() || matches!(why.outcome, Outcome::Failed | Outcome::Cancelled));
            prop_assert!(why.to_json()["outcome"].is_string());
        }
        prop_assert!(Why::of(&graphs, &[run(77)]).is_none());
        for pair in graphs.windows(2) {
            let diff = |left: usize, right: usize| Diff::of(&pair[left..], &pair[right..], &DiffOptions::default()).unwrap();
            prop_assert_eq!(diff(0, 0).verdict, Verdict::Identical);
            let (there, back) = (diff(0, 1), diff(1, 0));
            prop_assert_eq!(there.matched, back.matched);
            prop_assert!(there.to_json()["verdict"] == there.verdict.as_str());
        }
    }
}

fn why(records: &[Record<'static>]) -> Why {
    Why::of(&[Graph::build(run(1), records)], &[run(1)]).unwrap()
}

fn internal(m: &mut Recording, id: u64, parent: u64, from: u64, status: Option<Status>) -> Record<'static> {
    let mut span = start(id, parent, "step", from);
    (span.primitive, span.kind, span.attributes) = ("flow.step".into(), spanbridge::Kind::Internal, Attributes::new());
    m.record(Body::Span(span.with_end(status.map(|status| end(from + 1, status)))))
}

#[test]
fn many_attempts_take_linear_time() {
    let mut m = Recording::of(run(1), 1, "shop");
    let mut all = vec![internal(&mut m, 1, 0, 0, None)];
    // One after the other, so each is an attempt after the one before it.
    all.extend((2..100_000).map(|n| internal(&mut m, n, 1, 2 * n, Some(Status::Error))));
    let answer = why(&all);
    assert_eq!((answer.failures.len(), answer.failures[0].more_attempts), (1, 99_997 - Why::MAX_LISTED));
    all.push(internal(&mut m, 100_000, 1, 300_000, Some(Status::Ok)));
    let answer = why(&all);
    assert_eq!((answer.failures.len(), answer.recovered.len(), answer.recovered[0].count), (0, 1, 99_998));
}

#[test]
fn a_deep_chain_of_failures_has_one_cause() {
    let mut m = Recording::of(run(1), 1, "shop");
    // Each fails, and beside it a step of its own fails at the same time: as many causes as levels.
    let mut all: Vec<_> = (1..50_000).map(|n| internal(&mut m, n, n - 1, 5, Some(Status::Error))).collect();
    let answer = why(&all);
    let failure = &answer.failures[0];
    assert_eq!(
        (answer.failures.len(), failure.path.len(), failure.path_omitted),
        (1, Why::MAX_PATH, 49_999 - Why::MAX_PATH)
    );
    assert_eq!(failure.took_down.len() + failure.more_taken_down, 49_998);
    all.extend((1..50_000).map(|n| internal(&mut m, 100_000 + n, n, 5, Some(Status::Error))));
    let answer = why(&all);
    assert_eq!((answer.failures.len(), answer.failures[0].alike), (1, 49_998));
}

fn row(m: &mut Recording, n: u64, span: Option<u64>) -> Record<'static> {
    let mutation = Mutation::new(format!("m{n}"), "shop", "orders", format!("{{\"id\":{n}}}"), MutationOp::Delete);
    m.record(Body::Mutation(mutation.with_span_id(span.map(span_id))))
}

/// The last ones are told, and how many there were before.
#[test]
fn many_rows_before_a_failure_are_bounded() {
    let mut m = Recording::of(run(1), 1, "shop");
    let mut all = vec![internal(&mut m, 1, 0, 0, None)];
    for n in 2..50_000 {
        all.push(internal(&mut m, n, 1, 2 * n, Some(Status::Ok)));
        all.push(row(&mut m, n, Some(n)));
    }
    // As many failures as are told, none of them like another.
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut others = Recording::of(run(1), 2, "shop");
    for (n, name) in (0..).zip(names) {
        let mut span = start(60_000 + n, 1, name, 200_000 + 2 * n);
        span.end = Some(end(200_001 + 2 * n, Status::Error));
        all.push(m.record(Body::Span(span)));
    }
    all.push(row(&mut others, 99_999, None));
    let answer = why(&all);
    assert_eq!(answer.failures.len(), names.len());
    for failure in &answer.failures {
        assert_eq!((failure.changes.len(), failure.more_changes), (Failure::MAX_CHANGES, 49_998 + 1 - 20));
        assert_eq!(failure.changes.last().unwrap().mutation.row(), "orders id=49999");
    }
}

/// A run that is too large to be read whole: what wrote rows before its failure is looked at all the same.
#[test]
fn rows_of_very_large_runs_are_found() {
    let mut m = Recording::of(run(1), 1, "shop");
    let mut all = vec![internal(&mut m, 1, 0, 0, None)];
    all.extend((2..5_000).map(|n| internal(&mut m, n, 1, 2 * n, Some(Status::Ok))));
    all.extend([
        row(&mut m, 1, Some(2_000)),
        row(&mut m, 2, Some(4_000)),
        row(&mut m, 3, Some(7_000)),
        row(&mut m, 4, None),
    ]);
    all.extend((5_000..9_000).map(|n| internal(&mut m, n, 1, 2 * n, Some(Status::Ok))));
    let mut undone = start(9_001, 1, "transaction", 19_000);
    (undone.primitive, undone.kind) = ("db.query".into(), spanbridge::Kind::Client);
    undone.attributes = attributes(&[("spanbridge.db.transaction", text("rolled_back"))]);
    all.push(m.record(Body::Span(undone.with_end(Some(end(19_001, Status::Ok))))));
    all.push(m.failed(9_002, 1, "pack", 20_000, 20_001));
    all.extend((9_003..20_000).map(|n| internal(&mut m, n, 1, 3 * n, Some(Status::Ok))));
    // One that nobody looks at: it came after.
    all.push(row(&mut m, 5, Some(15_000)));
    let mut survey = Survey::new(run(1));
    all.iter().for_each(|record| survey.add(record));
    let mut selection = survey.select(&GraphLimit::default().shown(100));
    all.iter().for_each(|record| selection.add(record));
    let graph = selection.graph();
    assert!(graph.spans.len() <= 100);
    let left_out = graph.left_out.as_ref().unwrap();
    assert_eq!(left_out.mutations, 1);
    let said = &graph.diagnostics.iter().find(|one| one.code == "spans_not_shown").unwrap().message;
    assert!(said.ends_with(". 1 changed row is not shown"), "{said}");
    let answer = Why::of(&[graph], &[run(1)]).unwrap();
    let [failure] = &answer.failures[..] else { panic!("{answer:?}") };
    let rows: Vec<String> = failure.changes.iter().map(|change| change.mutation.row()).collect();
    assert_eq!(rows, ["orders id=4", "orders id=1", "orders id=2", "orders id=3"]);
    assert_eq!(failure.rolled_back[0].transaction.name, "transaction");
}
