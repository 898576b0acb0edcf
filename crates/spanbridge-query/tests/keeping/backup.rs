//! Copies of a store that is in use.

use crate::common::*;
use crate::place::*;
use spanbridge_query::ErrorKind;
use spanbridge_query::keeping;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[test]
fn a_copy_answers_the_same() {
    let (dir, path) = filled(5, 200);
    let copy = dir.path().join("deep").join("copy");
    let before = contents(&path);
    let report = keeping::backup(&path, &copy).unwrap();
    assert!(report.logs > 0 && report.bytes > 0);
    assert_eq!(contents(&copy), before);
    let checked = keeping::check(&copy, |_| ()).unwrap();
    assert_eq!((checked.problems, checked.losses), (vec![], vec![]));
    fold(&copy);
    assert_eq!(contents(&copy), before);
    #[cfg(unix)]
    for file in fs::read_dir(&copy).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{file:?}");
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let (dir, path) = filled(6, 20);
    let (copy, file) = (dir.path().join("copy"), dir.path().join("file"));
    fs::create_dir(&copy).unwrap();
    keeping::backup(&path, &copy).unwrap();
    fs::write(&file, "mine").unwrap();
    for target in [&copy, &file] {
        let error = keeping::backup(&path, target).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Occupied, "{error}");
        assert!(error.to_string().starts_with("copy the store "), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    // Nothing else is left beside it.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    let none = keeping::backup(dir.path().join("none"), dir.path().join("new")).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound, "{none}");
}

/// Each delivery is in a copy whole, and once, however it was written or folded meanwhile.
#[test]
fn writers_and_folders_go_on() {
    let (dir, path) = directory();
    drop(sink(&path));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 1..=2u64 {
            let (path, stop) = (&path, &stop);
            scope.spawn(move || {
                let mut sink = sink(path);
                for number in 1..=2000 {
                    let mut shop = Recording::of(run(u128::from(number % 50 + 1)), writer << 32 | number, "shop");
                    let records: Vec<_> =
                        (0..10).map(|k| shop.span(writer << 24 | number << 4 | k, 0, "s", 1, 2)).collect();
                    store(&mut sink, writer, number, &records);
                    if stop.load(SeqCst) {
                        break;
                    }
                }
            });
        }
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                fold(&path);
            }
        });
        let mut last = 0;
        for n in 0..8 {
            let copy = dir.path().join(format!("copy-{n}"));
            keeping::backup(&path, &copy).unwrap();
            let mut segments = std::collections::BTreeMap::<u64, usize>::new();
            open(&copy).records(None, |record| *segments.entry(record.segment_id.get()).or_default() += 1).unwrap();
            assert!(segments.values().all(|records| *records == 10), "{segments:?}");
            assert!(segments.len() >= last);
            last = segments.len();
            assert_eq!(keeping::check(&copy, |_| ()).unwrap().problems, []);
        }
        stop.store(true, SeqCst);
    });
}
