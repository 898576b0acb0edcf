//! Several writers at once, readers beside them, and writers that die.
//!
//! A writing process is this test binary again; its environment says what to do. It reports its progress on standard output,
//! so nothing here waits for time to pass.

mod common;

use common::*;
use spanbridge::record::*;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// The records of a batch: spans of a few runs that all writers share.
fn batch(writer: u64, number: u64) -> Vec<Record<'static>> {
    let mut recordings: Vec<_> =
        (1..=5).map(|n| Recording::of(run(n), writer << 32 | number << 8 | n as u64, "w")).collect();
    (0..40)
        .map(|n| {
            let id = writer << 24 | number << 8 | n;
            recordings[n as usize % 5].span(id, 0, "step", number * 10, number * 10 + n)
        })
        .collect()
}

/// Not a test by itself: the other tests start it as a process.
#[test]
fn writer() {
    let Ok(path) = env::var("SPANBRIDGE_TEST_WRITER_DB") else { return };
    let number = |name: &str| env::var(name).unwrap().parse::<u64>().unwrap();
    let (writer, batches) = (number("SPANBRIDGE_TEST_WRITER"), number("SPANBRIDGE_TEST_BATCHES"));
    let mut sink = StoreSink::open(path).unwrap();
    for number in 1..=batches {
        deliver(&mut sink, writer, number, &batch(writer, number));
        println!("stored {number}");
    }
}

fn start_writer(path: &Path, writer: u64, batches: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture"])
        .env("SPANBRIDGE_TEST_WRITER_DB", path)
        .env("SPANBRIDGE_TEST_WRITER", writer.to_string())
        .env("SPANBRIDGE_TEST_BATCHES", batches.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many records of each batch are there.
fn stored(store: &Store) -> HashMap<(u64, u64), usize> {
    let mut counts = HashMap::new();
    store
        .records(None, |record| {
            let segment = record.segment_id.get();
            *counts.entry((segment >> 32, segment >> 8 & 0xff_ffff)).or_default() += 1;
        })
        .unwrap();
    counts
}

#[test]
fn four_processes_make_and_fill_one_store() {
    let (_dir, path) = place();
    let children: Vec<Child> = (1..=4).map(|writer| start_writer(&path, writer, 25)).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let store = Store::open(&path).unwrap();
    let stored = stored(&store);
    assert_eq!(stored.len(), 100);
    assert!(stored.values().all(|records| *records == 40));
    let rows = store.runs(&RunFilter::default(), 10).unwrap();
    assert_eq!(rows.iter().map(|r| r.spans).collect::<Vec<_>>(), [800; 5]);
    assert_eq!(store.graph(run(1)).unwrap().unwrap().spans.len(), 800);
}

/// Readers see whole deliveries, even while two threads write.
#[test]
fn readers_see_whole_deliveries() {
    let (_dir, path) = place();
    drop(StoreSink::open(&path).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=2)
            .map(|writer| {
                let mut sink = StoreSink::open(&path).unwrap();
                scope.spawn(move || (1..=60).for_each(|n| deliver(&mut sink, writer, n, &batch(writer, n))))
            })
            .collect();
        scope.spawn(|| {
            let store = Store::open(&path).unwrap();
            while !done.load(SeqCst) {
                for row in store.runs(&RunFilter::default(), 10).unwrap() {
                    assert_eq!(row.spans % 8, 0, "a delivery has eight spans of each run");
                    let spans = store.graph(row.run_id).unwrap().unwrap().spans.len();
                    assert!(spans as u64 >= row.spans && spans.is_multiple_of(8), "{spans} after {}", row.spans);
                }
                assert!(stored(&store).values().all(|records| *records == 40));
            }
        });
        let written: Vec<_> = writers.into_iter().map(|w| w.join()).collect();
        done.store(true, SeqCst);
        assert!(written.iter().all(Result::is_ok));
    });
    assert_eq!(stored(&Store::open(&path).unwrap()).len(), 120);
}

#[test]
fn a_killed_process_leaves_whole_deliveries() {
    let (_dir, path) = place();
    let mut child = start_writer(&path, 9, 1_000_000);
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let twenty = said.by_ref().map_while(Result::ok).position(|line| line.ends_with("stored 20"));
    assert!(twenty.is_some());
    // On Unix this is SIGKILL: no destructor runs.
    child.kill().unwrap();
    child.wait().unwrap();
    let counts = stored(&Store::open(&path).unwrap());
    assert!((1..=20).all(|number| counts.contains_key(&(9, number))), "what was taken is kept");
    assert!(counts.values().all(|records| *records == 40), "no delivery is there in part");
    // The store still works.
    let mut sink = StoreSink::open(&path).unwrap();
    deliver(&mut sink, 8, 1, &batch(8, 1));
    deliver(&mut sink, 9, 20, &batch(9, 20));
    assert_eq!(stored(&Store::open(&path).unwrap()).len(), counts.len() + 1);
}
