//! The database of the shop: a SQLite file, which is gone when the demo ends. Each service has its own connection, as if it were a
//! process of its own.

use anyhow::Context as _;
use rusqlite::Connection;
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const TABLES: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER UNIQUE, sku TEXT, cents INTEGER, status TEXT);
    CREATE TABLE stock (sku TEXT PRIMARY KEY, shelf TEXT, count INTEGER) WITHOUT ROWID;
    CREATE TABLE packed_today (sku TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID;
    INSERT INTO stock VALUES ('umbrella', 'B7', 12);";

/// The file.
#[derive(Clone)]
pub(crate) struct Database(Arc<File>);

struct File(PathBuf);

impl Database {
    /// Creates the file and the tables.
    pub(crate) fn create() -> anyhow::Result<Self> {
        // Each run has a file of its own, so rows of two runs are not taken for one.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let directory = std::env::temp_dir().join(format!("spanbridge-demo-{}-{now:x}", std::process::id()));
        std::fs::create_dir(&directory).with_context(|| format!("failed to create {}", directory.display()))?;
        let file = File(directory.join("orders.db"));
        let tables = Connection::open(&file.0).and_then(|db| db.execute_batch(TABLES));
        tables.with_context(|| format!("failed to create {}", file.0.display()))?;
        Ok(Database(Arc::new(file)))
    }

    /// A connection whose statements and rows are recorded.
    pub(crate) fn connect(&self) -> rusqlite::Result<SqliteConnection> {
        Ok(Connection::open(&self.0.0)?.observed(StatePolicy::values()))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some(directory) = self.0.parent() {
            let _ = std::fs::remove_dir_all(directory);
        }
    }
}
