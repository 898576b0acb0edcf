//! Asks the binary about stores.

use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_query::Store;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Outputs, each with the file of its schema.
pub(crate) type Outputs = Vec<(&'static str, Value)>;

/// A store with these records.
pub(crate) fn keep(records: impl IntoIterator<Item = Record<'static>>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    Store::open_or_create(dir.path()).unwrap().import(records).unwrap();
    dir
}

/// What a command prints, whatever its exit code.
pub(crate) fn printed(store: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    // What follows a `--` belongs to another program.
    let (own, rest) = args.split_at(args.iter().position(|arg| *arg == "--").unwrap_or(args.len()));
    let output = command.args(own).arg("--db").arg(store).args(rest).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json(store: &Path, args: &[&str]) -> Value {
    let (command, more) = args.split_at(1);
    serde_json::from_str(&printed(store, &[command, &["--format", "json"], more].concat())).unwrap()
}
