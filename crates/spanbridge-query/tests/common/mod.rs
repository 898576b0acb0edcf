//! A store for tests, and short ways to make records for it.
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_query::Store;
use spanbridge_store::StoreSink;
use std::path::PathBuf;
use tempfile::TempDir;

pub(crate) mod old;

#[path = "../../../spanbridge-graph/tests/common/mod.rs"]
mod records;
pub(crate) use records::*;

/// A temporary directory, and the path of a store in it.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep").join("er").join("spanbridge.db");
    (dir, path)
}

/// Delivers records as one batch.
pub(crate) fn deliver(sink: &mut StoreSink, instance: u64, number: u64, records: &[Record<'_>]) {
    let receipt = sink.deliver_records(instance, number, records).unwrap();
    assert_eq!(receipt.rejected(), []);
}

/// Every record of the store, as JSON.
pub(crate) fn all(store: &Store, run: Option<RunId>) -> Vec<String> {
    let mut lines = Vec::new();
    store.records(run, |record| lines.push(format!("{record:?}"))).unwrap();
    lines
}
