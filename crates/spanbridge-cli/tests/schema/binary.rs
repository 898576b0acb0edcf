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
    let output = command.args(args).arg("--db").arg(store).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{args:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json(store: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&printed(store, &[args, &["--format", "json"]].concat())).unwrap()
}
