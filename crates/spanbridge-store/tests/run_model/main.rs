//! Runs that are begun, suspended, resumed, handed over, left and ended at random, by processes that crash at random; what
//! they recorded arrives in any order and more than once. Status and tree always equal the model's.
//!
//! The same play is put on in two theatres: with recorders of their own for processes, often; and with real processes that
//! are killed, once.

mod model;
mod stage;

use model::{Model, Move};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use spanbridge::record::Record;
use spanbridge_store::graph::Graph;
use spanbridge_store::{RunFilter, Store, StoreSink};
use stage::{InProcess, Real};

/// Not a test by itself: what a real process does.
#[test]
fn actor() {
    if let Ok(db) = std::env::var("SPANBRIDGE_TEST_ACTOR_DB") {
        stage::act(db.as_ref());
    }
}

/// What is done, by whom or with what, and where.
fn one() -> impl Strategy<Value = (Move, usize, usize)> {
    let what = prop_oneof![
        6 => Just(Move::Work),
        3 => Just(Move::HandOver),
        4 => Just(Move::Receive),
        3 => Just(Move::Suspend),
        1 => Just(Move::Leave),
        1 => Just(Move::Capture),
        7 => Just(Move::Resume),
        1 => Just(Move::End),
        1 => Just(Move::EndElsewhere),
        1 => Just(Move::Drop),
        5 => Just(Move::Flush),
        2 => Just(Move::Crash),
    ];
    (what, 0..1usize << 16, 0..1usize << 16)
}

/// Anything at all; or a run that is handed on from one to the next, until somebody ends it.
fn play() -> impl Strategy<Value = Vec<(Move, usize, usize)>> {
    let what = prop_oneof![
        4 => Just(Move::Work),
        3 => Just(Move::Leave),
        1 => Just(Move::Capture),
        1 => Just(Move::Suspend),
        4 => Just(Move::Resume),
    ];
    let relay = vec((what, 0..1usize << 16, 0..1usize << 16), 4..16);
    let ended = (relay, 0..1usize << 16).prop_map(|(mut moves, who)| {
        moves.push((Move::End, who, 0));
        moves
    });
    prop_oneof![2 => vec(one(), 0..60), 1 => ended]
}

/// So many hours the clocks of the processes are ahead.
fn clocks() -> impl Strategy<Value = Vec<u64>> {
    prop_oneof![1 => Just(vec![0; 4]), 2 => vec(0..3u64, 4)]
}

/// Some of the records again, and all of them in another order.
fn muddled(records: &[Record<'static>], seed: u64) -> Vec<Record<'static>> {
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
    fn recorders_for_processes(moves in play(), seeds: [u64; 2], ahead in clocks()) {
        let mut model = Model::new(InProcess::stage(ahead));
        moves.iter().for_each(|(m, a, b)| model.play(*m, *a, *b));
        let (run, expected, stage) = model.curtain();
        let records = stage.records();
        let shown = Graph::build(run, &muddled(&records, seeds[0]));
        prop_assert_eq!(expected.seen_in(&shown), expected.told(), "{:#?}", shown);
        prop_assert_eq!(Graph::build(run, &muddled(&records, seeds[1])).to_json(), shown.to_json());

        // The list of runs is made of sums: they must come to the same.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let mut sink = StoreSink::open(&path).unwrap();
        for (number, part) in (1..).zip(records.chunks(5)) {
            for _ in 0..1 + number % 2 {
                let receipt = sink.deliver_records(1, number, || part.iter().cloned()).unwrap();
                prop_assert_eq!(&receipt.rejected[..], &[]);
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
    let mut model = Model::new(Real::stage(50, &db));
    // Nobody ends the run before the others have done something; then whoever wants to.
    let too_early =
        |n: usize, m: Move| n < 550 && matches!(m, Move::End | Move::EndElsewhere | Move::Leave | Move::Drop);
    for (n, (m, a, b)) in moves.into_iter().enumerate().filter(|(n, (m, _, _))| !too_early(*n, *m)) {
        model.play(if n == 580 { Move::End } else { m }, a, b);
    }
    let (run, expected, stage) = model.curtain();
    drop(stage);
    let graph = Store::open(&db).unwrap().graph(run).unwrap().expect("the run is in the store");
    assert_eq!(expected.seen_in(&graph), expected.told());
    assert!(graph.run.segments.len() > 50 && graph.spans.len() > 100, "the play says little: {graph:#?}");
}
