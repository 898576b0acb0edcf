//! Old stores that are of another release, or damaged. They give a helpful error, and never a panic.

mod common;

use common::old::OldWriter;
use common::*;
use rusqlite::Connection;
use spanbridge::record::{Body, Link};
use spanbridge::{SpanId, Status};
use spanbridge_graph::{LinkDirection, LinkedRun};
use spanbridge_query::{ErrorKind, RunFilter, Store, keeping};
use std::error::Error as _;
use std::path::Path;

/// Opening must fail in the same way for reading and for importing, and must not touch the file.
#[track_caller]
fn refused(path: &Path, kind: ErrorKind, message: &str) {
    let before = std::fs::read(path).unwrap();
    for error in [Store::open(path).unwrap_err(), Store::open_or_create(path).unwrap_err()] {
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string(), format!("open the store {}: {message}", path.display()));
        assert!(error.source().is_none(), "the message says the cause, and nothing says it again");
    }
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing was made beside it");
    assert_eq!(std::fs::read(path).unwrap(), before, "the file is as it was");
}

#[test]
fn a_newer_format_is_refused() {
    let (_dir, path) = place();
    drop(OldWriter::open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let message = "a newer spanbridge wrote it (format 7, this release reads up to 5)";
    refused(&path, ErrorKind::NewerFormat, message);
}

#[test]
fn the_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE customers(id)").unwrap();
    refused(&path, ErrorKind::NotAStore, "it is the database of another program");
    let dir = tempfile::tempdir().unwrap();
    let marked = dir.path().join("marked.db");
    Connection::open(&marked).unwrap().pragma_update(None, "application_id", 77).unwrap();
    refused(&marked, ErrorKind::NotAStore, "it is the database of another program");
}

#[test]
fn what_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "Dear diary, ".repeat(100)).unwrap();
    refused(&path, ErrorKind::NotAStore, "it is a file of another kind");
}

#[test]
fn an_empty_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    refused(&path, ErrorKind::NotAStore, "it is a file of another kind");
}

/// Nobody means to have an index made among other files.
#[test]
fn a_directory_of_other_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Store::open(dir.path()).unwrap().runs(&RunFilter::default(), 1).unwrap().is_empty());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "Dear diary").unwrap();
    for error in [Store::open(dir.path()).unwrap_err(), Store::open_or_create(dir.path()).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotAStore);
        let expected = format!("open the store {}: it is a directory of other files", dir.path().display());
        assert_eq!(error.to_string(), expected);
    }
    let prune = keeping::Prune::new().max_bytes(1);
    for error in [
        keeping::compact(dir.path(), keeping::FoldBudget::everything(), |_| true).unwrap_err(),
        keeping::prune(dir.path(), &prune, |_| true).unwrap_err(),
        keeping::check(dir.path(), |_| ()).unwrap_err(),
        keeping::backup(dir.path(), dir.path().join("copy")).unwrap_err(),
        keeping::rebuild(dir.path(), |_| true).unwrap_err(),
    ] {
        assert!(error.to_string().ends_with("it is a directory of other files"), "{error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// A store whose index is of no use is a damaged store, and the message says so once.
#[test]
fn an_index_of_random_bytes_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.db"), "no database, and longer than a header ".repeat(9)).unwrap();
    let shown = dir.path().display();
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let expected = format!("open the store {shown}: its index cannot be opened: it is not a SQLite database (");
    assert!(error.to_string().starts_with(&expected), "{error}");
    let error = keeping::compact(dir.path(), keeping::FoldBudget::everything(), |_| true).unwrap_err();
    let expected = format!("compact the store {shown}: its index cannot be opened: it is not a SQLite database (");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

/// A path whose directory cannot be created gives an error that says so.
#[test]
fn unusable_directories_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Store::open_or_create(file.join("store")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("its directory cannot be created ("), "{error}");
}

/// A small store, closed, with everything in the file itself.
fn closed() -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, path) = place();
    let mut sink = OldWriter::open(&path);
    for n in 1..=6 {
        let mut r = Recording::of(run(n), n as u64, "shop");
        let mut child = Recording::of(run(n + 0x40), n as u64 + 9, "mail").in_trace(trace(n));
        let records = [r.span(n as u64, 0, "a", 0, 1), child.record(run_start("b", 1, Some((run(n), span_id(1)))))];
        sink.deliver(1, n as u64, &records);
    }
    (dir, path)
}

