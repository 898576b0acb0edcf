//! A sink that writes records as lines of JSON.

use super::batch::Batch;
use super::sink::{Receipt, Sink, SinkError};
use std::io::Write;

/// Writes each record as a line of JSON, a batch at a time.
///
/// A batch whose writing fails half-way comes again, so a reader may see its first records twice; readers of records
/// take that as it is meant.
#[derive(Debug)]
pub struct JsonLines<W>(W);

impl<W: Write + Send + 'static> JsonLines<W> {
    /// Into a file, a pipe, standard output.
    pub fn new(writer: W) -> Self {
        JsonLines(writer)
    }
}

impl<W: Write + Send + 'static> Sink for JsonLines<W> {
    fn deliver(&mut self, batch: &Batch) -> Result<Receipt, SinkError> {
        let mut lines = Vec::with_capacity(batch.len() * 256);
        for record in batch.records() {
            lines.extend_from_slice(record.to_json().as_bytes());
            lines.push(b'\n');
        }
        self.0.write_all(&lines).and_then(|()| self.0.flush()).map_err(SinkError::new)?;
        Ok(Receipt::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.0.flush().map_err(SinkError::new)
    }

    fn name(&self) -> &str {
        "json-lines"
    }
}
