//! A table of which rows were changed.

/// A table of which rows were changed, and the columns of its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ChangedTable {
    /// The table, with its schema if the database has schemas.
    pub table: String,
    /// The database.
    pub database: String,
    /// The columns of the key, in their order.
    pub key: Vec<String>,
}
