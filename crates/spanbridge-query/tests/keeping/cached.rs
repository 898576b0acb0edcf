//! Looking after a store whose index is in the user's cache.

use crate::common::*;
use crate::place::*;
use spanbridge_query::keeping::{self, Prune};
use spanbridge_query::{ErrorKind, Store};
use spanbridge_store::log;
use std::process::Command;

/// Not a test by itself: the cache is set for a process.
#[test]
fn with_a_cache() {
    let Some(path) = std::env::var_os("SPANBRIDGE_TEST_CACHED_STORE") else { return };
    let (path, cache) =
        (std::path::Path::new(&path), std::path::PathBuf::from(std::env::var_os("XDG_CACHE_HOME").unwrap()));
    let before = contents(path);
    let logs = log::list(path).unwrap();
    fold(path);
    assert_eq!(contents(path), before);
    assert_eq!(log::list(path).unwrap(), logs, "others may not have folded them");

    let error = keeping::prune(path, &Prune::new().older_than(DAY), |_| true).unwrap_err();
    assert!(error.kind() == ErrorKind::Io && error.to_string().contains("in the user's cache"), "{error}");
    assert_eq!((contents(path), log::list(path).unwrap()), (before.clone(), logs));

    let checked = keeping::check(path, |_| ()).unwrap();
    assert_eq!((checked.problems, checked.losses), (vec![], vec![]));
    assert!(checked.index.unwrap().path.unwrap().starts_with(&cache));

    let copy = cache.join("copy");
    keeping::backup(path, &copy).unwrap();
    assert_eq!(contents(&copy), before);

    let rebuilt = keeping::rebuild(path, |_| true).unwrap();
    assert_eq!((rebuilt.runs, rebuilt.missing), (before.len() as u64, Some(0)));
    assert_eq!(contents(path), before);
    // Nothing was moved from one file system to another.
    let aside = rebuilt.put_aside.unwrap();
    assert!(aside.starts_with(&cache), "{aside:?}");
    assert_eq!(contents(&aside), before);

    let record = || Recording::of(run(77), 77, "imported").record(run_start("new", 1, None));
    let mut store = Store::open(path).unwrap();
    assert_eq!(store.import([record()]).unwrap().stored, 1);
    assert_eq!(store.import([record()]).unwrap().repeated, 1);
    assert_eq!(contents(path).len(), before.len() + 1);
}

#[test]
fn an_index_in_the_cache_is_kept_as_well() {
    let (dir, path) = directory();
    let mut random = Random(9);
    let mut sink = sink(&path);
    for (number, records) in deliveries(&mut random, 60).iter().enumerate() {
        if !records.is_empty() {
            store(&mut sink, 1, number as u64, records);
        }
    }
    drop(sink);
    // Nobody can create the file where a directory is, not even root.
    std::fs::create_dir(path.join("index.db")).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cached::with_a_cache"]).env("SPANBRIDGE_TEST_CACHED_STORE", &path);
    let output = command.env("XDG_CACHE_HOME", dir.path().join("cache")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
