//! Import into a ClickHouse and export from it, in every format that comes back: the same records as with a directory.

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "schema/pairs.rs"]
mod pairs;
#[path = "schema/relations.rs"]
#[expect(dead_code, reason = "pruned runs are of the tests of the schemas")]
mod relations;
#[path = "schema/steps.rs"]
mod steps;

use spanbridge_clickhouse::{Address, Writer};
use spanbridge_query::Store;
use std::path::Path;
use std::process::Command;

fn run(db: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(args).args(["--db", db]).env_remove("SPANBRIDGE_DB").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a successful command writes.
fn ran(db: &str, args: &[&str]) -> String {
    let (code, out, err) = run(db, args);
    assert_eq!((code, &*err), (Some(0), ""), "{args:?}: {out}");
    out
}

fn export(db: &str, form: &str, file: &Path) {
    ran(db, &["export", "--to", form, "-o", file.to_str().unwrap()]);
}

fn records(db: &str) -> Vec<String> {
    let mut lines: Vec<String> = ran(db, &["export"]).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

struct Database {
    url: String,
    address: Address,
}

impl Database {
    /// One that nobody else uses.
    fn new(url: &str, name: &str) -> Self {
        let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
        let before = before.rsplit_once('/').unwrap().0;
        let url = format!("{before}/files_{}_{name}?{parameters}", std::process::id());
        Self { address: url.parse().unwrap(), url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = Writer::drop_database(&self.address);
    }
}

#[test]
fn files_come_and_go_as_with_a_directory() {
    let Some(url) = xtask::clickhouse::url() else { return };
    let mut forms = vec![("lines", "lines"), ("otlp", "otlp"), ("otlp-protobuf", "protobuf")];
    forms.extend(cfg!(feature = "parquet").then_some(("parquet", "parquet")));
    for (all, set) in
        [[steps::all(), relations::all(), steps::path()].concat(), pairs::all()].into_iter().zip(["a", "b"])
    {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("store");
        Store::open_or_create(&directory).unwrap().import(all).unwrap();
        let directory = directory.to_str().unwrap();
        let expected = records(directory);
        let runs = |db: &str| ran(db, &["runs", "--children", "--limit", "1000", "--format", "json"]);
        for (form, name) in &forms {
            let database = Database::new(&url, &format!("{set}_{name}"));
            let file = dir.path().join(name);
            export(directory, form, &file);
            let file = file.to_str().unwrap();
            let first = ran(&database.url, &["import", file]);
            assert!(first.contains(&format!("{} new", expected.len())), "{form}: {first}");
            let again = ran(&database.url, &["import", file]);
            assert!(again.contains(" 0 new, "), "{form}: {again}");
            assert_eq!(records(&database.url), expected, "{form}");
            assert_eq!(runs(&database.url), runs(directory), "{form}");
            // And back into a directory.
            let out = dir.path().join(format!("{name}-back"));
            export(&database.url, form, &out);
            let copy = tempfile::tempdir().unwrap();
            let copy = copy.path().join("store");
            ran(copy.to_str().unwrap(), &["import", out.to_str().unwrap()]);
            assert_eq!(records(copy.to_str().unwrap()), expected, "{form}");
        }
    }
}

/// Of some runs only.
#[test]
fn chosen_runs_are_exported() {
    let Some(url) = xtask::clickhouse::url() else { return };
    let database = Database::new(&url, "chosen");
    let dir = tempfile::tempdir().unwrap();
    let all = [steps::all(), relations::all(), steps::path()].concat();
    let run = all.iter().find_map(|record| record.run_id).unwrap().to_string();
    Store::open_or_create(dir.path()).unwrap().import(all).unwrap();
    let directory = dir.path().to_str().unwrap();
    // A whole store at once.
    ran(&database.url, &["import", directory]);
    for args in [&["export", &run] as &[&str], &["export", "--status", "error"], &["export", &run, "--to", "mermaid"]] {
        let sorted = |db: &str| {
            let mut lines: Vec<String> = ran(db, args).lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(sorted(&database.url), sorted(directory), "{args:?}");
    }
}
