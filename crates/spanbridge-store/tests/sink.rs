//! The sink: where it writes, what it keeps and removes, and what it does when the ground moves under it.

mod support;

use spanbridge::{Recorder, Sink, observe};
use spanbridge_store::log;
use spanbridge_store::{ErrorKind, Limits, StoreSink};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};
use support::*;
use tempfile::tempdir;

fn open(directory: &Path) -> StoreSink {
    StoreSink::open_with(directory, Limits::new()).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    log::list(directory).unwrap().iter().map(|file| file.name.to_string()).collect()
}

#[test]
fn what_was_delivered_is_there() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("deep").join("store");
    let mut sink = open(&path);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "nothing is left behind before something is recorded");
    for n in 1..=5 {
        deliver(&mut sink, 3, n, &format!("n{n}"));
    }
    assert_eq!(said(&path), ["n1 0", "n2 0", "n3 0", "n4 0", "n5 0"]);
    let read = read(&path);
    assert!(read.iter().zip(1..).all(|(read, n)| read.batch.is_some_and(|b| (b.instance, b.number) == (3, n))));
    assert_eq!(read[0].name.number, 1);
    sink.flush().unwrap();
    let mut reader = log::LogReader::open(&log::list(&path).unwrap()[0].path, 0).unwrap();
    reader.step().unwrap();
    assert_eq!(reader.header().unwrap().service, "orders");
}

#[cfg(unix)]
#[test]
fn what_it_makes_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().unwrap();
    let path = dir.path().join("deep").join("store");
    deliver(&mut open(&path), 1, 1, "a");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
    assert_eq!(mode(&log::list(&path).unwrap()[0].path), 0o600);
}

#[test]
fn a_repeated_delivery_is_written_once() {
    let dir = tempdir().unwrap();
    let mut sink = open(dir.path());
    for text in ["a", "a", "b", "b"] {
        deliver(&mut sink, 1, 1, text);
    }
    // Other content under the number of an earlier batch is kept beside it.
    assert_eq!(said(dir.path()), ["a 0", "b 0"]);
}

#[test]
fn a_record_that_is_too_large_is_named() {
    let dir = tempdir().unwrap();
    let mut sink = open(dir.path());
    let (large, small) = ("x".repeat(9 << 20), records("small", 2));
    let mut all = small.clone();
    all.insert(1, records(&large, 1).remove(0));
    let receipt = sink.deliver_records(1, 1, &all).unwrap();
    assert_eq!(receipt.rejected().iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1]);
    assert!(receipt.rejected()[0].1.ends_with("the most is 8388608"), "{receipt:?}");
    assert_eq!(said(dir.path()), ["small 0", "small 1"]);
    // Nothing is left to write.
    assert_eq!(sink.deliver_records(1, 2, &records(&large, 1)).unwrap().rejected().len(), 1);
    assert_eq!(read(dir.path()).len(), 1);
}

#[test]
fn files_rotate_by_size() {
    let dir = tempdir().unwrap();
    let mut sink = StoreSink::open_with(dir.path(), Limits::new().file_bytes(1000)).unwrap();
    (1..=40).for_each(|n| deliver(&mut sink, 1, n, &format!("n{n}")));
    let files = log::list(dir.path()).unwrap();
    assert!(files.len() > 4 && files.iter().all(|file| file.length < 1500), "{files:?}");
    let numbers: Vec<u32> = files.iter().map(|file| file.name.number).collect();
    assert_eq!(numbers, (1..=files.len() as u32).collect::<Vec<_>>());
    assert_eq!(said(dir.path()), (1..=40).map(|n| format!("n{n} 0")).collect::<Vec<_>>());
}

/// Sets back when the only or last file was written.
fn set_back(directory: &Path, time: Duration) {
    let file = log::list(directory).unwrap().pop().unwrap();
    File::options().append(true).open(file.path).unwrap().set_modified(SystemTime::now() - time).unwrap();
}

