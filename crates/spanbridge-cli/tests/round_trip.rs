//! Every export that can be read back, of stores that together have everything: nothing is lost on the way out and in.

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "schema/pairs.rs"]
mod pairs;
#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "schema/relations.rs"]
#[expect(dead_code, reason = "pruned runs are of the tests of the schemas")]
mod relations;
#[path = "schema/steps.rs"]
mod steps;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use spanbridge::record::Record;
use spanbridge_query::Store;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn empty() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    Store::open_or_create(dir.path()).unwrap();
    dir
}

/// Runs a command on a store, which must succeed without a word on standard error.
fn ran(store: &Path, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(args).arg("--db").arg(store).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()), "{args:?}");
    output.stdout
}

/// The store as a file of this form, and a new store that was read from the file.
fn turn(store: &Path, form: &str) -> (Vec<u8>, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("export").to_str().unwrap().to_owned();
    ran(store, &["export", "--to", form, "-o", &file]);
    let copy = empty();
    ran(copy.path(), &["import", &file]);
    (std::fs::read(&file).unwrap(), copy)
}

fn lines(store: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    Store::open(store).unwrap().records(None, |record| lines.push(record.to_json())).unwrap();
    lines.sort_unstable();
    lines
}

fn filled(records: Vec<Record<'static>>) -> TempDir {
    let store = empty();
    Store::open(store.path()).unwrap().import(records).unwrap();
    store
}

/// Lines come back as they were, to the last byte; so does what OTLP carries; and once it went through OTLP, nothing changes any
/// more. Runs that are listed are the same each time.
#[test]
fn what_leaves_comes_back_exactly() {
    let listed = |store: &Path| ran(store, &["runs", "--children", "--limit", "1000", "--format", "json"]);
    for records in [[steps::all(), relations::all(), steps::path()].concat(), pairs::all()] {
        let store = filled(records);
        let (whole, runs) = (lines(store.path()), listed(store.path()));
        assert!(!whole.is_empty());
        let parquet = cfg!(feature = "parquet").then_some("parquet");
        for form in ["lines", "otlp", "otlp-protobuf"].into_iter().chain(parquet) {
            let (_, once) = turn(store.path(), form);
            assert_eq!(lines(once.path()), whole, "{form}");
            assert_eq!(listed(once.path()), runs, "{form}");
            let (second, twice) = turn(once.path(), form);
            let (third, _) = turn(twice.path(), form);
            assert!(second == third, "{form}: another turn changes the file");
        }
    }
}

/// The stories of `why`, through OTLP.
#[test]
fn every_story_comes_back_through_otlp() {
    for planted in planted::ALL {
        let mut story = story::Story::default();
        (planted.tell)(&mut story);
        let store = filled(story.records);
        let (_, copy) = turn(store.path(), "otlp");
        assert_eq!(lines(copy.path()), lines(store.path()), "{}", planted.name);
    }
}
