//! What goes, what stays, and that what stays is as it was.

use crate::common::*;
use crate::place::*;
use spanbridge::record::{Body, RunSuspend};
use spanbridge::{RunId, Status};
use spanbridge_graph::RunStatus;
use spanbridge_query::keeping::{self, Prune};
use spanbridge_query::{Found, RunRow};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn month() -> Prune {
    Prune::new().older_than(DAY * 30)
}

fn assert_sound(path: &Path) {
    let report = keeping::check(path, |_| ()).unwrap();
    assert_eq!((report.problems, report.losses), (vec![], vec![]));
}

type Contents = BTreeMap<RunId, (RunRow, Vec<String>)>;

fn split(all: Contents, stays: impl Fn(&RunRow) -> bool) -> (Contents, Contents) {
    all.into_iter().partition(|(_, (row, _))| stays(row))
}

fn is_young(row: &RunRow) -> bool {
    row.run_id.get().is_multiple_of(2)
}

/// Whatever was folded when, the runs that stay have the same rows and the same records in the same order, and their spans are
/// found.
#[test]
fn what_stays_is_as_it_was() {
    for seed in 1..=6 {
        let (_dir, path) = filled(seed, 300);
        let (failed, suspended) = (seed % 2 == 0, seed % 3 == 0);
        let (stay, go) = split(contents(&path), |row| {
            let kept = |status, is_kept| is_kept && row.status == status;
            is_young(row) || kept(RunStatus::Error, failed) || kept(RunStatus::Suspended, suspended)
        });
        assert!(go.len() > 60 && stay.len() > 140, "{} of {}", go.len(), stay.len());
        let prune = month().keep_failed(failed).keep_suspended(suspended);
        let expected = keeping::prune(&path, &prune.clone().dry_run(true), |_| true).unwrap();
        assert_eq!(contents(&path).len(), stay.len() + go.len());
        let report = keeping::prune(&path, &prune, |_| true).unwrap();
        let spans: u64 = go.values().map(|(row, _)| row.spans).sum();
        assert_eq!((report.runs, report.spans), (go.len() as u64, spans));
        assert_eq!((expected.runs, expected.spans), (report.runs, report.spans));
        assert_eq!(report.kept_failed > 0, failed);
        assert_eq!(report.kept_suspended > 0, suspended);
        assert_eq!(contents(&path), stay);
        assert_sound(&path);
        let store = open(&path);
        for run in stay.keys() {
            let span = span_id((run.get() as u64 & 0xffff) << 8).to_string();
            let Found::One { run_ids, .. } = store.find(&span).unwrap() else { panic!("{span}") };
            assert_eq!(run_ids, [*run]);
        }
        for run in go.keys() {
            let span = span_id((run.get() as u64 & 0xffff) << 8).to_string();
            assert_eq!(store.find(&span).unwrap(), Found::Nothing);
        }
        // Once more changes nothing.
        assert_eq!(keeping::prune(&path, &prune, |_| true).unwrap().runs, 0);
        assert_eq!(contents(&path), stay);
    }
}

