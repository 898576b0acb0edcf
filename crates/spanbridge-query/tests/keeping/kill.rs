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
use std::sync::mpsc::{Receiver, channel};
use std::thread;
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
            // It may not get the lock.
            Ok("prune") => match keeping::prune(&path, &prune(), |_| true) {
                Ok(report) if report.runs > 0 => println!("has pruned"),
                _ => {}
            },
            _ => fold(path.as_ref()),
        }
    }
}

/// A process that keeps the store, and the lines that it prints.
struct Keeper(Child, Receiver<String>);

impl Keeper {
    fn start(path: &Path, what: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::keeper", "--nocapture"])
            .env("SPANBRIDGE_TEST_KEEPER_DB", path)
            .env("SPANBRIDGE_TEST_KEEPER", what)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self(child, told)
    }

    /// Waits until it has said this.
    fn until(&self, text: &str) {
        while !self.1.recv_timeout(Duration::from_secs(60)).unwrap().contains(text) {}
    }
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
        let keepers = ["prune", "compact"].map(|what| Keeper::start(&path, what));
        keepers.iter().for_each(|keeper| keeper.until("begins"));
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
            thread::sleep(Duration::from_micros(random.below(8000)));
        }
        // On a busy machine they would be killed each time before they have done anything.
        if round % 4 == 3 {
            keepers[0].until("has pruned");
        }
        thread::sleep(Duration::from_micros(random.below(40_000)));
        for Keeper(mut child, _) in keepers {
            child.kill().unwrap();
            child.wait().unwrap();
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
