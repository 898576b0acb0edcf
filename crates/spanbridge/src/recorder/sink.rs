//! Where records go.

use crate::record::Record;
use std::fmt;

/// Where records go. A sink is synchronous and works on a thread of its own; an exporter that needs a runtime owns one.
///
/// Delivery is at least once: after an `Err`, and possibly after a crash, the same batch comes again under the same
/// [`Batch::number`].
pub trait Sink: Send + 'static {
    /// Takes a batch. `Err` means that nothing of it was taken, and that it should be offered again later.
    fn deliver(&mut self, batch: &Batch) -> Result<Receipt, SinkError>;

    /// Makes durable what was taken, if that needs doing. Called when a flush or a shutdown asks for it.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// What the sink is called in reports.
    fn name(&self) -> &str {
        "sink"
    }
}

/// What a sink did with a batch that it took.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Receipt {
    /// Records it will never take, by their place in the batch, and why.
    pub rejected: Vec<(usize, String)>,
}

/// Why a sink could not take a batch now.
#[derive(Debug)]
pub struct SinkError(Box<dyn std::error::Error + Send + Sync>);

impl SinkError {
    /// From any error or message.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deliver records: {}", self.0)
    }
}

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// The records of one delivery: frozen, so that every sink and every retry sees the same.
#[derive(Debug)]
pub struct Batch {
    instance: u64,
    number: u64,
    records: Vec<Record<'static>>,
}

impl Batch {
    /// Names the recorder that made it; with the number it names the batch.
    pub fn instance(&self) -> u64 {
        self.instance
    }

    /// Counts up from 1 in each recorder. A batch that comes again has the same number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, in order. Those of one run stand together in stretches, but a run may have several.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.records.iter().cloned()
    }
}
