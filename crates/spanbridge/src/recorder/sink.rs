//! Where records go.

use super::batch::Batch;
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

/// What a sink did with a batch that it took; by default, it took all of it.
#[derive(Debug, Default, Clone, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// Records it will never take, by their place in the batch, and why.
    pub rejected: Vec<(usize, String)>,
}

impl Receipt {
    /// It took all but these: their places in the batch, and why it will never take them.
    pub fn rejecting(rejected: Vec<(usize, String)>) -> Self {
        Self { rejected }
    }
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
        self.0.source() // the cause itself is in our text
    }
}

/// A closure is a sink, too.
impl<F> Sink for F
where
    F: FnMut(&Batch) -> Result<Receipt, SinkError> + Send + 'static,
{
    fn deliver(&mut self, batch: &Batch) -> Result<Receipt, SinkError> {
        self(batch)
    }

    fn name(&self) -> &str {
        "closure"
    }
}
