//! Sixteen writers, two folders and four readers at once: every reader sees each run once and whole, and in the end all is there.
//!
//! For a minute, and each a process of its own: `cargo test --release -p spanbridge-query --test stress -- --ignored`.
//! `SPANBRIDGE_STRESS_SECONDS` sets how long.

mod common;

use common::*;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_query::engine::{Cursor, Engine};
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{RunFilter, Store, keeping};
use spanbridge_store::{Limits, StoreSink};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const WRITERS: u64 = 16;
const FOLDERS: u64 = 2;
const READERS: u64 = 4;

/// How many runs a delivery has, and how many spans each.
const RUNS: u64 = 5;
const SPANS: u64 = 8;

/// The run with this number of this writer. The one with number 0 has a span in each delivery.
fn run_of(writer: u64, number: u64) -> RunId {
    let head = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ writer;
    RunId::new(u128::from(head) << 64 | u128::from((writer << 40) + number + 1)).unwrap()
}

fn delivery(writer: u64, number: u64) -> Vec<Record<'static>> {
    let mut records = Vec::new();
    let at = 1_790_000_000_000 + number;
    for n in number * RUNS..(number + 1) * RUNS {
        let id = (writer << 40) + n + 1;
        let mut shop = Recording::of(run_of(writer, n + 1), id, "shop");
        records.extend((0..SPANS).map(|k| shop.span((id << 4) + k, 0, "step", at, at + k)));
    }
    let mut long = Recording::of(run_of(writer, 0), ((writer + 1) << 40) - 1 - number, "shop");
    records.push(long.span((writer << 48) + (1 << 47) + number + 1, 0, "step", at, at + 1));
    records
}

fn write(path: &Path, writer: u64, told: &Path, is_over: &dyn Fn() -> bool) {
    let mut sink = StoreSink::open_with(path, Limits::new().file_bytes(200_000).max_bytes(u64::MAX)).unwrap();
    let mut number = 0;
    // At least once: a busy machine may begin with it when it is over.
    loop {
        deliver(&mut sink, writer, number, &delivery(writer, number));
        // A delivery that was not acknowledged comes again, also after another.
        if number % 50 == 7 {
            deliver(&mut sink, writer, number - 1, &delivery(writer, number - 1));
        }
        number += 1;
        // Complete at once, so that who reads it never sees it half.
        let next = told.join(format!("{writer}.next"));
        fs::write(&next, number.to_string()).unwrap();
        fs::rename(&next, told.join(writer.to_string())).unwrap();
        if is_over() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1 + writer % 5));
    }
}