/// The oldest go until the store is small enough, and the file is as small as its content.
#[test]
fn size_takes_the_oldest_first() {
    let (_dir, path) = directory();
    let (mut sink, mut random) = (sink(&path), Random(11));
    for number in 0..40 {
        let runs = (0..50).flat_map(|n| {
            let from = ago(DAY * 60) + (number * 50 + n) * 1_200_000;
            records_of_run(&mut random, number * 50 + n + 1, from)
        });
        store(&mut sink, 1, number, &runs.collect::<Vec<_>>());
        if number % 7 == 0 {
            fold(&path);
        }
    }
    fold(&path);
    let before = contents(&path);
    let all = keeping::prune(&path, &Prune::new().max_bytes(u64::MAX), |_| true).unwrap();
    assert_eq!(all.runs, 0);
    let most = all.bytes_left * 2 / 3;
    let expected = keeping::prune(&path, &Prune::new().max_bytes(most).dry_run(true), |_| true).unwrap();
    let report = keeping::prune(&path, &Prune::new().max_bytes(most), |_| true).unwrap();
    assert!(report.bytes_left <= most, "{report:?}");
    assert!(report.bytes_left > most * 2 / 3, "{report:?}, most {most}");
    // In a store as small as this, much of a page stays empty, so more runs go than were reckoned.
    assert!(expected.bytes.abs_diff(report.bytes) <= report.bytes / 3, "{expected:?} {report:?}");
    assert!((report.runs / 3..=report.runs).contains(&expected.runs), "{expected:?} {report:?}");
    let after = contents(&path);
    let oldest_left = after.values().map(|(row, _)| row.started_at).min().unwrap();
    let gone = before.values().filter(|(row, _)| !after.contains_key(&row.run_id));
    assert!(gone.map(|(row, _)| row.started_at).max().unwrap() <= oldest_left);
    assert!(after.iter().all(|(run, content)| before[run] == *content));
    let bytes = fs::metadata(path.join("index.db")).unwrap().len();
    assert!(bytes <= report.bytes_left + 64 * 1024, "{bytes} on disk, {report:?}");
    assert_sound(&path);
}

/// A log that is folded goes once it is closed. No run goes to make room for it.
#[test]
fn folded_logs_take_no_room() {
    let (_dir, path) = directory();
    let (mut sink, mut random) = (sink(&path), Random(12));
    let runs: Vec<_> =
        (0..2000).flat_map(|n| records_of_run(&mut random, n + 1, ago(DAY * 60) + n * 1_200_000)).collect();
    store(&mut sink, 1, 1, &runs);
    fold(&path);
    let bytes = |is: fn(&str) -> bool| -> u64 {
        let files = fs::read_dir(&path).unwrap().map(Result::unwrap);
        files.filter(|file| is(&file.file_name().to_string_lossy())).map(|file| file.metadata().unwrap().len()).sum()
    };
    let (index, logs) = (bytes(|name| name.starts_with("index.db")), bytes(|name| name.ends_with(".log")));
    assert!(logs > index / 4, "{logs} bytes of logs, {index} of the index");
    let report = keeping::prune(&path, &Prune::new().max_bytes(index), |_| true).unwrap();
    assert_eq!(report.runs, 0, "{report:?}");
}

/// A run without an end that is still written to stays, even if nothing else fits.
#[test]
fn runs_that_go_on_stay() {
    let (_dir, path) = directory();
    let mut sink = sink(&path);
    let (now, old) = (ago(Duration::ZERO), ago(DAY * 40));
    let mut open = Recording::of(run(1), 1, "shop");
    let mut records = vec![open.record(run_start("goes on", old, None)), open.span(1, 0, "now", now - 5, now)];
    let mut waits = Recording::of(run(2), 2, "shop");
    records.push(waits.record(run_start("waits", now - 9, None)));
    records.push(waits.record(Body::RunSuspend(RunSuspend::new("wait", T0 + (now - 3) * MS))));
    let mut done = Recording::of(run(3), 3, "shop");
    records.extend([done.record(run_start("done", now - 9, None)), done.run_end(now, Status::Ok)]);
    let mut dead = Recording::of(run(4), 4, "shop");
    records.push(dead.record(run_start("dead", old, None)));
    store(&mut sink, 1, 1, &records);
    let report = keeping::prune(&path, &Prune::new().max_bytes(0), |_| true).unwrap();
    assert_eq!((report.runs, report.kept_open), (2, 2));
    assert_eq!(contents(&path).keys().copied().collect::<Vec<_>>(), [run(1), run(2)]);
    assert_sound(&path);
}

