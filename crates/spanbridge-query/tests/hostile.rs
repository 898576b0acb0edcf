//! Directories as nobody would make them: very many logs, copies, backups, clocks that are wrong.

mod common;

use common::*;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{ErrorKind, RunFilter, Store};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::process::Command;

/// Each of these processes wrote a single delivery of two spans.
fn many(path: &Path, count: u64) {
    for n in 1..=count {
        let mut shop = Recording::of(run(u128::from(n)), n, "shop");
        let records: Vec<_> = (0..2).map(|k| shop.span(n << 8 | k, 0, "step", n, n + 1)).collect();
        deliver(&mut StoreSink::open(path).unwrap(), n, 1, &records);
    }
}

fn spans(store: &Store) -> (usize, u64) {
    let rows = store.runs(&RunFilter::default(), usize::MAX).unwrap();
    (rows.len(), rows.iter().map(|row| row.spans).sum())
}

/// Not a test by itself: a process that may have few files open.
#[test]
fn asker_with_few_files() {
    let Ok(path) = std::env::var("SPANBRIDGE_TEST_FEW_FILES_DB") else { return };
    let store = Store::open(path).unwrap();
    assert_eq!(spans(&store), (300, 600));
    assert_eq!(store.graph(run(1)).unwrap().unwrap().spans.len(), 2);
    store.fold(FoldBudget::spans(100), |_| true).unwrap();
    assert_eq!(spans(&store), (300, 600));
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    assert_eq!(spans(&store), (300, 600));
}

