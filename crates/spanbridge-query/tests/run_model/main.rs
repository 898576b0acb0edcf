//! Processes begin, suspend, resume, hand over, leave and end a run at random, and crash at random. Their records arrive in any
//! order and more than once. Status and tree always equal those of a simple model.
//!
//! This runs often with recorders instead of processes, and once with real processes that are killed.

mod model;
mod processes;

use model::{Action, Model};
use processes::{InProcess, RealProcesses};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use spanbridge::record::Record;
use spanbridge_graph::Graph;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;

/// Not a test by itself: a real process.
#[test]
fn worker() {
    if let Ok(db) = std::env::var("SPANBRIDGE_TEST_WORKER_DB") {
        processes::worker(db.as_ref());
    }
}

/// An action, and two numbers that choose what or who, and where.
fn one() -> impl Strategy<Value = (Action, usize, usize)> {
    let what = prop_oneof![
        6 => Just(Action::Work),
        3 => Just(Action::HandOver),
        4 => Just(Action::Receive),
        3 => Just(Action::Suspend),
        1 => Just(Action::Leave),
        1 => Just(Action::Capture),
        7 => Just(Action::Resume),
        1 => Just(Action::End),
        1 => Just(Action::EndElsewhere),
        1 => Just(Action::Drop),
        5 => Just(Action::Flush),
        2 => Just(Action::Crash),
    ];
    (what, 0..1usize << 16, 0..1usize << 16)
}

/// Any actions; or a run that is handed from one process to the next until one ends it.
fn actions() -> impl Strategy<Value = Vec<(Action, usize, usize)>> {
    let what = prop_oneof![
        4 => Just(Action::Work),
        3 => Just(Action::Leave),
        1 => Just(Action::Capture),
        1 => Just(Action::Suspend),
        4 => Just(Action::Resume),
    ];
    let relay = vec((what, 0..1usize << 16, 0..1usize << 16), 4..16);
    let ended = (relay, 0..1usize << 16).prop_map(|(mut moves, who)| {
        moves.push((Action::End, who, 0));
        moves
    });
    prop_oneof![2 => vec(one(), 0..60), 1 => ended]
}

/// The hours by which the clocks of the processes are ahead.
fn clocks() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![1 => Just(vec![0; 4]), 2 => vec(0..3u64, 4)]
}

/// All of the records in another order, some of them twice.
fn shuffled(records: &[Record<'static>], seed: u64) -> Vec<Record<'static>> {
    let mut n = seed | 1;
    let mut random = move || {
        n ^= n << 13;
        n ^= n >> 7;
        n ^= n << 17;
        n as usize
    };
    let mut all = records.to_vec();
    all.extend((0..records.len() / 3).map(|_| records[random() % records.len()].clone()));
    (1..all.len()).for_each(|i| all.swap(i, random() % (i + 1)));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn recorders_for_processes(moves in actions(), seeds: [u64; 2], ahead in clocks()) {
        let mut model = Model::new(InProcess::new(ahead));
        moves.iter().for_each(|(m, a, b)| model.apply(*m, *a, *b));
        let (run, expected, processes) = model.finish();
        let records = processes.records();
        let shown = Graph::build(run, &shuffled(&records, seeds[0]));
        prop_assert_eq!(expected.seen_in(&shown), expected.clone(), "{:#?}", shown);
        prop_assert_eq!(Graph::build(run, &shuffled(&records, seeds[1])).to_json(), shown.to_json());

        // The list of runs is made from totals. It must say the same.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut sink = StoreSink::open(&path).unwrap();
        for (number, part) in (1..).zip(records.chunks(5)) {
            for _ in 0..1 + number % 2 {
                let receipt = sink.deliver_records(1, number, part).unwrap();
                prop_assert_eq!(receipt.rejected(), &[]);
            }
        }
        let rows = Store::open(&path).unwrap().runs(&RunFilter::default(), 9).unwrap();
        let status: Vec<_> = rows.iter().filter(|r| r.run_id == run).map(|r| r.status).collect();
        let expected: Vec<_> = (!records.is_empty()).then_some(shown.run.status).into_iter().collect();
        prop_assert_eq!(status, expected);
    }
}

#[test]
fn fifty_real_processes() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let moves = vec(one(), 600).new_tree(&mut runner).unwrap().current();
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let mut model = Model::new(RealProcesses::new(50, &db));
    // No process ends the run before the others have done something.
    let too_early =
        |n: usize, m: Action| n < 550 && matches!(m, Action::End | Action::EndElsewhere | Action::Leave | Action::Drop);
    for (n, (m, a, b)) in moves.into_iter().enumerate().filter(|(n, (m, _, _))| !too_early(*n, *m)) {
        model.apply(if n == 580 { Action::End } else { m }, a, b);
    }
    let (run, expected, processes) = model.finish();
    drop(processes);
    let graph = Store::open(&db).unwrap().graph(run).unwrap().expect("the run is in the store");
    assert_eq!(expected.seen_in(&graph), expected.clone());
    assert!(graph.run.segments.len() > 50 && graph.spans.len() > 100, "too little happened: {graph:#?}");
}
