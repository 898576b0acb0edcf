//! The columns of the table of records.

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ids have the highest byte first, so their order is that of their digits.
    Fixed(u8),
    Date,
    U8,
    U32,
    U64,
    Text,
    /// A text of which there are few.
    Word,
    /// A list of such texts.
    Words,
    Texts,
    U8s,
}

/// The names and kinds of all columns, in the order in which they are inserted and read. `row::encode` and `row::decode` walk over
/// them in this order.
///
/// A time is in two columns: the upper and the lower half of its nanoseconds since the Unix epoch. So the upper halves of a run are
/// equal and take next to no place, with every codec.
pub(crate) const COLUMNS: [(&str, Kind); 27] = [
    // Which of several rows with the same content stays: the one that was inserted first. The complement of the time in microseconds.
    ("version", Kind::U64),
    // Of all columns from `run` on.
    ("hash", Kind::U32),
    ("day", Kind::Date),
    // The seconds of the first and the last record that came with one that has no time.
    ("near_first", Kind::U32),
    ("near_last", Kind::U32),
    ("run", Kind::Fixed(16)),
    // Which of its ids the record names: 1 the run, 2 the trace.
    ("ids", Kind::U8),
    // 16 bytes, or nothing: the run's own trace, or none.
    ("trace", Kind::Text),
    ("segment", Kind::Fixed(8)),
    ("seq", Kind::U64),
    ("service", Kind::Word),
    ("type", Kind::Word),
    ("span", Kind::Fixed(8)),
    ("parent", Kind::Fixed(8)),
    ("name", Kind::Word),
    ("primitive", Kind::Word),
    ("kind", Kind::Word),
    ("status", Kind::Word),
    ("at_high", Kind::U32),
    ("at_low", Kind::U32),
    ("took_high", Kind::U32),
    ("took_low", Kind::U32),
    ("attribute.key", Kind::Words),
    ("attribute.kind", Kind::U8s),
    ("attribute.value", Kind::Texts),
    // All that has no column: see `spanbridge_query::engine::row::field`.
    ("field.key", Kind::Words),
    ("field.value", Kind::Texts),
];

/// The names of all columns, in the order of [`COLUMNS`], for a statement.
pub(crate) fn names() -> String {
    COLUMNS.map(|(name, _)| format!("`{name}`")).join(", ")
}

/// The names of the columns that `read_row` reads.
pub(crate) fn content() -> String {
    let names = COLUMNS.iter().skip_while(|(name, _)| *name != "run");
    names.map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The bits of the column `ids`.
pub(crate) mod ids {
    pub(crate) const RUN: u8 = 1;
    pub(crate) const TRACE: u8 = 2;
}

/// A key in the column `field.key` with the whole record. Then the other columns only serve to find it: ClickHouse itself has read it from
/// Kafka.
pub(crate) const JSON: &str = "json";