/// Asks every question.
fn ask(store: &Store) -> Vec<Option<ErrorKind>> {
    let kind = |result: Result<(), spanbridge_query::Error>| result.err().map(|e| e.kind());
    vec![
        kind(store.runs(&RunFilter::default(), 100).map(drop)),
        kind(store.records(None, |_| ())),
        kind(store.graph(run(1)).map(drop)),
        kind(store.find("1111").map(drop)),
        kind(store.find("a0000001").map(drop)),
    ]
}

/// The listed runs. Those stored together with a damaged one may be missing.
fn listed(store: &Store) -> usize {
    store.runs(&RunFilter::default(), 100).unwrap().len()
}

/// A damaged delivery does not make the rest unreadable, and the reader is told.
#[test]
fn damaged_deliveries_are_skipped_and_reported() {
    let (_dir, path) = closed();
    let columns = ["block_list", "run_heads", "run_tails", "traces", "parents", "links", "aggregates", "span_heads"];
    let pristine = std::fs::read(&path).unwrap();
    let mut told = 0;
    for column in columns {
        for damage in ["x'ff'", "x'ffffffffffffffffffff01'", "zeroblob(300)", "'text'", "NULL", "7", "x''"] {
            std::fs::write(&path, &pristine).unwrap();
            let sql =
                format!("PRAGMA ignore_check_constraints = 1; UPDATE delivery SET {column} = {damage} WHERE id = 1");
            if Connection::open(&path).unwrap().execute_batch(&sql).is_err() {
                continue;
            }
            let store = Store::open(&path).unwrap();
            assert_eq!(ask(&store), [None; 5], "{column} {damage}");
            assert!(listed(&store) >= 10, "{column} {damage}: the five other deliveries of two runs each");
            assert_eq!(store.graph(run(2)).unwrap().unwrap().child_runs.len(), 1, "{column} {damage}");
            if let Some(damage) = store.damage() {
                assert_eq!((&*damage.code, damage.count), ("store.damaged", Some(1)));
                assert!(damage.message.starts_with("delivery 1 is damaged and was skipped ("), "{}", damage.message);
                told += 1;
            } else {
                // Empty lists, or lists of zeros, can be read: of other traces, parents, links and spans.
                assert!(damage == "x''" || damage == "zeroblob(300)", "{column} {damage}");
            }
        }
    }
    assert!(told > 30, "{told}");
    for sql in
        ["DELETE FROM block WHERE id = 1 << 20", "UPDATE block SET data = zeroblob(99)", "UPDATE block SET data = 7"]
    {
        std::fs::write(&path, &pristine).unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!((store.graph(run(1)).unwrap().is_some(), listed(&store)), (false, 12), "{sql}");
        let gone = store.damage().unwrap().message;
        assert!(gone.starts_with("delivery 1 is damaged"), "{sql}: {gone}");
        let store = Store::open(&path).unwrap();
        store.records(None, |_| ()).unwrap();
        assert!(store.damage().is_some(), "{sql}: whoever exports is told, too");
    }
}

