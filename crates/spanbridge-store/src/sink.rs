//! The sink: deliveries of a recorder, written as they come.

use crate::delivery::Assembler;
use crate::error::{Error, Result};
use crate::file::{self, IfMissing};
use crate::path::default_path;
use crate::write::{self, BatchId};
use rusqlite::Connection;
use spanbridge::record::{Record, RecordView};
use spanbridge::{Receipt, RecordBatch, Sink, SinkError};
use std::fmt;
use std::path::{Path, PathBuf};

/// Writes deliveries into a store. Several processes may have a sink on the same file.
///
/// A delivery is stored whole or not at all. One that comes again is recognised and not stored twice; other content
/// under the number of an earlier delivery is kept beside it, with a diagnostic. While the file is locked for too long or
/// the disk is full, the sink asks for the delivery to be offered again; a record that can never be stored (over 8 MiB)
/// is named in the receipt.
pub struct StoreSink {
    path: PathBuf,
    connection: Connection,
    assembler: Assembler,
}

impl StoreSink {
    /// Opens the store at this path, and makes it, with its directories, where there is none.
    ///
    /// # Errors
    /// When the store cannot be used: better now than at the first delivery.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let connection = file::open(path, IfMissing::Create)?;
        Ok(Self { path: path.to_owned(), connection, assembler: Assembler::default() })
    }

    /// Opens the store at [`default_path`], and makes it where there is none.
    ///
    /// # Errors
    /// As [`StoreSink::open`] and [`default_path`].
    pub fn open_default() -> Result<Self> {
        Self::open(default_path()?)
    }

    /// What [`Sink::deliver`] does, for records that are not in a batch: tests and benches have none.
    #[doc(hidden)]
    pub fn deliver_records(&mut self, instance: u64, number: u64, records: &[Record<'_>]) -> Result<Receipt> {
        self.store(BatchId { instance, number }, || records.iter().map(Record::view))
    }

    fn store<'a, R: Iterator<Item = RecordView<'a>>>(
        &mut self,
        batch: BatchId,
        records: impl Fn() -> R,
    ) -> Result<Receipt> {
        let rejected = write::store(&self.connection, &mut self.assembler, batch, records)
            .map_err(|e| e.at("write to", &self.path))?;
        Ok(Receipt::rejecting(rejected))
    }
}

impl Sink for StoreSink {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let id = BatchId { instance: batch.instance(), number: batch.number() };
        self.store(id, || batch.iter()).map_err(SinkError::new)
    }

    /// Moves what was stored from the log into the file, and both onto the disk, as far as readers allow.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .map_err(|e| SinkError::new(Error::from(e).at("flush", &self.path)))
    }

    fn name(&self) -> &str {
        "store"
    }
}

impl fmt::Debug for StoreSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSink").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use spanbridge::record::RunSuspend;
    use spanbridge::{RunId, SegmentId};
    use std::time::Duration;

    fn records(text: &str) -> Vec<Record<'_>> {
        let body = RunSuspend::new(text, 1);
        let run_id = RunId::new(7);
        let segment_id = SegmentId::new(1).unwrap();
        vec![Record::new(segment_id, 1, "s", body).of_run(run_id, None)]
    }

    fn stored(path: &Path) -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("SELECT coalesce(sum(records), 0) FROM delivery", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_locked_store_asks_for_another_try() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let mut sink = StoreSink::open(&path).unwrap();
        sink.connection.busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = sink.deliver_records(1, 1, &records("a")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().starts_with(&format!("write to the store {}: ", path.display())), "{error}");
        other.execute_batch("ROLLBACK").unwrap();
        assert!(sink.deliver_records(1, 1, &records("a")).unwrap().rejected().is_empty());
        assert_eq!(stored(&path), 1);
    }

    /// A full disk asks for a retry, and nothing of the delivery stays behind.
    #[test]
    fn a_full_disk_asks_for_a_retry() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let mut sink = StoreSink::open(&path).unwrap();
        let noise: String =
            (0..100_000u64).map(|n| char::from(b'a' + (spanbridge_graph::hash::join(n, n) % 26) as u8)).collect();
        let limit = |sink: &StoreSink, pages: u32| {
            sink.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        };
        limit(&sink, 10);
        let error = sink.deliver_records(1, 1, &records(&noise)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert_eq!(stored(&path), 0);
        limit(&sink, 10_000);
        assert!(sink.deliver_records(1, 1, &records(&noise)).unwrap().rejected().is_empty());
        sink.flush().unwrap();
        assert_eq!(stored(&path), 1);
    }

    #[test]
    fn threads_may_have_one() {
        fn sent<T: Send + 'static>() {}
        sent::<StoreSink>();
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Error>();
    }
}
