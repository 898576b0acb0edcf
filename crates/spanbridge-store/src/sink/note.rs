//! What the sink itself records.

use crate::log::{BatchId, LogWriter};
use spanbridge::SegmentId;
use spanbridge::record::{AttributeValue, Diagnostic, Record};
use spanbridge_graph::hash::join;

/// Something to be recorded as a diagnostic.
#[derive(Debug)]
pub(super) struct Note {
    code: &'static str,
    message: String,
    count: u64,
    bytes: u64,
}

impl Note {
    /// A file is gone that was being written.
    pub(super) fn log_lost(file: &LogWriter) -> Self {
        let (name, count, bytes) = (file.header().name, file.frames(), file.length());
        let message = format!(
            "the log {name} was deleted, moved or replaced while it was written; deliveries in it may be lost ({count}, {bytes} bytes)"
        );
        Self { code: "store.log_lost", message, count, bytes }
    }

    /// Files were removed because of the limits.
    pub(super) fn logs_removed(files: u64, bytes: u64) -> Self {
        let message = "log files were removed to keep the store within its limits".to_owned();
        Self { code: "store.logs_removed", message, count: files, bytes }
    }

    /// What the application should hear of it. It has set the limits itself.
    pub(super) fn warning(&self) -> Option<&str> {
        (self.code == "store.log_lost").then_some(&self.message)
    }

    pub(super) fn record(&self, batch: BatchId, segment: SegmentId) -> Record<'_> {
        let BatchId { instance, number } = batch;
        let id = format!("store-{:016x}", join(join(instance, number), join(self.bytes, self.code.len() as u64)));
        let bytes = AttributeValue::I64(i64::try_from(self.bytes).unwrap_or(i64::MAX));
        let mut body = Diagnostic::new(self.code, &self.message).with_count(Some(self.count));
        body.attributes = [("spanbridge.store.bytes".into(), bytes)].into_iter().collect();
        Record::new(segment, number, "spanbridge-store", body).with_id(Some(id.into()))
    }
}
