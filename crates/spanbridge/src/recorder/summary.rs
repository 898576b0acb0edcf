//! What a flush reports.

/// What became of all records since the recorder began.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Every sink has, in time, taken or rejected everything that was recorded before the call and found room in memory.
    /// If a sink missed records because it was too far behind, the first flush after that is incomplete.
    pub complete: bool,
    /// Records that found no room in memory and reached no sink.
    pub dropped: u64,
    /// Attributes and texts that were cut or left out. A diagnostic of their span names them.
    pub cut: u64,
    /// One entry per sink, in the order in which they were added.
    pub sinks: Vec<SinkReport>,
}

/// What became of the records for one sink.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SinkReport {
    /// The sink's name.
    pub name: String,
    /// Records it took.
    pub delivered: u64,
    /// Records it will never take.
    pub rejected: u64,
    /// Records it missed because it was too far behind.
    pub dropped: u64,
    /// Records that still wait for it.
    pub left: u64,
    /// Spans whose end it will never get: those that end in the records that it missed, and after a shutdown those that end in
    /// records that it was not offered in time.
    pub missed_spans: u64,
    /// The last reason why it did not take records, or its last [warning](crate::Receipt::warning).
    pub last_error: Option<String>,
}
