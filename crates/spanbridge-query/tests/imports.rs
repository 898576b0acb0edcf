//! Importing into a directory, by several at once, and from other stores.

mod common;

use common::*;
use spanbridge::Status;
use spanbridge::record::Record;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{ErrorKind, RunFilter, Store};
use spanbridge_store::StoreSink;
use std::process::{Child, Command};
use std::sync::Barrier;

/// Records of forty runs, ten of each.
fn records() -> Vec<Record<'static>> {
    let mut recordings: Vec<_> = (1..=40u128).map(|n| Recording::of(run(n), n as u64, "s")).collect();
    (0..400).map(|n| recordings[n as usize % 40].span(n + 1, 0, "step", n, n + 1)).collect()
}

fn once_each(store: &Store) {
    let (mut found, mut expected) = (all(store, None), lines(&records()));
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// Not a test by itself: a process that imports.
#[test]
fn importer() {
    if let Ok(path) = std::env::var("SPANBRIDGE_TEST_IMPORT_DB") {
        let mut store = Store::open_or_create(path).unwrap();
        // In small parts, so that others come in between.
        for part in records().chunks(25) {
            store.import(part.iter().cloned()).unwrap();
        }
    }
}

#[test]
fn two_processes_import_each_record_once() {
    let (_dir, path) = place();
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "importer"]).env("SPANBRIDGE_TEST_IMPORT_DB", &path);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..3).map(|_| start()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    once_each(&Store::open(&path).unwrap());
}

/// Threads import in different orders, while one folds all along.
#[test]
fn imports_at_once_while_someone_folds() {
    let (_dir, path) = place();
    drop(Store::open_or_create(&path).unwrap());
    let together = Barrier::new(4);
    let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let importers: Vec<_> = (0..3)
            .map(|n| {
                let (path, together) = (&path, &together);
                scope.spawn(move || {
                    let mut store = Store::open(path).unwrap();
                    let mut all = records();
                    all.rotate_left(n * 100);
                    together.wait();
                    let reports = all.chunks(20).map(|part| store.import(part.iter().cloned()).unwrap());
                    reports.fold((0, 0), |sum, report| (sum.0 + report.stored, sum.1 + report.repeated))
                })
            })
            .collect();
        scope.spawn(|| {
            let store = Store::open(&path).unwrap();
            together.wait();
            for _ in 0..50 {
                store.fold(FoldBudget::everything(), |_| true).unwrap();
            }
        });
        importers.into_iter().map(|importer| importer.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().map(|c| c.0).sum::<u64>(), 400, "{counts:?}");
    assert_eq!(counts.iter().map(|c| c.1).sum::<u64>(), 800, "{counts:?}");
    once_each(&Store::open(&path).unwrap());
}

/// Several hosts: each directory is copied and imported, also again after more was recorded.
#[test]
fn directories_of_hosts_are_collected() {
    let (_dir, to) = place();
    let mut collected = Store::open_or_create(&to).unwrap();
    let all_records = records();
    for (host, part) in all_records.chunks(200).enumerate() {
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        for (n, delivery) in part.chunks(50).enumerate() {
            deliver(&mut sink, host as u64, n as u64, delivery);
            let from = Store::open(&path).unwrap();
            if n == 1 {
                from.fold(FoldBudget::everything(), |_| true).unwrap();
            }
            let report = collected.import_store(&from).unwrap();
            assert_eq!((report.stored, report.repeated), (50, 50 * n as u64));
        }
    }
    once_each(&collected);
    // What was imported in many small steps is as what was recorded.
    let (_dir, at) = place();
    let mut sink = StoreSink::open(&at).unwrap();
    deliver(&mut sink, 1, 1, &all_records);
    let [collected, recorded] =
        [&collected, &Store::open(&at).unwrap()].map(|s| s.runs(&RunFilter::default(), 99).unwrap());
    assert_eq!(collected, recorded);
}

/// After an import an application goes on, and its records are compared with, too.
#[test]
fn recorded_and_imported_are_one() {
    let (_dir, path) = place();
    let mut r = Recording::of(run(1), 1, "shop");
    let all_records =
        [r.run_start("order", 0), r.span(1, 0, "a", 0, 1), r.span(2, 0, "b", 1, 2), r.run_end(3, Status::Ok)];
    let mut sink = StoreSink::open(&path).unwrap();
    deliver(&mut sink, 1, 1, &all_records[..2]);
    let mut store = Store::open(&path).unwrap();
    let report = store.import(all_records[1..3].iter().cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (1, 1));
    deliver(&mut sink, 1, 2, &all_records[3..]);
    let report = store.import(all_records.iter().cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (0, 4));
    let row = &store.runs(&RunFilter::default(), 9).unwrap()[0];
    assert_eq!((&*row.name, row.spans, row.status), ("order", 2, spanbridge_graph::RunStatus::Ok));
}

/// A store need not be writable to be read. Only an import says that it cannot write.
#[cfg(unix)]
#[test]
fn a_read_only_directory_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, &records());
    let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    if std::fs::write(path.join("probe"), "").is_ok() {
        return xtask::skip("the superuser may write to everything");
    }
    let mut store = Store::open(&path).unwrap();
    once_each(&store);
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    once_each(&store);
    let mut more = Recording::of(run(1), 99, "s");
    let error = store.import([more.span(999, 0, "more", 0, 1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1, "the log alone");
    set(0o755);
}

/// What is appended is not compared with anything. An import knows it, and a graph shows a repetition once.
#[test]
fn appended_records_are_known_to_imports() {
    let (_dir, path) = place();
    let mut store = Store::open_or_create(&path).unwrap();
    let records = records();
    let report = store.append(records[..200].iter().cloned()).unwrap();
    assert_eq!((report.read, report.stored, report.repeated), (200, 200, 0));
    let report = store.import(records.iter().cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (200, 200));
    once_each(&store);
    // Between two imports of the same store, too.
    assert_eq!(store.append(records[..50].iter().cloned()).unwrap().stored, 50);
    assert_eq!(store.import(records.iter().cloned()).unwrap().repeated, 400);
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    assert_eq!(store.graph(run(1)).unwrap().unwrap().spans.len(), 10);
}

/// Whoever only reads what a database has logged did not work on the run.
#[test]
fn readers_of_a_log_are_no_services() {
    use spanbridge::record::{Body, Mutation, MutationOp};
    let (_dir, path) = place();
    let mut store = Store::open_or_create(&path).unwrap();
    let mut shop = Recording::of(run(1), 1, "shop");
    let span = shop.span(1, 0, "step", 1, 2);
    let mutation = |n: u64, run_of: &Record<'static>| {
        let row = Mutation::new(format!("m{n}"), "shop", "orders", r#"{"id":1}"#, MutationOp::Insert);
        let segment = spanbridge::SegmentId::new(99).unwrap();
        Record::new(segment, n, "reader", Body::Mutation(row)).of_run(run_of.run_id, run_of.trace_id)
    };
    store.append([mutation(1, &span), span.clone(), mutation(2, &span)]).unwrap();
    let of_graph = |store: &Store| {
        let segments = store.graph(run(1)).unwrap().unwrap().run.segments;
        segments.iter().map(|segment| segment.service.clone()).collect::<Vec<_>>()
    };
    let listed = |store: &Store| store.runs(&RunFilter::default(), 9).unwrap()[0].services.clone();
    assert_eq!((listed(&store), of_graph(&store)), (vec!["shop".to_owned()], vec!["shop".to_owned()]));
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    assert_eq!((listed(&store), of_graph(&store)), (vec!["shop".to_owned()], vec!["shop".to_owned()]));
}
