//! `why` and `diff` on what nobody would build on purpose: it ends, and takes its time in proportion.

mod common;

use common::*;
use proptest::prelude::*;
use spanbridge::record::*;
use spanbridge::{RunId, Status};
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{Diff, DiffOptions, Graph, Outcome, Verdict, Why, run_of};
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
