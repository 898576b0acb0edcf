//! What is known about a table.

use super::relation::{Relation, ReplicaIdentity};
use super::types::ValueType;
use std::collections::HashMap;

/// A table whose rows change.
#[derive(Debug)]
pub(super) struct Table {
    /// Schema and name.
    pub(super) name: String,
    pub(super) columns: Vec<TableColumn>,
    pub(super) key: Key,
    /// Whether the server tells the old values of the replica identity if one of them changes.
    pub(super) tells_identity: bool,
    /// Whether anything is recorded of it.
    pub(super) is_taken: bool,
}

/// What names a row.
#[derive(Debug, PartialEq)]
pub(super) enum Key {
    /// The columns at these places, in the order of the key.
    Columns(Vec<usize>),
    /// All columns.
    WholeRow,
    /// Nothing does.
    Unknown,
}

#[derive(Debug)]
pub(super) struct TableColumn {
    pub(super) name: String,
    /// Whether it is part of the replica identity.
    pub(super) is_identity: bool,
    pub(super) value_type: ValueType,
}

impl Table {
    /// `primary_key`: the names of its columns, if they are known. `types`: those that are not built in.
    pub(super) fn new(
        relation: &Relation<'_>,
        primary_key: Option<&[String]>,
        types: &HashMap<u32, ValueType>,
        takes_table: impl Fn(&str) -> bool,
    ) -> Self {
        let column = |column: &super::relation::Column<'_>| TableColumn {
            name: column.name.clone().into_owned(),
            is_identity: column.is_key,
            value_type: types.get(&column.type_oid).copied().unwrap_or_else(|| ValueType::of_oid(column.type_oid)),
        };
        let columns: Vec<TableColumn> = relation.columns.iter().map(column).collect();
        let key = Key::new(&columns, relation.replica_identity, primary_key);
        let tells_identity = matches!(relation.replica_identity, ReplicaIdentity::Default | ReplicaIdentity::Index);
        let name = format!("{}.{}", relation.namespace, relation.name);
        let is_taken = takes_table(&name);
        Self { name, columns, key, tells_identity, is_taken }
    }
}

impl Key {
    /// The primary key, where the server tells its old values; else the replica identity.
    fn new(columns: &[TableColumn], identity: ReplicaIdentity, primary_key: Option<&[String]>) -> Self {
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let primary = primary_key.and_then(|names| names.iter().map(place).collect::<Option<Vec<usize>>>());
        let places = match (identity, primary) {
            (ReplicaIdentity::Full, None) => return Key::WholeRow,
            (ReplicaIdentity::Default | ReplicaIdentity::Full | ReplicaIdentity::Nothing, Some(primary)) => primary,
            (ReplicaIdentity::Nothing, None) => vec![],
            (ReplicaIdentity::Default | ReplicaIdentity::Index, _) => {
                let all = columns.iter().enumerate();
                all.filter(|(_, column)| column.is_identity).map(|(at, _)| at).collect()
            }
        };
        if places.is_empty() { Key::Unknown } else { Key::Columns(places) }
    }
}