/// There may be more logs than a process may have open files.
#[cfg(unix)]
#[test]
fn more_logs_than_open_files() {
    let (_dir, path) = place();
    many(&path, 300);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 180; exec \"$0\" --exact asker_with_few_files --nocapture"]);
    command.arg(std::env::current_exe().unwrap()).env("SPANBRIDGE_TEST_FEW_FILES_DB", &path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A directory that can only be read, where it is seen under another path. Only root can make one.
#[cfg(target_os = "linux")]
struct ReadOnly(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl ReadOnly {
    fn of(path: &Path) -> Option<Self> {
        let seen = Self(tempfile::tempdir().unwrap());
        let mount = |args: &[&std::ffi::OsStr]| {
            let output = Command::new("mount").args(args).arg(seen.0.path()).output();
            output.is_ok_and(|output| output.status.success())
        };
        let is_seen = mount(&["--bind".as_ref(), path.as_ref()]) && mount(&["-o".as_ref(), "remount,bind,ro".as_ref()]);
        is_seen.then_some(seen)
    }
}

#[cfg(target_os = "linux")]
impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// What was folded is read where the directory is read-only: while others write to it elsewhere, from a copy on such a disk, and
/// after a folder was killed.
#[cfg(target_os = "linux")]
#[test]
fn an_index_that_cannot_be_written_is_read() {
    let (dir, path) = place();
    many(&path, 3);
    let live = Store::open(&path).unwrap();
    live.fold(FoldBudget::everything(), |_| true).unwrap();
    for log in spanbridge_store::log::list(&path).unwrap() {
        std::fs::remove_file(&log.path).unwrap();
    }
    let mut shop = Recording::of(run(10), 10, "shop");
    deliver(&mut StoreSink::open(&path).unwrap(), 10, 1, &[shop.span(0xa01, 0, "step", 9, 9)]);
    let copied = dir.path().join("copied");
    std::fs::create_dir(&copied).unwrap();
    let copy = |name: &std::ffi::OsStr| std::fs::copy(path.join(name), copied.join(name)).unwrap();
    let ask = |path: &Path| {
        let Some(seen) = ReadOnly::of(path) else { return xtask::skip("no directory can be made read-only here") };
        let store = Store::open(seen.0.path()).unwrap();
        assert_eq!(spans(&store), (4, 7));
        assert_eq!(store.graph(run(2)).unwrap().unwrap().spans.len(), 2);
        assert_eq!(store.fold(FoldBudget::everything(), |_| true).unwrap_err().kind(), ErrorKind::Io);
        assert_eq!(spans(&store), (4, 7));
    };
    ask(&path);
    for entry in std::fs::read_dir(&path).unwrap() {
        copy(&entry.unwrap().file_name());
    }
    assert!(copied.join("index.db-wal").exists());
    ask(&copied);
    let _ = std::fs::remove_file(copied.join("index.db-shm"));
    ask(&copied);
    drop(live);
    ask(&path);
}

fn logs(path: &Path) -> Vec<spanbridge_store::log::LogFile> {
    spanbridge_store::log::list(path).unwrap()
}

fn fold(store: &Store) -> spanbridge_query::index::FoldReport {
    store.fold(FoldBudget::everything(), |_| true).unwrap().unwrap()
}

/// Time passes for all logs, so that they count as closed.
fn age(path: &Path) {
    for log in logs(path) {
        let file = std::fs::File::options().append(true).open(&log.path).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    }
}

/// Copies of logs under other names, and logs that come back after they were folded and removed, count once.
#[test]
fn logs_that_are_copied_count_once() {
    let (dir, path) = place();
    many(&path, 3);
    let kept = dir.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    for (n, log) in logs(&path).iter().enumerate() {
        std::fs::copy(&log.path, kept.join(log.path.file_name().unwrap())).unwrap();
        std::fs::copy(&log.path, path.join(format!("{:016x}-{:06}.log", n + 1, 1))).unwrap();
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(spans(&store), (3, 6));
    let report = fold(&store);
    assert_eq!((report.frames, report.repeated), (6, 3));
    assert_eq!(spans(&store), (3, 6));
    age(&path);
    assert_eq!(fold(&store).removed, 6);
    // As if the folder had been killed before it removed them, or a backup was copied over the directory.
    let come_back = |length: usize| {
        for entry in std::fs::read_dir(&kept).unwrap() {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(path.join(entry.file_name()), &bytes[..bytes.len().min(length)]).unwrap();
        }
        for store in [&store, &Store::open(&path).unwrap()] {
            assert_eq!(spans(store), (3, 6));
            assert_eq!(fold(store).frames, 0);
            assert_eq!(store.damage().map(|told| told.message), None);
        }
    };
    come_back(usize::MAX);
    age(&path);
    assert_eq!(fold(&store).removed, 3);
    // The watermarks lie beyond the ends of the files.
    come_back(100);
    age(&path);
    fold(&store);
    assert_eq!((spans(&store), logs(&path).len()), ((3, 6), 0));
}

/// Times of files in the future, and long before, change nothing.
#[test]
fn clocks_that_are_wrong_lose_nothing() {
    let (_dir, path) = place();
    let store = Store::open_or_create(&path).unwrap();
    let mut sink = StoreSink::open(&path).unwrap();
    for n in 1..=20 {
        let mut shop = Recording::of(run(u128::from(n)), n, "shop");
        deliver(&mut sink, 1, n, &[shop.span(n << 8, 0, "step", n, n + 1)]);
        let seconds = std::time::Duration::from_secs(86_400 * 29);
        let now = std::time::SystemTime::now();
        for log in logs(&path) {
            let file = std::fs::File::options().append(true).open(&log.path).unwrap();
            file.set_modified(if n % 2 == 0 { now + seconds } else { now - seconds }).unwrap();
        }
        if n % 3 == 0 {
            fold(&store);
        }
        assert_eq!(spans(&store), (n as usize, n));
    }
    assert_eq!(store.damage().map(|told| told.message), None);
}

/// A reader that was there before hears that the index was replaced, and does not answer from the old one.
#[cfg(unix)]
#[test]
fn readers_notice_another_index() {
    let (_dir, path) = place();
    many(&path, 2);
    let reader = Store::open(&path).unwrap();
    fold(&reader);
    assert_eq!(spans(&reader), (2, 4));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(path.join(format!("index.db{end}")));
    }
    many(&path, 5);
    let other = Store::open(&path).unwrap();
    fold(&other);
    age(&path);
    fold(&other);
    assert_eq!((spans(&other), logs(&path).len()), ((5, 10), 0));
    let asked = reader.runs(&RunFilter::default(), 99);
    assert_eq!(asked.map(|rows| rows.len()).unwrap_err().kind(), ErrorKind::Moved);
}
