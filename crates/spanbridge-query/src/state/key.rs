//! Which row is asked for.

use spanbridge::record::MutationOp;
use spanbridge_graph::{Columns, Mutation, row_mark, table_mark, value_text, without_schema};
use std::fmt;

/// A key as people write it: `1`, `a=1,b=2`, or a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub struct RowKey {
    /// What it may mean. A column without a name is the only one of its key.
    readings: Vec<Vec<(Option<String>, String)>>,
}

/// A row, or the rows of several databases with the same table and key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowQuery {
    /// The table. Without a schema it means the table in any schema.
    pub table: String,
    /// The key.
    pub key: RowKey,
    /// Only this database. The name of a file without its directory means the file in any.
    pub database: Option<String>,
}

impl RowKey {
    /// Reads a key: the value of a key of one column, or `column=value` pairs with commas between them. For values with commas,
    /// a JSON object. `None`: it is empty, or a JSON object without columns.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if text.starts_with('{')
            && let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text)
        {
            let pairs = object.iter().map(|(column, value)| (Some(column.clone()), value_text(value, usize::MAX)));
            return Some(Self { readings: vec![pairs.collect()] }).filter(|key| !key.readings[0].is_empty());
        }
        let pairs = text.split(',').map(|pair| {
            let (column, value) = pair.split_once('=')?;
            (!column.is_empty()).then(|| (Some(column.trim().to_owned()), value.to_owned()))
        });
        let mut readings = vec![vec![(None, text.to_owned())]];
        readings.extend(pairs.collect::<Option<Vec<_>>>());
        Some(Self { readings })
    }

    fn is(&self, key: &Columns) -> bool {
        let has = |(column, value): &(Option<String>, String)| {
            key.iter().any(|(c, v)| column.as_ref().is_none_or(|name| name == c) && value_text(v, usize::MAX) == *value)
        };
        self.readings.iter().any(|reading| reading.len() == key.len() && reading.iter().all(has))
    }
}

/// As it was written; of a JSON object, `column=value` pairs.
impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (column, value)) in self.readings.iter().take(1).flatten().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match column {
                Some(column) => write!(f, "{comma}{column}={value}")?,
                None => write!(f, "{comma}{value}")?,
            }
        }
        Ok(())
    }
}

impl RowQuery {
    /// The row of a table with this key, in any database.
    pub fn new(table: impl Into<String>, key: RowKey) -> Self {
        RowQuery { table: table.into(), key, database: None }
    }

    /// The same row, only in this database.
    pub fn in_database(self, database: Option<String>) -> Self {
        RowQuery { database, ..self }
    }

    /// What a store looks for.
    pub(crate) fn marks(&self) -> Vec<u128> {
        let mark = |reading: &Vec<(Option<String>, String)>| {
            let columns =
                reading.iter().map(|(column, value)| (column.clone().unwrap_or_default(), value.clone().into()));
            row_mark(&self.table, &columns.collect())
        };
        let mut marks: Vec<u128> = self.key.readings.iter().map(mark).chain([table_mark(&self.table)]).collect();
        marks.dedup();
        marks
    }

    /// Whether this is a change of the row, or of the whole table.
    pub(crate) fn is_about(&self, mutation: &Mutation) -> bool {
        let is_table = mutation.table == self.table || without_schema(&mutation.table) == self.table;
        let is_database = self.database.as_ref().is_none_or(|database| is_called(&mutation.database, database));
        is_table && is_database && (mutation.op == MutationOp::Truncate || self.key.is(&mutation.key))
    }
}

/// Whether a database is meant by this name.
fn is_called(database: &str, name: &str) -> bool {
    database == name || database.rsplit(['/', '\\']).next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(all: &[(&str, serde_json::Value)]) -> Columns {
        all.iter().map(|(column, value)| ((*column).to_owned(), value.clone())).collect()
    }

    #[test]
    fn keys_as_people_write_them() {
        let is = |text: &str, key: &Columns| RowKey::parse(text).unwrap().is(key);
        let one = columns(&[("id", 1.into())]);
        assert!(is("1", &one) && is("id=1", &one) && is(r#"{"id":1}"#, &one) && is(r#"{"id":"1"}"#, &one));
        assert!(!is("2", &one) && !is("key=1", &one) && !is("id=1,line=2", &one));
        let two = columns(&[("id", 1.into()), ("line", "a=b".into())]);
        assert!(is("line=a=b,id=1", &two) && !is("1", &two) && !is("id=1", &two));
        // A value may look like a pair.
        let odd = columns(&[("name", "a=1".into())]);
        assert!(is("a=1", &odd) && is("name=a=1", &odd));
        assert!(is(r#"{"a":"x,y","b":null}"#, &columns(&[("b", serde_json::Value::Null), ("a", "x,y".into())])));
        assert_eq!((RowKey::parse(""), RowKey::parse("{}")), (None, None));
        for (text, shown) in [("1", "1"), ("a=1,b=2", "a=1,b=2"), (r#"{"a":1,"b":"x,y"}"#, "a=1,b=x,y")] {
            assert_eq!(RowKey::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_file_is_meant_by_its_name() {
        assert!(is_called("/a/x.db", "x.db") && is_called("/a/x.db", "/a/x.db") && is_called("C:\\a\\x.db", "x.db"));
        assert!(!is_called("/a/x.db", "a") && !is_called("/a/x.db", "") && is_called("shop", "shop"));
    }

    #[test]
    fn marks_find_what_is_asked_for() {
        for (text, key) in [
            ("1", columns(&[("id", 1.into())])),
            ("id=1", columns(&[("id", 1.into())])),
            ("a=1", columns(&[("name", "a=1".into())])),
            ("b=x,a=1", columns(&[("a", 1.into()), ("b", "x".into())])),
        ] {
            let query = RowQuery::new("orders", RowKey::parse(text).unwrap());
            assert!(query.marks().contains(&row_mark("public.orders", &key)), "{text}");
            assert!(query.marks().contains(&table_mark("orders")));
        }
    }
}