#[test]
fn files_rotate_by_age() {
    let dir = tempdir().unwrap();
    let mut sink = StoreSink::open_with(dir.path(), Limits::new().file_age(Duration::from_millis(30))).unwrap();
    deliver(&mut sink, 1, 1, "a");
    std::thread::sleep(Duration::from_millis(40));
    deliver(&mut sink, 1, 2, "b");
    assert_eq!(names(dir.path()).len(), 2);
}

/// Readers take a file for closed that was silent for long, and may remove it. Its writer does not go on with it, and nothing is
/// lost.
#[test]
fn a_silent_file_is_left() {
    for removed in [false, true] {
        let dir = tempdir().unwrap();
        let mut sink = open(dir.path());
        deliver(&mut sink, 1, 1, "a");
        set_back(dir.path(), log::CLOSED_AFTER / 2);
        if removed {
            fs::remove_file(&log::list(dir.path()).unwrap()[0].path).unwrap();
        }
        deliver(&mut sink, 1, 2, "b");
        let numbers: Vec<u32> = log::list(dir.path()).unwrap().iter().map(|file| file.name.number).collect();
        assert_eq!(numbers, if removed { vec![2] } else { vec![1, 2] });
        assert_eq!(said(dir.path()).last().unwrap(), "b 0");
        assert!(!said(dir.path()).iter().any(|said| said.contains("lost")));
    }
}

fn delete_file(directory: &Path) {
    fs::remove_file(&log::list(directory).unwrap()[0].path).unwrap()
}

fn delete_directory(directory: &Path) {
    fs::remove_dir_all(directory).unwrap()
}

fn move_directory(directory: &Path) {
    fs::rename(directory, directory.with_extension("old")).unwrap();
    fs::create_dir(directory).unwrap();
}

fn put_a_file_in_its_place(directory: &Path) {
    let file = log::list(directory).unwrap().remove(0);
    let copy = directory.join("copy");
    fs::copy(&file.path, &copy).unwrap();
    fs::rename(&copy, &file.path).unwrap();
}

fn truncate(directory: &Path) {
    File::options().append(true).open(&log::list(directory).unwrap()[0].path).unwrap().set_len(0).unwrap()
}

/// Whatever takes the file away: the next delivery is kept, and the loss is told.
#[test]
fn a_lost_file_is_noticed() {
    for take_away in [delete_file, delete_directory, move_directory, put_a_file_in_its_place, truncate] {
        let dir = tempdir().unwrap();
        let path = dir.path().join("store");
        let mut sink = open(&path);
        (1..=3).for_each(|n| deliver(&mut sink, 1, n, "before"));
        let before = log::list(&path).unwrap().remove(0);
        take_away(&path);
        // It was taken, and is offered once more: then it is kept.
        deliver(&mut sink, 1, 3, "before");
        deliver(&mut sink, 1, 4, "after");
        let after = read(&path).into_iter().filter(|read| read.name != before.name).collect::<Vec<_>>();
        let told = &after[0].said[0];
        let expected = format!("store.log_lost 3 the log {} was deleted, moved or replaced while", before.name);
        assert!(
            told.starts_with(&expected) && told.ends_with(&format!("may be lost (3, {} bytes)", before.length)),
            "{told}"
        );
        assert_eq!(after[0].batch, None);
        assert_eq!(after[1..].iter().map(|read| read.said.concat()).collect::<Vec<_>>(), ["before 0", "after 0"]);
        assert!(after.iter().all(|read| read.name.writer == before.name.writer && read.name.number == 2));
    }
}

/// The application hears of it, too.
#[test]
fn a_loss_is_in_the_report() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("store");
    let recorder = Recorder::builder("orders").sink(open(&path)).build().unwrap();
    let work = || recorder.in_scope(|| observe::span("work").in_scope(|| ()));
    work();
    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    fs::remove_dir_all(&path).unwrap();
    work();
    let report = recorder.flush_blocking(Duration::from_secs(60));
    assert!(report.complete && report.sinks[0].rejected == 0, "{report:?}");
    let told = report.sinks[0].last_error.clone().unwrap();
    assert!(
        told.contains("was deleted, moved or replaced while it was written; deliveries in it may be lost (1, "),
        "{told}"
    );
    assert!(said(&path).iter().any(|said| said.starts_with("store.log_lost 1 ")));
}

