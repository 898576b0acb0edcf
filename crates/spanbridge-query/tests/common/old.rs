//! Writes stores of the earlier releases, as the last of those did (format 4).

use rusqlite::{Connection, params};
use spanbridge::record::Record;
use spanbridge_store::delivery::{Assembler, Delivery};
use std::path::Path;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE delivery(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        instance INTEGER,
        number INTEGER,
        hash INTEGER NOT NULL,
        records INTEGER NOT NULL,
        spans INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        block_list BLOB NOT NULL,
        run_heads BLOB NOT NULL,
        run_tails BLOB NOT NULL,
        traces BLOB NOT NULL,
        parents BLOB NOT NULL,
        links BLOB NOT NULL DEFAULT x'',
        aggregates BLOB NOT NULL,
        span_heads BLOB NOT NULL
    );
    CREATE INDEX delivery_batch ON delivery(instance, number) WHERE instance IS NOT NULL;
    CREATE TABLE block(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
    PRAGMA application_id = 0x53504252;
    PRAGMA user_version = 4;";

/// A process of an earlier release.
pub(crate) struct OldWriter {
    pub(crate) connection: Connection,
    assembler: Assembler,
}

impl OldWriter {
    /// Opens the file, and creates it if there is none.
    pub(crate) fn open(path: &Path) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let is_new = !path.exists();
        let connection = Connection::open(path).unwrap();
        if is_new {
            connection.execute_batch(TABLES).unwrap();
        }
        Self { connection, assembler: Assembler::default() }
    }

    /// Delivers records as one batch.
    pub(crate) fn deliver(&mut self, instance: u64, number: u64, records: &[Record<'_>]) {
        let delivery = self.assembler.assemble(records.iter().map(Record::view)).unwrap();
        assert_eq!(delivery.rejected, []);
        self.write(Some((instance, number)), &delivery);
    }

    fn write(&mut self, batch: Option<(u64, u64)>, delivery: &Delivery) {
        let transaction = self.connection.transaction().unwrap();
        let sql =
            "INSERT INTO delivery(instance, number, hash, records, spans, first_at, last_at, block_list, run_heads,
                       run_tails, traces, parents, links, aggregates, span_heads)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let columns = params![
            batch.map(|b| b.0 as i64),
            batch.map(|b| b.1 as i64),
            delivery.hash as i64,
            delivery.records as i64,
            delivery.spans as i64,
            delivery.first_at as i64,
            delivery.last_at as i64,
            delivery.block_list,
            delivery.run_heads,
            delivery.run_tails,
            delivery.traces,
            delivery.parents,
            delivery.links,
            delivery.aggregates,
            delivery.span_heads,
        ];
        transaction.execute(sql, columns).unwrap();
        let id = transaction.last_insert_rowid();
        for (number, block) in delivery.blocks.iter().enumerate() {
            let sql = "INSERT INTO block(id, data) VALUES (?, ?)";
            transaction.execute(sql, params![id << 20 | number as i64, block]).unwrap();
        }
        transaction.commit().unwrap();
    }
}
