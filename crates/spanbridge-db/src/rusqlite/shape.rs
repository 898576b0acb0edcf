//! What the schema says of the tables whose rows are captured.

use rusqlite::Connection;
use rusqlite::Result;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The name of its database on this connection: `main`, or what it is attached as.
    pub(super) schema: String,
    pub(super) table: String,
    /// In the order of the declaration, generated ones too.
    pub(super) columns: Vec<Column>,
    /// By which columns SQLite finds the row: the row id, or the primary key of a table without one.
    pub(super) locator: Vec<String>,
    /// Columns that no two rows share, beside the row id.
    pub(super) uniques: Vec<Unique>,
    pub(super) has_rowid: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The place in the primary key, from 1; 0 if it is not part of it.
    pub(super) key: usize,
}

/// A unique index, by its columns. One over expressions is not known; of a partial one, what it leaves out is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unique {
    /// Each with its collation.
    pub(super) columns: Vec<(String, String)>,
}

impl Shape {
    /// Whether rows have no key but the row id.
    pub(super) fn is_keyless(&self) -> bool {
        self.columns.iter().all(|column| column.key == 0)
    }

    /// The indices of the key's columns, in their order.
    pub(super) fn key(&self) -> Vec<usize> {
        let mut key: Vec<_> = (0..self.columns.len()).filter(|index| self.columns[*index].key > 0).collect();
        key.sort_by_key(|index| self.columns[*index].key);
        key
    }
}

/// The databases of a connection, and which version of its schema each has. While they are the same, so are all tables.
pub(super) fn versions(db: &Connection) -> Result<Vec<(String, i64)>> {
    // Asked for one by one: a table-valued function would not be there in every build of SQLite.
    databases(db)?
        .into_iter()
        .map(|(name, _)| {
            let version = db.query_row(&format!("PRAGMA {}.schema_version", quoted(&name)), [], |row| row.get(0))?;
            Ok((name, version))
        })
        .collect()
}

/// Names on this connection, and files. A database in memory has none.
pub(super) fn databases(db: &Connection) -> Result<Vec<(String, String)>> {
    let mut statement = db.prepare("PRAGMA database_list")?;
    let rows =
        statement.query_map([], |row| Ok((row.get(1)?, row.get::<_, Option<String>>(2)?.unwrap_or_default())))?;
    rows.collect()
}

/// The tables of a database, without those of SQLite, of extensions, and virtual ones.
pub(super) fn tables(db: &Connection, schema: &str) -> Result<Vec<Shape>> {
    let mut statement = db.prepare(&format!("PRAGMA {}.table_list", quoted(schema)))?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(4)?))
    })?;
    let mut shapes = Vec::new();
    for row in rows {
        let (of, table, kind, without_rowid) = row?;
        if of.eq_ignore_ascii_case(schema) && kind == "table" && !starts_with_sqlite(&table) {
            shapes.extend(shape(db, schema, table, without_rowid == 0)?)
        }
    }
    Ok(shapes)
}

fn starts_with_sqlite(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

/// `None` if rows cannot be found again: no name for the row id is left.
fn shape(db: &Connection, schema: &str, table: String, has_rowid: bool) -> Result<Option<Shape>> {
    let (schema_name, table_name) = (quoted(schema), quoted(&table));
    let mut statement = db.prepare(&format!("PRAGMA {schema_name}.table_xinfo({table_name})"))?;
    let columns: Vec<(Column, String)> = statement
        .query_map([], |row| Ok((Column { name: row.get(1)?, key: row.get::<_, i64>(5)? as usize }, row.get(2)?)))?
        .collect::<Result<_>>()?;
    let types: Vec<_> =
        columns.iter().map(|(column, kind)| (column.key, kind.eq_ignore_ascii_case("INTEGER"))).collect();
    let columns: Vec<_> = columns.into_iter().map(|(column, _)| column).collect();
    let mut uniques = Vec::new();
    let mut statement = db.prepare(&format!("PRAGMA {schema_name}.index_list({table_name})"))?;
    let indices: Vec<(String, i64, String)> =
        statement.query_map([], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?)))?.collect::<Result<_>>()?;
    let mut has_key_index = false;
    for (index, is_unique, origin) in indices {
        has_key_index |= origin == "pk";
        if is_unique != 0 {
            uniques.extend(unique(db, &schema_name, &index)?)
        }
    }
    let locator = if has_rowid {
        let is_taken = |name: &&str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        // Without an index of its own, a single integer key is the row id.
        let alias = types.iter().position(|(key, is_integer)| *key == 1 && *is_integer && !has_key_index);
        match ["rowid", "_rowid_", "oid"].into_iter().find(|name| !is_taken(name)) {
            Some(name) => vec![name.to_owned()],
            None => alias.into_iter().map(|index| columns[index].name.clone()).collect(),
        }
    } else {
        let mut key: Vec<_> = columns.iter().filter(|column| column.key > 0).collect();
        key.sort_by_key(|column| column.key);
        key.into_iter().map(|column| column.name.clone()).collect()
    };
    let shape = Shape { schema: schema.to_owned(), table, columns, locator, uniques, has_rowid };
    Ok(Some(shape).filter(|shape| !shape.locator.is_empty()))
}

/// The columns of a unique index, unless one of them is an expression.
fn unique(db: &Connection, schema: &str, index: &str) -> Result<Option<Unique>> {
    let mut statement = db.prepare(&format!("PRAGMA {schema}.index_xinfo({})", quoted(index)))?;
    let columns: Vec<(Option<String>, String, bool)> = statement
        .query_map([], |row| Ok((row.get(2)?, row.get::<_, Option<String>>(4)?.unwrap_or_default(), row.get(5)?)))?
        .collect::<Result<_>>()?;
    let columns: Option<Vec<_>> = columns
        .into_iter()
        .filter(|(.., is_key)| *is_key)
        .map(|(name, collation, _)| Some((name?, collation)))
        .collect();
    Ok(columns.map(|columns| Unique { columns }))
}

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
