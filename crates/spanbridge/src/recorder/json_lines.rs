//! A sink that writes records as lines of JSON.

use super::batch::RecordBatch;
use super::sink::{Receipt, Sink, SinkError};
use std::io::{ErrorKind, Write};

/// Bytes that are collected before they are written. As text, a batch is several times as large as in memory.
const PIECE: usize = 128 << 10;

/// Writes each record as one line of JSON.
///
/// If writing a batch fails half-way, all of it is written again. So a reader may see some records twice; readers of
/// records ignore repeats. If the writer took only a part of a line, the next record starts on a new line.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
    /// The last byte that was written is not the end of a line.
    torn: bool,
}

impl<W: Write + Send + 'static> JsonLines<W> {
    /// Writes to a file, a pipe, standard output or any other writer.
    pub fn new(writer: W) -> Self {
        JsonLines { writer, torn: false }
    }

    /// As [`Write::write_all`], but keeps track of torn lines, even if the writer panics.
    fn write(&mut self, mut lines: &[u8]) -> Result<(), SinkError> {
        while !lines.is_empty() {
            let was_torn = std::mem::replace(&mut self.torn, true);
            let taken = match self.writer.write(lines) {
                Ok(0) => Err(ErrorKind::WriteZero.into()),
                Err(e) if e.kind() == ErrorKind::Interrupted => Ok(0),
                other => other,
            };
            let taken = taken.inspect_err(|_| self.torn = was_torn).map_err(SinkError::new)?.min(lines.len());
            let (done, rest) = lines.split_at(taken);
            self.torn = done.last().map_or(was_torn, |last| *last != b'\n');
            lines = rest
        }
        Ok(())
    }
}

impl<W: Write + Send + 'static> Sink for JsonLines<W> {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let mut lines = Vec::with_capacity(PIECE.min(1 + batch.len() * 256));
        lines.extend(self.torn.then_some(b'\n'));
        let mut line = String::with_capacity(512);
        for record in batch {
            line.clear();
            record.write_json(&mut line);
            if !lines.is_empty() && lines.len() + line.len() >= PIECE {
                self.write(&lines)?;
                lines.clear()
            }
            lines.extend_from_slice(line.as_bytes());
            lines.push(b'\n');
        }
        self.write(&lines)?;
        self.writer.flush().map_err(SinkError::new)?;
        Ok(Receipt::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.writer.flush().map_err(SinkError::new)
    }

    fn name(&self) -> &str {
        "json-lines"
    }
}
