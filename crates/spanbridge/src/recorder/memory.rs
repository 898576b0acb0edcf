//! A sink that keeps everything, for tests.

use super::batch::RecordBatch;
use super::report::lock;
use super::sink::{Receipt, Sink, SinkError};
use crate::record::Record;
use std::sync::{Arc, Mutex};

/// Keeps every record in memory. Clones share the records: give one to the recorder, and look at the other.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Vec<Record<'static>>>>);

impl Memory {
    /// Creates an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records so far, in the order of delivery.
    pub fn records(&self) -> Vec<Record<'static>> {
        lock(&self.0).clone()
    }

    /// Takes the records out, so that the next call returns only newer ones.
    pub fn take(&self) -> Vec<Record<'static>> {
        std::mem::take(&mut *lock(&self.0))
    }
}

impl Sink for Memory {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        lock(&self.0).extend(batch.records().map(Record::into_owned));
        Ok(Receipt::default())
    }

    fn name(&self) -> &str {
        "memory"
    }
}
