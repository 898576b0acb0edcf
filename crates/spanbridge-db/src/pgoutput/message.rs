//! The messages.

use super::lsn::Lsn;
use super::relation::Relation;
use super::tuple::Tuple;
use std::borrow::Cow;

/// A message of `pgoutput`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// A transaction that was committed begins.
    Begin(Begin),
    /// What an application wrote with `pg_logical_emit_message`.
    Message(LogicalMessage<'a>),
    /// The transaction came from another server.
    Origin(Origin<'a>),
    /// A table.
    Relation(Relation<'a>),
    /// A type that is not built in.
    Type(TypeName<'a>),
    /// A new row.
    Insert(Insert<'a>),
    /// A row that changed.
    Update(Update<'a>),
    /// A row that is gone.
    Delete(Delete<'a>),
    /// Tables that were emptied.
    Truncate(Truncate<'a>),
    /// The transaction ends.
    Commit(Commit),
}

/// The beginning of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Begin {
    /// Where its commit is.
    pub final_lsn: Lsn,
    /// When it was committed, in microseconds since the Unix epoch.
    pub committed_at: i64,
    /// Its number.
    pub xid: u32,
}

/// The end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// Where its commit is.
    pub commit_lsn: Lsn,
    /// Where its commit ends. A slot that is advanced to here does not return it again.
    pub end_lsn: Lsn,
    /// When it was committed, in microseconds since the Unix epoch.
    pub committed_at: i64,
}

/// What an application wrote.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogicalMessage<'a> {
    /// Whether it is part of the transaction. Others come outside of any, and also if theirs was rolled back.
    pub transactional: bool,
    /// Where it is.
    pub lsn: Lsn,
    /// Whose it is.
    pub prefix: Cow<'a, str>,
    /// What it says.
    pub content: &'a [u8],
}

/// Where a transaction came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Origin<'a> {
    /// Where its commit is on the other server.
    pub commit_lsn: Lsn,
    /// The name of the other.
    pub name: Cow<'a, str>,
}

/// A type that is not built in. Of a domain, the names are those of the type below it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TypeName<'a> {
    /// Its object id. Columns name the type by it.
    pub oid: u32,
    /// Its schema, or that of the type below the domain.
    pub namespace: Cow<'a, str>,
    /// Its name, or that of the type below the domain.
    pub name: Cow<'a, str>,
}

/// A new row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Insert<'a> {
    /// The table.
    pub relation: u32,
    /// The row.
    pub new: Tuple<'a>,
}

/// A row that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Update<'a> {
    /// The table.
    pub relation: u32,
    /// What is told of the row before.
    pub old: Option<OldTuple<'a>>,
    /// The row after.
    pub new: Tuple<'a>,
}

/// A row that is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Delete<'a> {
    /// The table.
    pub relation: u32,
    /// What is told of the row.
    pub old: OldTuple<'a>,
}

/// What is told of a row before it changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OldTuple<'a> {
    /// Its replica identity. The other columns are null here, whatever they were.
    Key(Tuple<'a>),
    /// All of it.
    Full(Tuple<'a>),
}

/// Tables that were emptied together.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Truncate<'a> {
    /// With `CASCADE`.
    pub cascade: bool,
    /// With `RESTART IDENTITY`.
    pub restart_identity: bool,
    pub(super) relations: &'a [u8],
}

impl Truncate<'_> {
    /// The tables.
    pub fn relations(&self) -> impl ExactSizeIterator<Item = u32> {
        self.relations.chunks_exact(4).map(|oid| oid.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }
}

impl<'a> OldTuple<'a> {
    /// The columns.
    pub fn tuple(self) -> Tuple<'a> {
        match self {
            OldTuple::Key(tuple) | OldTuple::Full(tuple) => tuple,
        }
    }
}
