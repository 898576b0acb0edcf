//! What a check finds, and making an index again.

use crate::common::*;
use crate::place::*;
use rusqlite::Connection;
use spanbridge_query::ErrorKind;
use spanbridge_query::keeping;
use std::fs;
use std::path::{Path, PathBuf};

fn kinds(path: &Path) -> Vec<&'static str> {
    let report = keeping::check(path, |_| ()).unwrap();
    let mut kinds: Vec<_> = report.problems.iter().map(|problem| problem.kind).collect();
    kinds.dedup();
    kinds
}

/// A store with folded runs, and a log that is not folded.
fn half_folded() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (dir, path) = filled(7, 60);
    fold(&path);
    let mut sink = sink(&path);
    let mut shop = Recording::of(run(1000), 77, "shop");
    for number in 1..=3 {
        store(&mut sink, 77, number, &[shop.span(number << 20, 0, "late", 1, 2)]);
    }
    let newest = spanbridge_store::log::list(&path).unwrap();
    let log = newest.iter().max_by_key(|file| file.modified).unwrap().path.clone();
    (dir, path, log)
}

fn change(path: &Path, sql: &str) {
    let changed = Connection::open(path.join("index.db")).unwrap().execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
}

#[test]
fn a_sound_store_is_counted() {
    let (_dir, path, _) = half_folded();
    let mut last = None;
    let report = keeping::check(&path, |progress| last = Some(progress)).unwrap();
    assert_eq!((&report.problems, &report.losses), (&vec![], &vec![]));
    let index = report.index.unwrap();
    assert_eq!(index.path, Some(path.join("index.db")));
    assert_eq!(index.runs, contents(&path).len() as u64);
    assert!(index.blocks > 0 && index.spans > 60 && index.bytes > 0);
    assert!(report.logs.deliveries >= 3 && report.logs.records >= 3 && report.logs.unfolded > 0);
    let last = last.unwrap();
    assert_eq!((last.what, last.done), ("runs", last.total));
}

#[test]
fn damaged_logs_are_found() {
    let (_dir, path, log) = half_folded();
    let whole = fs::read(&log).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&log, &bytes).unwrap();
    assert_eq!(kinds(&path), ["log_damaged"]);
    // An incomplete delivery at the end is what a process leaves that is killed. It is lost once the file is closed.
    let cut = |age: u64| {
        fs::write(&log, &whole[..whole.len() - 3]).unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
        fs::File::options().append(true).open(&log).unwrap().set_modified(then).unwrap();
        let report = keeping::check(&path, |_| ()).unwrap();
        assert_eq!(report.problems, []);
        report.losses.len()
    };
    assert_eq!((cut(0), cut(3600)), (0, 1));
    fs::write(&log, &whole).unwrap();
    fold(&path);
    assert_eq!(kinds(&path), [] as [&str; 0]);
    fs::write(&log, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(kinds(&path), ["log_shorter"]);
}

#[test]
fn damaged_blocks_and_rows_are_found() {
    for (sql, found) in [
        ("UPDATE block SET data = substr(data, 1, length(data) - 9) WHERE id = 1", "block_damaged"),
        ("DELETE FROM block WHERE id = 1", "run_damaged"),
        ("UPDATE run SET status = 5 WHERE id = 7", "run_differs"),
        ("UPDATE run SET started_at = started_at + 1 WHERE id = 7", "run_differs"),
        ("DELETE FROM run WHERE id = 7", "records_astray"),
    ] {
        let (_dir, path, _) = half_folded();
        change(&path, sql);
        assert!(kinds(&path).contains(&found), "{sql}: {:?}", kinds(&path));
    }
}

#[test]
fn a_broken_file_is_found() {
    let (_dir, path, _) = half_folded();
    let index = path.join("index.db");
    Connection::open(&index).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let whole = fs::read(&index).unwrap();
    let mut bytes = whole.clone();
    bytes[4096 * 5..4096 * 9].fill(0x55);
    fs::write(&index, &bytes).unwrap();
    assert!(kinds(&path).contains(&"index_damaged"), "{:?}", kinds(&path));
    fs::write(&index, b"no database, but longer than a header of one, as it happens to files").unwrap();
    assert_eq!(kinds(&path), ["index_unusable"]);
    fs::write(&index, &whole).unwrap();
    Connection::open(&index).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert_eq!(kinds(&path), ["index_unusable"]);
}

/// A new index has what the logs have. The old one is put aside, and what only it has is counted.
#[test]
fn an_index_is_made_again() {
    let (_dir, path, _) = half_folded();
    let before = contents(&path);
    let report = keeping::rebuild(&path, |_| true).unwrap();
    let after = contents(&path);
    let aside = report.put_aside.unwrap();
    assert!(aside.join("index.db").is_file() && aside.starts_with(&path));
    assert_eq!(report.runs, after.len() as u64);
    let missing = before.keys().filter(|run| !after.contains_key(*run)).count();
    assert!(missing > 0);
    assert_eq!(report.missing, Some(missing as u64));
    let kinds = kinds(&path);
    assert_eq!(kinds, [] as [&str; 0]);
}

/// Where making it again was interrupted, and no log is left, it is still a store.
#[test]
fn an_index_aside_is_no_other_file() {
    let (_dir, path, _) = half_folded();
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap().path();
        if entry.extension().is_some_and(|end| end == "log") {
            fs::remove_file(entry).unwrap();
        }
    }
    let report = keeping::rebuild(&path, |_| true).unwrap();
    assert_eq!((report.runs, report.missing.is_some_and(|missing| missing > 0)), (0, true));
    fs::remove_file(path.join("index.db")).unwrap();
    assert!(contents(&path).is_empty());
}

/// A newer release can read it, so it stays in its place.
#[test]
fn a_newer_index_is_not_made_again() {
    let (_dir, path, _) = half_folded();
    Connection::open(path.join("index.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(path.join("index.db")).unwrap();
    assert_eq!(keeping::rebuild(&path, |_| true).unwrap_err().kind(), ErrorKind::NewerFormat);
    assert_eq!(fs::read(path.join("index.db")).unwrap(), before);
}

/// Whoever has the old index open cannot fold into it and remove the logs.
#[test]
fn nobody_folds_into_a_moved_index() {
    let (_dir, path, _) = half_folded();
    let index = spanbridge_query::index::Index::open(&path).unwrap();
    // While somebody uses it, it cannot be put aside.
    assert_eq!(keeping::rebuild(&path, |_| true).unwrap_err().kind(), ErrorKind::Busy);
    fs::rename(path.join("index.db"), path.join("elsewhere.db")).unwrap();
    let error = index.fold(spanbridge_query::index::FoldBudget::everything(), |_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Moved);
}
