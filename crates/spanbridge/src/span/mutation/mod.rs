//! Rows of databases that were changed: what is said about them, and recording it.

mod recorded;

pub use recorded::{record_mutation, records_mutations};

use crate::SpanId;
use std::borrow::Cow;

/// A row was inserted, updated or deleted, or a table was emptied, and that was committed.
///
/// Values are JSON texts, word for word as they were captured. A column that is named in [`columns`](Mutation::columns) and
/// is in neither object was left out by the capture policy. A column that is nowhere did not change.
///
/// ```
/// use spanbridge::adapter::{Mutation, MutationOp};
///
/// let paid = Mutation::new("m1", "shop", "orders", r#"{"id":1}"#, MutationOp::Update)
///     .with_before(Some(r#"{"status":"new"}"#.into()))
///     .with_after(Some(r#"{"status":"paid"}"#.into()))
///     .with_columns(vec!["status".into()]);
/// assert_eq!(paid.op.name(), "update");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mutation<'a> {
    /// Names the mutation. What can be read twice has the same id both times.
    pub mutation_id: Cow<'a, str>,
    /// The span that wrote it, if that is known.
    pub span_id: Option<SpanId>,
    /// The database, as its users name it.
    pub database: Cow<'a, str>,
    /// The table, with its schema if the database has schemas.
    pub table: Cow<'a, str>,
    /// The key of the row: a JSON object of the key's columns in their order. An empty object for a truncate.
    pub key: Cow<'a, str>,
    /// What was done.
    pub op: MutationOp,
    /// A JSON object of values before the change. Absent on an update: they are not known.
    pub before: Option<Cow<'a, str>>,
    /// A JSON object of values after the change.
    pub after: Option<Cow<'a, str>>,
    /// The columns that were written. If the values before are not known, these may have the value that they had.
    pub columns: Vec<Cow<'a, str>>,
    /// When it was committed, in nanoseconds since the Unix epoch.
    pub committed_at: Option<u64>,
    /// Where it stands in the database's own order.
    pub position: Option<Cow<'a, str>>,
}

/// What was done to a row or a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MutationOp {
    /// A row was added.
    Insert,
    /// A row was changed.
    Update,
    /// A row was removed.
    Delete,
    /// All rows of the table were removed.
    Truncate,
}

impl MutationOp {
    /// Every one of them.
    pub const ALL: [MutationOp; 4] = [MutationOp::Insert, MutationOp::Update, MutationOp::Delete, MutationOp::Truncate];

    /// Its name in JSON: `insert`, `update`, `delete` or `truncate`.
    pub const fn name(self) -> &'static str {
        match self {
            MutationOp::Insert => "insert",
            MutationOp::Update => "update",
            MutationOp::Delete => "delete",
            MutationOp::Truncate => "truncate",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }
}

impl<'a> Mutation<'a> {
    /// A mutation of which nothing but the row is known. `key` is a JSON object.
    pub fn new(
        mutation_id: impl Into<Cow<'a, str>>,
        database: impl Into<Cow<'a, str>>,
        table: impl Into<Cow<'a, str>>,
        key: impl Into<Cow<'a, str>>,
        op: MutationOp,
    ) -> Self {
        Mutation {
            mutation_id: mutation_id.into(),
            span_id: None,
            database: database.into(),
            table: table.into(),
            key: key.into(),
            op,
            before: None,
            after: None,
            columns: Vec::new(),
            committed_at: None,
            position: None,
        }
    }

    /// The same mutation, written by this span.
    pub fn with_span_id(self, span_id: Option<SpanId>) -> Self {
        Mutation { span_id, ..self }
    }

    /// The same mutation, with values before it: a JSON object.
    pub fn with_before(self, before: Option<Cow<'a, str>>) -> Self {
        Mutation { before, ..self }
    }

    /// The same mutation, with values after it: a JSON object.
    pub fn with_after(self, after: Option<Cow<'a, str>>) -> Self {
        Mutation { after, ..self }
    }

    /// The same mutation, with the columns that were written.
    pub fn with_columns(self, columns: Vec<Cow<'a, str>>) -> Self {
        Mutation { columns, ..self }
    }

    /// The same mutation, committed at this time, in nanoseconds since the Unix epoch.
    pub fn with_committed_at(self, committed_at: Option<u64>) -> Self {
        Mutation { committed_at, ..self }
    }

    /// The same mutation, at this place in the database's order.
    pub fn with_position(self, position: Option<Cow<'a, str>>) -> Self {
        Mutation { position, ..self }
    }

    /// The same mutation, borrowing nothing.
    pub fn into_owned(self) -> Mutation<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Mutation {
            mutation_id: owned(self.mutation_id),
            span_id: self.span_id,
            database: owned(self.database),
            table: owned(self.table),
            key: owned(self.key),
            op: self.op,
            before: self.before.map(owned),
            after: self.after.map(owned),
            columns: self.columns.into_iter().map(owned).collect(),
            committed_at: self.committed_at,
            position: self.position.map(owned),
        }
    }
}
