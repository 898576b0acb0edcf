//! Where records go, and what a sink answers.

use super::batch::RecordBatch;
use std::fmt;
use std::time::Duration;

/// Where records go: a file, a store, a collector.
///
/// A sink is synchronous and works on a thread of its own, so it may block. If it needs an async runtime, it owns one. While
/// it works, batches wait for it in memory, up to its share of
/// [`RecorderBuilder::memory_limit`](crate::RecorderBuilder::memory_limit); beyond that it misses batches, and what it
/// missed is counted and reported. No sink holds up another, or the application.
///
/// Walk over a batch with `for record in batch`. See [`RecordView`](crate::record::RecordView).
///
/// # Answers
/// | the sink answers | then |
/// |---|---|
/// | `Ok(Receipt::default())` | it has taken every record |
/// | `Ok(`[`Receipt::rejecting`]`(..))` | it has taken every record but these, and will never take these |
/// | `Ok(receipt.`[`retrying`](Receipt::retrying)`(..))` | these records are offered again later, the others are settled |
/// | `Err(`[`SinkError::new`]`(..))` | it has taken nothing, and the batch is offered again later |
/// | `Err(`[`SinkError::permanent`]`(..))` | it will never take any record of this batch |
///
/// What is offered again comes after a pause that doubles each time, from 50 ms to 10 s, with jitter; the sink may
/// ask for a longer one. Until then later batches wait. When a shutdown begins, a pause that the sink did not ask for ends, and the
/// next ones are short again. Delivery is at least once: after an error, and possibly after a crash, the same records come again, with the same [`RecordBatch::number`], the same bytes and the same numbers.
///
/// # Working in the background
/// A sink may clone a batch and go on with it elsewhere. The records stay in memory, and count towards the sink's
/// share, until the last clone is dropped; so a sink that is slow still takes no more than its share. It answers for what it
/// has taken: it retries, and returns from [`Sink::flush`] when nothing is left.
pub trait Sink: Send + 'static {
    /// Takes a batch.
    ///
    /// # Errors
    /// Nothing of the batch was taken. See "Answers" above.
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError>;

    /// Makes durable what was taken, if that needs doing. Called when a flush or a shutdown asks for it.
    ///
    /// # Errors
    /// Not everything that was taken is safe. The flush is reported as incomplete.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// What the sink is called in reports.
    fn name(&self) -> &str {
        "sink"
    }
}

/// What a sink did with a batch. By default, it took all of it.
///
/// A record is named by its place in the batch as it was offered: the `n`th of [`RecordBatch::iter`], from 0.
///
/// ```
/// # use spanbridge::{RecordBatch, Receipt, Sink, SinkError};
/// # enum Reply { Stored, Invalid, Busy }
/// # struct Collector; impl Collector { fn send(&mut self, _: String) -> Reply { Reply::Stored } }
/// impl Sink for Collector {
///     fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
///         let (mut invalid, mut busy) = (vec![], vec![]);
///         for (place, record) in batch.iter().enumerate() {
///             match self.send(record.to_json()) {
///                 Reply::Stored => {}
///                 Reply::Invalid => invalid.push((place, "the collector calls it invalid".to_owned())),
///                 Reply::Busy => busy.push(place),
///             }
///         }
///         Ok(Receipt::rejecting(invalid).retrying(busy, SinkError::new("the collector is busy")))
///     }
/// }
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Receipt {
    pub(super) rejected: Vec<(usize, String)>,
    pub(super) retry: Option<(Vec<usize>, SinkError)>,
    pub(super) warning: Option<String>,
}

impl Receipt {
    /// It took all but these: their places in the batch, and why it will never take them.
    pub fn rejecting(rejected: Vec<(usize, String)>) -> Self {
        Self { rejected, ..Self::default() }
    }

    /// It could not take these now, by their places in the batch: they are offered again later, without the others. A
    /// [permanent](SinkError::permanent) error rejects them instead.
    pub fn retrying(self, places: Vec<usize>, why: SinkError) -> Self {
        Self { retry: (!places.is_empty()).then_some((places, why)), ..self }
    }

    /// Something to report that no record of this batch is about, such as that what was taken before is lost. It is reported as
    /// [`SinkReport::last_error`](crate::SinkReport::last_error).
    pub fn warning(self, what: impl Into<String>) -> Self {
        Self { warning: Some(what.into()), ..self }
    }

    /// The records that it will never take: their places in the batch, and why.
    pub fn rejected(&self) -> &[(usize, String)] {
        &self.rejected
    }
}

/// Why a sink could not take records.
#[derive(Debug)]
pub struct SinkError {
    cause: Box<dyn std::error::Error + Send + Sync>,
    pub(super) again: Again,
}

/// When records may be offered again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Again {
    /// After the usual pause.
    Soon,
    /// Not before so long.
    After(Duration),
    Never,
}

impl SinkError {
    /// From any error or message. The records are offered again later.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), again: Again::Soon }
    }

    /// From any error or message. The sink will never take these records, and they are counted as rejected.
    pub fn permanent(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { cause: cause.into(), again: Again::Never }
    }

    /// Asks for at least this pause before the records are offered again, as in HTTP's `Retry-After`. At most five
    /// minutes are granted. Changes nothing about a permanent error.
    pub fn retry_after(self, pause: Duration) -> Self {
        let again = if let Again::Never = self.again { Again::Never } else { Again::After(pause) };
        Self { again, ..self }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deliver records: {}", self.cause)
    }
}

impl std::error::Error for SinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source() // the cause itself is in our text
    }
}

/// A closure is a sink, too.
impl<F> Sink for F
where
    F: FnMut(&RecordBatch) -> Result<Receipt, SinkError> + Send + 'static,
{
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        self(batch)
    }

    fn name(&self) -> &str {
        "closure"
    }
}
