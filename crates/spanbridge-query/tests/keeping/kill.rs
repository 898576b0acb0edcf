//! Pruners and folders that are killed at any moment, beside writers.
//!
//! A process is this test binary again; its environment says what to do.

use crate::common::*;
use crate::place::*;
use spanbridge_query::keeping::{self, Prune};
use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Runs of a round, and spans of a run.
const RUNS: u64 = 40;
const SPANS: u64 = 5;

fn prune() -> Prune {
    Prune::new().older_than(DAY * 30)
}

/// Not a test by itself: it folds and prunes until it is killed.
#[test]
fn keeper() {
    let Ok(path) = env::var("SPANBRIDGE_TEST_KEEPER_DB") else { return };
    println!("begins");
    loop {
        match env::var("SPANBRIDGE_TEST_KEEPER").as_deref() {
            Ok("prune") => drop(keeping::prune(&path, &prune(), |_| true).unwrap()),
            _ => fold(path.as_ref()),
        }
    }
}

fn start_keeper(path: &Path, what: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::keeper", "--nocapture"])
        .env("SPANBRIDGE_TEST_KEEPER_DB", path)
        .env("SPANBRIDGE_TEST_KEEPER", what)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until it has begun.
fn wait_for(keeper: &mut Child) {
    let lines = BufReader::new(keeper.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("begins")));
}

/// Every other run is young, and has all its records exactly once. Of the old ones, each is there wholly or not at all; in the end,
/// none is.
#[test]
fn killed_keepers_lose_and_double_nothing() {
    let (_dir, path) = directory();
    let mut random = Random(17);
    let mut writer = sink(&path);
    let mut number = 0;
    for round in 0..100u64 {
        let mut keepers = [start_keeper(&path, "prune"), start_keeper(&path, "compact")];
        keepers.iter_mut().for_each(wait_for);
        for delivery in 0..SPANS {
            let mut records = Vec::new();
            for n in 0..RUNS {
                let id = round * RUNS + n + 1;
                // Each delivery has a span of each run.
                let mut shop = Recording::of(run(u128::from(id)), (id << 8) | (delivery + 1), "shop");
                let from = ago(DAY * if id % 2 == 1 { 40 } else { 2 });
                records.push(shop.span(id << 8 | delivery, 0, "step", from, from + 1));
            }
            number += 1;
            store(&mut writer, 1, number, &records);
            std::thread::sleep(Duration::from_micros(random.below(8000)));
        }
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        for mut keeper in keepers {
            keeper.kill().unwrap();
            keeper.wait().unwrap();
        }
    }
    let left = keeping::prune(&path, &prune(), |_| true).unwrap().runs;
    assert!(left < 100 * RUNS / 4, "only {left} were pruned in the end, the others before");
    let mut spans = BTreeMap::<u64, u64>::new();
    open(&path).records(None, |record| *spans.entry(record.segment_id.get()).or_default() += 1).unwrap();
    let young = (1..=100 * RUNS).filter(|id| id % 2 == 0);
    let expected: BTreeMap<u64, u64> = young.flat_map(|id| (1..=SPANS).map(move |k| (id << 8 | k, 1))).collect();
    assert_eq!(spans.len(), expected.len());
    assert_eq!(spans, expected);
    let rows = contents(&path);
    assert!(rows.values().all(|(row, records)| row.spans == SPANS && records.len() as u64 == SPANS));
    let report = keeping::check(&path, |_| ()).unwrap();
    assert_eq!((report.problems, report.losses), (vec![], vec![]));
}