/// The records of a run that goes on over many folds move to other blocks. Where they were, they go, too.
#[test]
fn moved_records_go_too() {
    let (_dir, path) = directory();
    let mut sink = sink(&path);
    let (old, new) = (ago(DAY * 40), ago(DAY));
    let (mut first, mut second) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "shop"));
    for n in 1..=30 {
        let records = [first.span(n, 0, "old", old, old + 1), second.span(n << 8, 0, "new", new, new + 1)];
        store(&mut sink, 1, n, &records);
        fold(&path);
    }
    let dead = || -> i64 {
        let index = rusqlite::Connection::open(path.join("index.db")).unwrap();
        index.query_row("SELECT count(*) FROM dead", [], |row| row.get(0)).unwrap()
    };
    assert!(dead() > 0);
    let (stay, _) = split(contents(&path), is_young);
    assert_eq!(keeping::prune(&path, &month(), |_| true).unwrap().runs, 1);
    assert_eq!((dead(), contents(&path)), (0, stay));
    for n in 1..=30 {
        assert_eq!(open(&path).find(&span_id(n).to_string()).unwrap(), Found::Nothing);
    }
    assert_sound(&path);
}

/// Without a criterion nothing goes. What a process says about itself goes with the runs of its time.
#[test]
fn records_of_no_run_go_by_age() {
    let (_dir, path) = directory();
    let mut sink = sink(&path);
    for (number, days) in [(1, 40), (2, 2)] {
        let mut shop = Recording::of(run(number), number as u64, "shop");
        let mut note = shop.record(spanbridge::record::Diagnostic::new("recorder.dropped", format!("{days}")).into());
        (note.run_id, note.trace_id) = (None, None);
        let from = ago(DAY * days);
        store(&mut sink, 1, number as u64, &[note, shop.span(number as u64, 0, "step", from, from + 1)]);
    }
    let all = |path: &Path| {
        let mut lines = Vec::new();
        open(path).records(None, |record| lines.push(format!("{record:?}"))).unwrap();
        lines
    };
    keeping::prune(&path, &Prune::new(), |_| true).unwrap();
    assert_eq!(all(&path).len(), 4);
    keeping::prune(&path, &month(), |_| true).unwrap();
    let left = all(&path);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|line| line.contains("recorder.dropped") && line.contains("\"2\"")), "{left:?}");
    assert_sound(&path);
}

/// What is known to be lost is told until it is too old to matter.
#[test]
fn old_losses_are_forgotten() {
    let (_dir, path) = directory();
    let mut sink = sink(&path);
    let mut shop = Recording::of(run(2), 1, "shop");
    for n in 1..=3 {
        store(&mut sink, 1, n, &[shop.span(n, 0, "step", ago(DAY), ago(DAY) + 1)]);
    }
    let log = spanbridge_store::log::list(&path).unwrap()[0].path.clone();
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, bytes).unwrap();
    let losses = || {
        let store = open(&path);
        store.runs(&spanbridge_query::RunFilter::default(), 1).unwrap();
        store.damage().is_some()
    };
    keeping::prune(&path, &month(), |_| true).unwrap();
    assert!(losses());
    let index = rusqlite::Connection::open(path.join("index.db")).unwrap();
    let aged = index.execute("UPDATE loss SET noted_at = noted_at - 31 * 86400", []).unwrap();
    assert_eq!(aged, 1);
    keeping::prune(&path, &Prune::new().max_bytes(u64::MAX), |_| true).unwrap();
    assert!(losses());
    keeping::prune(&path, &month(), |_| true).unwrap();
    assert!(!losses());
}

/// Whoever has the store open reads what is there now: blocks are written again under their numbers.
#[test]
fn open_readers_see_rewritten_blocks() {
    let (_dir, path) = filled(3, 200);
    fold(&path);
    let before = contents(&path);
    let store = open(&path);
    let young: Vec<RunId> = before.keys().copied().filter(|run| run.get() % 2 == 0).collect();
    for run in &young {
        assert_eq!(records_of(&store, *run), before[run].1);
    }
    let last = *young.last().unwrap();
    keeping::prune(&path, &month(), |_| true).unwrap();
    for run in [last].iter().chain(&young) {
        assert_eq!(records_of(&store, *run), before[run].1, "{run}");
    }
}
