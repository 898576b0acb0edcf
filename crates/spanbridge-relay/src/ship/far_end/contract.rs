//! What a shipper needs of a far end.

use crate::ship::stop::Stop;
use spanbridge::record::Record;
use std::time::Duration;

/// Where a [`Shipper`](crate::ship::Shipper) sends records. It has one batch at a time, and keeps it until all of it has arrived.
///
/// The same records may come again, also from another process: whoever reads there must know them again.
pub trait FarEnd: Send {
    /// Adds a record to the batch. Returns about how many bytes it takes there.
    fn add(&mut self, record: Record<'_>) -> usize;

    /// Sends what of the batch has not arrived yet. Once this returns, all records that can ever arrive are safe there, and the batch
    /// is empty.
    ///
    /// # Errors
    /// Some of the batch has not arrived, or nobody knows. It is kept, to be sent again. If `stop` is set meanwhile, this need not
    /// wait for a far end that does not answer.
    fn send(&mut self, stop: &Stop) -> Result<Sent, Away>;
}

/// What became of a batch that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// Records that can never arrive.
    pub rejected: u64,
    /// Why the first of these cannot.
    pub why: Option<String>,
}

impl Sent {
    /// Counts records that can never arrive.
    pub fn reject(&mut self, records: u64, why: impl Into<String>) {
        self.rejected += records;
        self.why.get_or_insert_with(|| why.into());
    }
}

/// Why a batch has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// The reason, for people.
    pub why: String,
    /// How long the far end asks to wait.
    pub pause: Option<Duration>,
}

impl Away {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), pause: None }
    }
}
