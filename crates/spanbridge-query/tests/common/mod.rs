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

/// Makes the index of a store what an earlier release left: of format 1 to 4.
pub(crate) fn downgrade(store: &std::path::Path, format: i64) -> rusqlite::Connection {
    let index = rusqlite::Connection::open(store.join("index.db")).unwrap();
    index.execute_batch("DROP TABLE changed; DROP TABLE forgotten;").unwrap();
    index.pragma_update(None, "user_version", format).unwrap();
    if format == 4 {
        return index;
    }
    index.execute_batch("ALTER TABLE run DROP COLUMN unsettled; DROP TABLE settles_others;").unwrap();
    if format == 3 {
        return index;
    }
    let sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'run' AND name <> 'run_head'";
    let names = |connection: &rusqlite::Connection| {
        let mut query = connection.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<Vec<String>>>().unwrap()
    };
    for name in names(&index) {
        index.execute_batch(&format!("DROP INDEX {name}")).unwrap();
    }
    index
        .execute_batch(
            "ALTER TABLE run DROP COLUMN parent;
             ALTER TABLE run DROP COLUMN root;
             ALTER TABLE run DROP COLUMN root_at;
             DROP TABLE outdated;
             CREATE INDEX run_started ON run(started_at);
             CREATE INDEX run_name ON run(name, started_at);
             CREATE INDEX run_services ON run(services, started_at);
             CREATE INDEX run_status ON run(status, started_at) WHERE status <> 0;",
        )
        .unwrap();
    index
}
