//! What is said about a table before its first change.

use super::bytes::Bytes;
use super::error::ParseError;
use std::borrow::Cow;

/// A table, as it is told before its first change in a session, and again after it was altered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Relation<'a> {
    /// Its object id. Changes name the table by it.
    pub oid: u32,
    /// Its schema.
    pub namespace: Cow<'a, str>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// What identifies a row.
    pub replica_identity: ReplicaIdentity,
    /// The columns that are published, in the order of values.
    pub columns: Vec<Column<'a>>,
}

/// A column of a [`Relation`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Column<'a> {
    /// Whether it is part of the replica identity. With [`ReplicaIdentity::Full`], every column is.
    pub is_key: bool,
    /// Its name.
    pub name: Cow<'a, str>,
    /// The object id of its type.
    pub type_oid: u32,
    /// The modifier of its type, such as a length. -1: none.
    pub type_modifier: i32,
}

/// What the server logs of a row before it changes ([`ALTER TABLE … REPLICA
/// IDENTITY`](https://www.postgresql.org/docs/current/sql-altertable.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// The primary key, if it changes.
    Default,
    /// Nothing. Updates and deletes cannot be published.
    Nothing,
    /// The whole row.
    Full,
    /// The columns of a unique index, if they change.
    Index,
}

impl<'a> Relation<'a> {
    pub(super) fn parse(bytes: &mut Bytes<'a>) -> Result<Self, ParseError> {
        let (oid, namespace, name) = (bytes.u32()?, bytes.namespace()?, bytes.text()?);
        let before = *bytes;
        let replica_identity = match bytes.u8()? {
            b'd' => ReplicaIdentity::Default,
            b'n' => ReplicaIdentity::Nothing,
            b'f' => ReplicaIdentity::Full,
            b'i' => ReplicaIdentity::Index,
            _ => return Err(before.error("an unknown replica identity")),
        };
        // Not reserved before they are there: a number is written quickly.
        let columns = (0..bytes.columns()?).map(|_| Column::parse(bytes)).collect::<Result<_, _>>()?;
        Ok(Self { oid, namespace, name, replica_identity, columns })
    }

    /// The same relation, borrowing nothing.
    pub fn into_owned(self) -> Relation<'static> {
        let columns = self.columns.into_iter().map(|column| Column {
            name: Cow::Owned(column.name.into_owned()),
            is_key: column.is_key,
            type_oid: column.type_oid,
            type_modifier: column.type_modifier,
        });
        Relation {
            oid: self.oid,
            namespace: Cow::Owned(self.namespace.into_owned()),
            name: Cow::Owned(self.name.into_owned()),
            replica_identity: self.replica_identity,
            columns: columns.collect(),
        }
    }
}

impl<'a> Column<'a> {
    fn parse(bytes: &mut Bytes<'a>) -> Result<Self, ParseError> {
        let flags = bytes.u8()?;
        Ok(Self { is_key: flags & 1 != 0, name: bytes.text()?, type_oid: bytes.u32()?, type_modifier: bytes.i32()? })
    }
}
