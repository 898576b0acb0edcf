//! What a flush tells.

/// What became of all records since the recorder began.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// In time, every sink has taken or rejected everything that was recorded before the call and found room in memory.
    /// What a sink was too far behind to be offered makes the first flush after that incomplete.
    pub complete: bool,
    /// Records that found no room in memory and reached no sink.
    pub dropped: u64,
    /// Attributes and texts that were cut or left out. A diagnostic of their span names them.
    pub cut: u64,
    /// Sink by sink, in the order in which they were added.
    pub sinks: Vec<SinkReport>,
}

/// What a sink made of the records it was offered.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SinkReport {
    /// The sink's name.
    pub name: String,
    /// Records it took.
    pub delivered: u64,
    /// Records it will never take.
    pub rejected: u64,
    /// Records it was not offered, because it was too far behind.
    pub dropped: u64,
    /// Records that still wait for it.
    pub left: u64,
    /// Why it could not take a batch, the last time that happened.
    pub last_error: Option<String>,
}
