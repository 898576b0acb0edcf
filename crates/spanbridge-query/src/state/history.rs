//! The changes of a row, in their order.

use serde_json::Value;
use spanbridge::SegmentId;
use spanbridge_graph::{Columns, Mutation, StateWriter};

/// What is known of a row: in each database with such a table.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StateAnswer {
    /// The rows, by database, table and key.
    pub rows: Vec<RowHistory>,
    /// From this time on every recorded change is known. Earlier ones may be missing: runs were pruned, or more than 20,000 runs
    /// changed such a row, and the oldest were not read. `None`: none is missing.
    pub known_since: Option<u64>,
}

/// A row, and what became of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowHistory {
    /// The database.
    pub database: String,
    /// The table, as the database calls it.
    pub table: String,
    /// The key.
    pub key: Columns,
    /// Its changes: by time of commit, then by position, then as one process recorded them.
    pub changes: Vec<RowChange>,
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowChange {
    /// What was recorded.
    pub mutation: Mutation,
    /// Who wrote it. `None`: an unknown writer.
    pub writer: Option<StateWriter>,
    /// The service that recorded it.
    pub service: String,
    /// The segment that recorded it, and its number there.
    pub recorded: (SegmentId, u64),
    /// The columns that have another value since, or may have. One that was written with the value that it had is not among them.
    pub effects: Vec<ColumnEffect>,
    /// Columns that had another value before than the last one known: a change in between is not recorded, or clocks differ.
    pub unexplained: Vec<String>,
    /// Whether it may have come before the one before it, or after the one after it: nothing says which was first.
    pub is_concurrent: bool,
}

/// A column that has another value since a change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnEffect {
    /// The name of the column.
    pub column: String,
    /// The value before: recorded with the change, else the last one known.
    pub before: Option<Value>,
    /// The value after. `None`: it was not captured.
    pub after: Option<Value>,
    /// Whether it has another value for sure. If not, it was written, and its value before is not known.
    pub is_certain: bool,
}

impl RowHistory {
    pub(crate) fn new(of: &Mutation, changes: Vec<RowChange>) -> Self {
        let Mutation { database, table, key, .. } = of;
        RowHistory { database: database.clone(), table: table.clone(), key: key.clone(), changes }
    }
}

impl RowChange {
    pub(crate) fn new(
        mutation: Mutation,
        writer: Option<StateWriter>,
        service: String,
        recorded: (SegmentId, u64),
    ) -> Self {
        let (effects, unexplained, is_concurrent) = (Vec::new(), Vec::new(), false);
        RowChange { mutation, writer, service, recorded, effects, unexplained, is_concurrent }
    }
}