#[test]
fn the_directory_keeps_its_limits() {
    let dir = tempdir().unwrap();
    let most = 40_000;
    let mut sink = StoreSink::open_with(dir.path(), Limits::new().max_bytes(most)).unwrap();
    // A process that is dead: nothing was written for long.
    let mut dead = open(dir.path());
    deliver(&mut dead, 9, 1, &"dead".repeat(2000));
    set_back(dir.path(), 2 * log::CLOSED_AFTER);
    for n in 1..=1000 {
        deliver(&mut sink, 1, n, &format!("n{n}"));
        let total: u64 = log::list(dir.path()).unwrap().iter().map(|file| file.length).sum();
        assert!(total <= most, "{total} after {n}");
    }
    let said = said(dir.path());
    let (told, kept): (Vec<String>, Vec<String>) = said.into_iter().partition(|said| said.starts_with("store."));
    assert!(
        told.iter().all(|told| told.ends_with("log files were removed to keep the store within its limits")),
        "{told:?}"
    );
    assert!(!told.is_empty() && !kept.iter().any(|kept| kept.starts_with("dead")));
    // The latest are there without a gap.
    let first = 1000 - kept.len() + 1;
    assert!(kept.len() > 100 && kept.iter().zip(first..).all(|(kept, n)| *kept == format!("n{n} 0")), "{kept:?}");
}

#[test]
fn a_place_that_cannot_be_used_is_an_error() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "something else").unwrap();
    let error = |path: &Path| StoreSink::open(path).unwrap_err();
    assert_eq!(error(&file).to_string(), format!("open the store {}: it is a file of another kind", file.display()));
    let under = file.join("under");
    let expected = format!("open the store {}: it is not a directory (", under.display());
    assert!(error(&under).to_string().starts_with(&expected), "{}", error(&under));
    let kinds = [
        file.as_path(),
        under.as_path(),
        Path::new("/dev/null"),
        Path::new("/proc/self/nothing"),
        Path::new(":memory:"),
    ];
    let kinds = kinds.map(|path| error(path).kind());
    assert_eq!(
        kinds,
        [ErrorKind::NotAStore, ErrorKind::NotAStore, ErrorKind::NotAStore, ErrorKind::Io, ErrorKind::InvalidPath]
    );
    assert!(!Path::new(":memory:").exists());
}

/// The file of an earlier release is left as it is.
#[test]
fn an_old_store_gets_a_directory_beside_it() {
    let dir = tempdir().unwrap();
    let old = dir.path().join("records.db");
    let content = [b"SQLite format 3\0".as_slice(), &[7; 100]].concat();
    fs::write(&old, &content).unwrap();
    let mut sink = StoreSink::open(&old).unwrap();
    deliver(&mut sink, 1, 1, "a");
    assert_eq!(sink.directory(), dir.path().join("records.db.store"));
    assert_eq!(said(sink.directory()), ["a 0"]);
    assert_eq!(fs::read(&old).unwrap(), content);
}

/// A sink that is used for another recorder, as after a machine was restored from a snapshot, is another writer.
#[test]
fn another_recorder_is_another_writer() {
    let dir = tempdir().unwrap();
    let mut sink = open(dir.path());
    deliver(&mut sink, 1, 1, "a");
    deliver(&mut sink, 2, 1, "b");
    let read = read(dir.path());
    assert_eq!(read.len(), 2);
    assert!(read[0].name.writer != read[1].name.writer && read.iter().all(|read| read.name.number == 1));
}

#[test]
fn sinks_may_go_to_other_threads() {
    fn sent<T: Send + 'static>() {}
    sent::<StoreSink>();
    fn shared<T: Send + Sync + 'static>() {}
    shared::<spanbridge_store::Error>();
}
