//! Stores of earlier releases: one SQLite file. They are read as they are, together with the directory beside them, and
//! imported.

mod common;

use common::old::OldWriter;
use common::*;
use rusqlite::Connection;
use spanbridge::record::{Body, Link, Record, RunEnd, RunStart};
use spanbridge::{RunId, Status};
use spanbridge_graph::{LinkDirection, RunStatus};
use spanbridge_query::{RunFilter, Store, keeping};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file of each format, made by a release of that format from the records in `old/records.jsonl`, in deliveries of seven.
const FORMATS: [&[u8]; 4] = [
    include_bytes!("old/format-1.db"),
    include_bytes!("old/format-2.db"),
    include_bytes!("old/format-3.db"),
    include_bytes!("old/format-4.db"),
];

const RECORDS: &str = include_str!("old/records.jsonl");

fn recorded() -> Vec<Record<'static>> {
    RECORDS.lines().map(|line| Record::from_json(line).unwrap().unwrap().into_owned()).collect()
}

fn file(format: usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    fs::write(&path, FORMATS[format - 1]).unwrap();
    (dir, path)
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

/// Name, status, spans and errors of each run.
fn listed(store: &Store) -> Vec<(String, RunStatus, u64, u64)> {
    let rows = store.runs(&RunFilter::default(), 99).unwrap();
    rows.into_iter().map(|row| (row.name, row.status, row.spans, row.errors)).collect()
}

fn far_end(store: &Store, run: RunId) -> Vec<(RunId, LinkDirection)> {
    let runs = store.graph(run).unwrap().unwrap().linked_runs;
    runs.into_iter().map(|l| (l.run.run_id, l.direction)).collect()
}

#[test]
fn every_format_is_read_as_it_is() {
    use RunStatus::{Cancelled, Error, Ok, Open};
    let expected = [
        ("GET /slow", Open, 1, 0),
        ("count", Error, 1, 1),
        ("approve", Ok, 2, 0),
        ("check", Ok, 1, 0),
        ("send mail", Cancelled, 1, 1),
        ("order", Ok, 63, 0),
    ];
    let expected = expected.map(|(name, status, spans, errors)| (name.to_owned(), status, spans, errors));
    for format in 1..=FORMATS.len() {
        let (_dir, path) = file(format);
        let store = Store::open(&path).unwrap();
        assert_eq!(sorted(all(&store, None)), sorted(lines(&recorded())), "format {format}");
        assert_eq!(listed(&store), expected, "format {format}");
        let approve = store.graph(run(7)).unwrap().unwrap();
        assert_eq!((approve.run.suspensions.len(), approve.spans.len()), (1, 2), "format {format}");
        assert_eq!(far_end(&store, run(6)), [(run(1), LinkDirection::To)], "format {format}");
        // Before format 3, a link was known only for the run that has it.
        let known = [(run(6), LinkDirection::From)];
        assert_eq!(far_end(&store, run(1)), if format < 3 { &[] } else { &known[..] }, "format {format}");
        assert_eq!(store.notes().len(), 1, "{:?}", store.notes());
        drop(store);
        assert_eq!(fs::read(&path).unwrap(), FORMATS[format - 1], "format {format}: nothing is written");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing was made beside it");
    }
}

/// Nothing can be made beside the file. Its last deliveries may be in the write-ahead log of a process that was killed.
#[cfg(unix)]
#[test]
fn read_only_directories_are_read() {
    use std::os::unix::fs::PermissionsExt;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for (log, index) in [(false, false), (true, true), (true, false)] {
        let (dir, path) = place();
        let mut writer = OldWriter::open(&path);
        let mut r = Recording::of(run(1), 1, "shop");
        (1..=4).for_each(|n| writer.deliver(1, n, &[r.span(n, 0, "a", n, n + 1)]));
        let copied = dir.path().join("copied");
        fs::create_dir(&copied).unwrap();
        let beside = |suffix: &str| path.with_file_name(format!("spanbridge.db{suffix}"));
        if !log {
            writer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
        fs::copy(&path, copied.join("a?%#.db")).unwrap();
        for (suffix, _) in [("-wal", log), ("-shm", index)].into_iter().filter(|(_, copy)| *copy) {
            fs::copy(beside(suffix), copied.join(format!("a?%#.db{suffix}"))).unwrap();
        }
        for file in fs::read_dir(&copied).unwrap() {
            set(&file.unwrap().path(), 0o444);
        }
        set(&copied, 0o555);
        if fs::write(copied.join("probe"), "").is_ok() {
            return xtask::skip("the superuser may write to everything");
        }
        let store = Store::open(copied.join("a?%#.db")).unwrap();
        assert_eq!(store.graph(run(1)).unwrap().unwrap().spans.len(), 4, "log {log}, index {index}");
        assert_eq!(fs::read_dir(&copied).unwrap().count(), 1 + usize::from(log) + usize::from(index));
        drop(store);
        set(&copied, 0o755);
    }
}

/// Run `from` links to run `to`.
fn linked(from: u128, to: u128) -> Vec<Record<'static>> {
    let (id, target) = (from as u64, to as u64);
    let mut work = start(id, 0, "work", 20 + id);
    work.links.push(Link::new(trace(to), span_id(target), attributes(&[])));
    let work = Recording::of(run(from), id, "mail").record(Body::Span(work.with_end(Some(end(40, Status::Ok)))));
    vec![Recording::of(run(to), target, "shop").span(target, 0, "publish", 0, 5), work]
}

/// A process of an earlier release goes on, perhaps after one of format 2 has reset the version of the format.
#[test]
fn earlier_releases_may_go_on_writing() {
    let (_dir, path) = place();
    let mut writer = OldWriter::open(&path);
    writer.deliver(1, 1, &linked(2, 1));
    let store = Store::open(&path).unwrap();
    writer.deliver(1, 2, &linked(4, 3));
    assert_eq!(all(&store, None).len(), 4);
    assert_eq!(far_end(&store, run(3)), [(run(4), LinkDirection::From)]);
    writer.connection.pragma_update(None, "user_version", 2).unwrap();
    let store = Store::open(&path).unwrap();
    writer.deliver(1, 3, &linked(6, 5));
    assert_eq!(far_end(&store, run(5)), [(run(6), LinkDirection::From)]);
    let format: i64 = Connection::open(&path).unwrap().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(format, 2, "whoever reads does not bring it to another format");
}

/// The last deliveries of a process that was killed are in the write-ahead log, as far as that was written.
#[test]
fn a_torn_log_leaves_whole_deliveries() {
    let (dir, path) = place();
    let mut writer = OldWriter::open(&path);
    let mut r = Recording::of(run(1), 1, "shop");
    for n in 1..=30 {
        writer.deliver(1, n, &(0..40).map(|at| r.span(n * 100 + at, 0, "a", n, n + 1)).collect::<Vec<_>>());
    }
    let log = |path: &Path| path.with_extension("db-wal");
    let whole = fs::read(log(&path)).unwrap();
    let mut most = 0;
    for tenth in 0..=10 {
        let copy = dir.path().join(format!("copy{tenth}.db"));
        fs::copy(&path, &copy).unwrap();
        fs::write(log(&copy), &whole[..whole.len() * tenth / 10]).unwrap();
        // Without any of the log, there is no store yet.
        let Ok(store) = Store::open(&copy) else {
            assert_eq!(tenth, 0);
            continue;
        };
        let records = all(&store, None).len();
        drop(store);
        assert_eq!(fs::read(log(&copy)).unwrap(), whole[..whole.len() * tenth / 10], "the log is not moved either");
        assert!(records.is_multiple_of(40) && records >= most, "{records} after {most}");
        most = records;
    }
    assert_eq!(most, 30 * 40);
}

/// What a run has in the old file, and what it has after the update.
fn parts() -> (Vec<Record<'static>>, Vec<Record<'static>>) {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut done = Recording::of(run(2), 2, "stock");
    let mut new = Recording::of(run(3), 3, "mail").in_trace(trace(1));
    let before = vec![shop.run_start("order", 0), shop.span_start(1, 0, "POST", 1), done.span(2, 0, "count", 5, 6)];
    let child = RunStart::new("send", T0 + 20 * MS)
        .with_parent_run_id(Some(run(1)))
        .with_triggered_by_span_id(Some(span_id(1)));
    let after = vec![
        shop.span_end(1, 30, Status::Ok),
        shop.failed(3, 1, "charge", 10, 11),
        shop.record(RunEnd::new(T0 + 31 * MS, Status::Ok).into()),
        new.record(child.into()),
        new.span(4, 1, "smtp", 21, 22),
    ];
    (before, after)
}

/// An old file, and the directory in which its service went on. What was there already comes again with the new records.
fn updated() -> (TempDir, PathBuf) {
    let (before, after) = parts();
    let (dir, path) = place();
    OldWriter::open(&path).deliver(1, 1, &before);
    let mut store = Store::open(&path).unwrap();
    let report = store.import(before.iter().take(1).chain(&after).cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (5, 1));
    (dir, path)
}

#[test]
fn a_run_in_both_is_one_run() {
    let (before, after) = parts();
    let whole: Vec<_> = before.into_iter().chain(after).collect();
    let (_other, at) = place();
    let mut one = Store::open_or_create(&at).unwrap();
    one.import(whole.iter().cloned()).unwrap();
    let (_dir, path) = updated();
    for fold in [false, true] {
        let both = Store::open(&path).unwrap();
        if fold {
            both.fold(Default::default(), |_| true).unwrap();
        }
        assert_eq!(sorted(all(&both, None)), sorted(lines(&whole)));
        assert_eq!(sorted(all(&both, Some(run(1)))), sorted(all(&one, Some(run(1)))));
        for n in 1..=3 {
            let [both, one] = [&both, &one].map(|store| store.graph(run(n)).unwrap().unwrap().to_json());
            assert_eq!(both, one);
        }
        let filters = [
            RunFilter::default(),
            RunFilter::default().status(RunStatus::Ok),
            RunFilter::default().status(RunStatus::Open),
            RunFilter::default().name("order").status(RunStatus::Ok).service("shop"),
            RunFilter::default().since(T0 + 3 * MS),
        ];
        for filter in filters {
            for limit in [1, 2, 99] {
                assert_eq!(both.runs(&filter, limit).unwrap(), one.runs(&filter, limit).unwrap(), "{filter:?}");
            }
        }
        assert_eq!(both.runs_since(None).unwrap(), one.runs_since(None).unwrap());
        assert_eq!(both.runs_since(Some(T0 + 4 * MS)).unwrap(), one.runs_since(Some(T0 + 4 * MS)).unwrap());
        for id in ["1111", "2222", "a000", "a0000001", "a0000003"] {
            assert_eq!(both.find(id).unwrap(), one.find(id).unwrap(), "{id}");
        }
    }
}

/// Whoever follows is told everything, from both, and nothing twice from the beginning.
#[test]
fn both_are_followed() {
    let (before, after) = parts();
    let (_dir, path) = updated();
    let mut store = Store::open(&path).unwrap();
    let mut seen = Vec::new();
    let cursor = store.follow(&Default::default(), |record| seen.push(format!("{record:?}"))).unwrap();
    assert_eq!(sorted(seen), sorted(lines(&[before, after].concat())));
    let mut late = Recording::of(run(5), 5, "late");
    let [first, second] = [late.span(50, 0, "x", 90, 91), late.span(51, 0, "y", 91, 92)];
    OldWriter::open(&path).deliver(1, 9, std::slice::from_ref(&first));
    store.import([second.clone()]).unwrap();
    let mut seen = Vec::new();
    let cursor = store.follow(&cursor, |record| seen.push(format!("{record:?}"))).unwrap();
    assert_eq!(sorted(seen), sorted(lines(&[first, second])));
    assert_eq!(cursor, store.end().unwrap());
    store.follow(&cursor, |record| panic!("{record:?} was before")).unwrap();
}

#[test]
fn an_old_store_is_imported() {
    for format in 1..=FORMATS.len() {
        let (_dir, path) = file(format);
        let (_other, to) = place();
        let mut store = Store::open_or_create(&to).unwrap();
        let report = store.import_store(&Store::open(&path).unwrap()).unwrap();
        assert_eq!((report.read, report.stored, report.conflicts), (80, 80, 0), "format {format}");
        let again = store.import_store(&Store::open(&path).unwrap()).unwrap();
        assert_eq!((again.stored, again.repeated), (0, 80), "format {format}");
        assert_eq!(sorted(all(&store, None)), sorted(lines(&recorded())), "format {format}");
        assert_eq!(listed(&store), listed(&Store::open(&path).unwrap()), "format {format}");
        // Links are known at both ends, whatever the file knew.
        assert_eq!(far_end(&store, run(1)), [(run(6), LinkDirection::From)], "format {format}");
        assert_eq!(fs::read(&path).unwrap(), FORMATS[format - 1]);
    }
}

/// Imported into the directory beside it, it is not read a second time, unless a process of an earlier release goes on.
#[test]
fn what_was_imported_is_read_once() {
    let (_dir, path) = file(4);
    let mut store = Store::open(&path).unwrap();
    let report = store.import_store(&Store::open(&path).unwrap()).unwrap();
    assert_eq!(report.stored, 80);
    assert_eq!(sorted(all(&store, None)), sorted(lines(&recorded())), "read twice, told once");
    let copied = keeping::backup(&path, path.with_file_name("copy")).unwrap();
    assert_eq!(copied.old, None, "all of it is in the copy");
    let store = Store::open(&path).unwrap();
    assert!(store.notes()[0].contains("was imported into"), "{:?}", store.notes());
    assert_eq!(sorted(all(&store, None)), sorted(lines(&recorded())));
    OldWriter::open(&path).deliver(9, 1, &[Recording::of(run(0x30), 30, "late").span(99, 0, "late", 0, 1)]);
    let store = Store::open(&path).unwrap();
    assert!(store.notes()[0].contains("is of an earlier release"), "{:?}", store.notes());
    assert_eq!(all(&store, None).len(), 81);
    let copied = keeping::backup(&path, path.with_file_name("another")).unwrap();
    assert_eq!(copied.old.as_ref(), Some(&path));
    let advice = format!("`spanbridge import --db {0} {0}`", path.display());
    assert!(store.notes()[0].contains(&advice), "{:?}", store.notes());
    assert_eq!(listed(&store).len(), 7);
    fs::remove_file(&path).unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!((all(&store, None).len(), store.notes()), (80, &[][..]), "the same path still means the same store");
}