fn fold(path: &Path, is_over: &dyn Fn() -> bool) {
    let store = Store::open(path).unwrap();
    while !is_over() {
        store.fold(FoldBudget::spans(5000), |_| !is_over()).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many deliveries of each writer are told to be there.
fn told_by(told: &Path) -> BTreeMap<u64, u64> {
    let number =
        |writer: u64| fs::read_to_string(told.join(writer.to_string())).map_or(0, |text| text.parse().unwrap());
    (1..=WRITERS).map(|writer| (writer, number(writer))).collect()
}

/// What is stored is at least what was told before: each run once, with all its spans.
fn look(index: &Index, told: &Path) -> BTreeMap<u64, u64> {
    let before = told_by(told);
    let snapshot = index.snapshot().unwrap();
    let mut runs: BTreeMap<RunId, u64> = BTreeMap::new();
    let mut each = |records: Vec<Record<'_>>| {
        records.iter().for_each(|record| *runs.entry(record.run_id.unwrap()).or_default() += 1);
        Ok(())
    };
    snapshot.follow(&Cursor::default(), &mut each).unwrap();
    let deliveries: BTreeMap<u64, u64> =
        (1..=WRITERS).map(|writer| (writer, runs.remove(&run_of(writer, 0)).unwrap_or(0))).collect();
    let total: u64 = deliveries.values().sum();
    assert_eq!(runs.len() as u64, total * RUNS, "each run of each delivery");
    assert!(runs.values().all(|spans| *spans == SPANS), "whole runs");
    for (writer, count) in &deliveries {
        assert!(*count >= before[writer], "of writer {writer} {count}, and {} before", before[writer]);
    }
    let rows = snapshot.runs(&RunFilter::default(), usize::MAX).unwrap();
    let begun = deliveries.values().filter(|count| **count > 0).count() as u64;
    assert_eq!(rows.len() as u64, total * RUNS + begun);
    assert_eq!(rows.iter().map(|row| row.spans).sum::<u64>(), total * (RUNS * SPANS + 1));
    assert_eq!(snapshot.damaged(), []);
    deliveries
}

fn read(path: &Path, told: &Path, is_over: &dyn Fn() -> bool) {
    let index = Index::open(path).unwrap();
    let (mut asked, mut last) = (0, look(&index, told));
    while !is_over() {
        let now = look(&index, told);
        assert!(last.iter().all(|(writer, count)| now[writer] >= *count), "what was there stays");
        (asked, last) = (asked + 1, now);
    }
    println!("asked {asked} times");
}

/// Not a test by itself: a process that writes, folds or reads until a file says that it is over.
#[test]
fn worker() {
    let Ok(what) = env::var("SPANBRIDGE_TEST_STRESS") else { return };
    let told = env::var("SPANBRIDGE_TEST_STRESS_TOLD").unwrap();
    let (told, path) = (Path::new(&told), env::var("SPANBRIDGE_TEST_STRESS_DB").unwrap());
    let begun = Instant::now();
    let is_over = || told.join("over").exists() || begun.elapsed() > Duration::from_secs(3600);
    match what.split_once(' ').unwrap() {
        ("write", n) => write(path.as_ref(), n.parse().unwrap(), told, &is_over),
        ("fold", _) => fold(path.as_ref(), &is_over),
        _ => read(path.as_ref(), told, &is_over),
    }
}

fn stress(time: Duration) {
    let (dir, path) = place();
    let told = dir.path().join("told");
    fs::create_dir(&told).unwrap();
    drop(Store::open_or_create(&path).unwrap());
    let start = |what: &str, n: u64| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "worker", "--nocapture"]).env("SPANBRIDGE_TEST_STRESS", format!("{what} {n}"));
        command.env("SPANBRIDGE_TEST_STRESS_TOLD", &told).env("SPANBRIDGE_TEST_STRESS_DB", &path);
        command.spawn().unwrap()
    };
    let all = [("write", WRITERS), ("fold", FOLDERS), ("read", READERS)];
    let mut workers: Vec<Child> = all.iter().flat_map(|(what, count)| (1..=*count).map(|n| start(what, n))).collect();
    std::thread::sleep(time);
    fs::write(told.join("over"), "").unwrap();
    let ended: Vec<bool> = workers.iter_mut().map(|worker| worker.wait().unwrap().success()).collect();
    assert!(ended.iter().all(|ended| *ended), "{ended:?}");
    let index = Index::open(&path).unwrap();
    assert_eq!(look(&index, &told), told_by(&told));
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    let deliveries = look(&index, &told);
    assert_eq!(deliveries, told_by(&told));
    assert!(deliveries.values().all(|count| *count > 0), "{deliveries:?}");
    println!("{} deliveries, {} bytes in logs", deliveries.values().sum::<u64>(), log_bytes(&path));
    let report = keeping::check(&path, |_| ()).unwrap();
    assert_eq!((report.problems, report.losses), (vec![], vec![]));
}

fn log_bytes(path: &Path) -> u64 {
    spanbridge_store::log::list(path).unwrap().iter().map(|file| file.length).sum()
}

#[test]
fn some_seconds_of_stress() {
    stress(Duration::from_secs(4));
}

#[test]
#[ignore = "takes a minute"]
fn a_minute_of_stress() {
    let seconds = env::var("SPANBRIDGE_STRESS_SECONDS").map_or(60, |seconds| seconds.parse().unwrap());
    stress(Duration::from_secs(seconds));
}