/// What is left of a run is shown, and its graph says that a part is missing.
#[test]
fn a_run_with_one_damaged_delivery() {
    let (_dir, path) = place();
    let mut sink = OldWriter::open(&path);
    let mut r = Recording::of(run(1), 1, "shop");
    (1..=8).for_each(|n| sink.deliver(1, n, &[r.span(n, 0, "a", n, n + 1)]));
    let records = all(&Store::open(&path).unwrap(), None);
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE delivery SET aggregates = x'ff', block_list = x'' WHERE id > 1")
        .unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.damage(), None, "nobody has looked yet");
    assert_eq!(store.runs(&RunFilter::default(), 9).unwrap()[0].spans, 1);
    let message = "7 parts of the store are damaged and were skipped: delivery 2, delivery 3, delivery 4, delivery 5, \
                   delivery 6 and 2 more (the first of them: its directory does not fit together); their records are \
                   missing here";
    assert_eq!(store.damage().unwrap().message, message);
    let graph = store.graph(run(1)).unwrap().unwrap();
    assert_eq!((graph.spans.len(), &*graph.diagnostics[0].message), (1, message));
    assert_eq!(graph.to_json()["diagnostics"][0]["code"], "store.damaged");
    // Importing the records from elsewhere restores it.
    let mut again = Recording::of(run(1), 1, "shop");
    let report = store.import((1..=8).map(|n| again.span(n, 0, "a", n, n + 1))).unwrap();
    assert_eq!((report.stored, report.repeated, report.conflicts), (7, 1, 0));
    assert_eq!(store.graph(run(1)).unwrap().unwrap().spans.len(), 8);
    let exported = all(&store, None);
    assert!(records.iter().all(|record| exported.contains(record)));
}

/// What a graph says about itself does not depend on what else was asked before it.
#[test]
fn damage_of_one_run_is_not_reported_for_another() {
    let (_dir, path) = closed();
    Connection::open(&path).unwrap().execute_batch("DELETE FROM block WHERE id = 1 << 20").unwrap();
    let store = Store::open(&path).unwrap();
    assert!(store.graph(run(1)).unwrap().is_none());
    assert!(store.graph(run(2)).unwrap().unwrap().diagnostics.is_empty());
    assert_eq!(store.damage().and_then(|d| d.count), Some(1), "the store remembers it");
}

/// Its directory is enough to know that it exists.
#[test]
fn damaged_runs_are_still_linked() {
    let (_dir, path) = place();
    let mut sink = OldWriter::open(&path);
    sink.deliver(1, 1, &[Recording::of(run(1), 1, "shop").span(1, 0, "publish", 0, 1)]);
    let mut work = start(2, 0, "work", 20);
    work.links.push(Link::new(trace(1), span_id(1), attributes(&[])));
    let mut mail = Recording::of(run(2), 2, "mail");
    sink.deliver(1, 2, &[mail.record(Body::Span(work.with_end(Some(end(40, Status::Ok)))))]);
    let far_end = |spans: &[SpanId]| {
        let linked = Store::open(&path).unwrap().graph(run(1)).unwrap().unwrap().linked_runs;
        assert_eq!(linked.len(), 1);
        let LinkedRun { run: far, direction, linked_span_ids, .. } = &linked[0];
        assert_eq!((far.run_id, *direction, &**linked_span_ids), (run(2), LinkDirection::From, spans));
    };
    far_end(&[span_id(1)]);
    Connection::open(&path).unwrap().execute_batch("DELETE FROM block WHERE id = 2 << 20").unwrap();
    far_end(&[]);
}

/// Blocks are found by the id of their delivery, and these have no valid one.
#[test]
fn impossible_delivery_ids_are_skipped() {
    for number in [i64::MAX, i64::MAX >> 20, 1 << 60] {
        let (_dir, path) = closed();
        let sql = format!("UPDATE delivery SET id = {number} WHERE id = 6");
        Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!(ask(&store), [None; 5], "{number}");
        assert_eq!(store.damage().and_then(|d| d.count), Some(1), "{number}");
        assert_eq!(all(&store, None).len(), 5 * 2, "{number}");
    }
}

/// Bytes of the file are changed at random, from a fixed seed. Any answer is fine, except a panic or a hang.
#[test]
fn a_damaged_file_is_survived() {
    let (_dir, path) = closed();
    let pristine = std::fs::read(&path).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut errors = 0;
    for _ in 0..300 {
        let mut bytes = pristine.clone();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            bytes[at] = random(256) as u8;
        }
        if random(4) == 0 {
            bytes.truncate(random(bytes.len()));
        }
        for extension in ["db-wal", "db-shm"] {
            let _ = std::fs::remove_file(path.with_extension(extension));
        }
        std::fs::write(&path, &bytes).unwrap();
        match Store::open(&path) {
            Ok(store) => errors += ask(&store).iter().flatten().count(),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 0);
}
