//! Rows of databases that were changed.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use spanbridge::SpanId;
use spanbridge::record::{self, MutationOp};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

/// The columns of a row, or some of them, in their order.
pub type Columns = Vec<(String, Value)>;

/// A row was inserted, updated or deleted, or a table was emptied; committed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mutation {
    /// Its id.
    pub mutation_id: String,
    /// The span that wrote it, if that is known.
    pub span_id: Option<SpanId>,
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// The key of the row. Empty for a truncate.
    pub key: Columns,
    /// What was done.
    pub op: MutationOp,
    /// Values before the change. `None` on an update: they are not known.
    pub before: Option<Columns>,
    /// Values after the change.
    pub after: Option<Columns>,
    /// The columns that were written.
    pub columns: Vec<String>,
    /// When it was committed, in nanoseconds since the Unix epoch.
    pub committed_at: Option<u64>,
    /// Where it stands in the database's own order.
    pub position: Option<String>,
}

/// What became of one column.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnChange<'m> {
    /// The name of the column.
    pub column: &'m str,
    /// The value before, if it was captured.
    pub before: Option<&'m Value>,
    /// The value after, if it was captured.
    pub after: Option<&'m Value>,
}

impl Mutation {
    /// What a record says.
    pub fn of(record: &record::Mutation<'_>) -> Self {
        Mutation {
            mutation_id: record.mutation_id.clone().into_owned(),
            span_id: record.span_id,
            database: record.database.clone().into_owned(),
            table: record.table.clone().into_owned(),
            key: columns(&record.key),
            op: record.op,
            before: record.before.as_deref().map(columns),
            after: record.after.as_deref().map(columns),
            columns: record.columns.iter().map(|name| name.clone().into_owned()).collect(),
            committed_at: record.committed_at,
            position: record.position.as_deref().map(str::to_owned),
        }
    }

    /// What became of each column that was written: one that has the value that it had is not among them. Of a delete, the
    /// values that are gone.
    pub fn changes(&self) -> Vec<ColumnChange<'_>> {
        fn value<'m>(of: &'m Option<Columns>, name: &str) -> Option<&'m Value> {
            of.iter().flatten().find(|(column, _)| column == name).map(|(_, value)| value)
        }
        let change =
            |column| ColumnChange { column, before: value(&self.before, column), after: value(&self.after, column) };
        if self.op == MutationOp::Delete {
            return self.before.iter().flatten().map(|(column, _)| change(column)).collect();
        }
        let written = self.columns.iter().map(|column| change(column));
        // Of what was cut, only the beginning is the same.
        let has_changed =
            |change: &ColumnChange<'_>| change.before.is_none_or(is_beginning) || change.before != change.after;
        written.filter(has_changed).collect()
    }

    /// The table and the key, in words: `orders id=1`.
    pub fn row(&self) -> String {
        let key = key_text(&self.key);
        if key.is_empty() { self.table.clone() } else { format!("{} {key}", self.table) }
    }

    /// What was done, in words: `status 'new' → 'paid'`. Values are shortened.
    pub fn summary(&self) -> String {
        let short = |value: Option<&Value>| value.map(|value| value_words(value, SHORT));
        let of = |change: ColumnChange<'_>| match (short(change.before), short(change.after)) {
            (Some(before), Some(after)) => format!("{} {before} → {after}", change.column),
            (None, Some(after)) if self.op == MutationOp::Insert => format!("{} {after}", change.column),
            (None, Some(after)) => format!("{} → {after}", change.column),
            (Some(before), None) if self.op == MutationOp::Delete => format!("{} {before}", change.column),
            _ if self.op == MutationOp::Insert => change.column.to_owned(),
            _ if self.before.is_none() => format!("{} written", change.column),
            _ => format!("{} changed", change.column),
        };
        let changes = self.changes();
        let mut all: Vec<String> = changes.iter().take(FEW).map(|change| of(*change)).collect();
        if changes.len() > FEW {
            all.push(format!("and {} more", changes.len() - FEW));
        }
        let all = all.join(", ");
        match self.op {
            MutationOp::Insert if all.is_empty() => "inserted".to_owned(),
            MutationOp::Insert => format!("inserted with {all}"),
            MutationOp::Delete if all.is_empty() => "deleted".to_owned(),
            MutationOp::Delete => format!("deleted with {all}"),
            MutationOp::Truncate => "all rows removed".to_owned(),
            _ if all.is_empty() => "written with the same values".to_owned(),
            _ => all,
        }
    }

    /// The order in which mutations are told: by time of commit, then by position. At the same time, those without a position come
    /// first, so that the order is the same whatever is compared.
    pub fn order(&self, other: &Self) -> Ordering {
        let at = |m: &Self| m.committed_at.unwrap_or(u64::MAX);
        at(self).cmp(&at(other)).then_with(|| match (&self.position, &other.position) {
            (Some(a), Some(b)) => by_position(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
    }
}

/// So many columns are told in a summary.
const FEW: usize = 6;

/// So many characters of a value are.
const SHORT: usize = 40;

/// So many columns are looked up.
const MANY: usize = 64;

/// A key as it is written on the command line: `a=1,b=2`.
pub fn key_text(key: &Columns) -> String {
    let all: Vec<String> = key.iter().map(|(column, value)| format!("{column}={}", value_text(value, SHORT))).collect();
    all.join(",")
}

/// A value in words, of at most so many characters: a text as it is, bytes as `0x…`, everything else as JSON.
pub fn value_text(value: &Value, most: usize) -> String {
    let mut text = match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => match (object.get("cut"), object.get("hex")) {
            (Some(Value::String(beginning)), _) => format!("{beginning}…"),
            (_, Some(Value::String(hex))) if object.contains_key("bytes") => format!("0x{hex}…"),
            (_, Some(Value::String(hex))) => format!("0x{hex}"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    };
    if let Some((at, _)) = text.char_indices().nth(most) {
        let rest = text.char_indices().nth(most.saturating_sub(1)).map_or(at, |(at, _)| at);
        text.truncate(rest);
        text.push('…');
    }
    text
}

/// Whether a value was cut where it was captured, so that another one may look the same.
pub fn is_beginning(value: &Value) -> bool {
    value.get("bytes").is_some() && (value.get("cut").is_some() || value.get("hex").is_some())
}

/// A value as people are shown it, with at most so many characters of a text: a text in quotes, as in SQL, so that it can be told from
/// a number, `true` and `null`. What was cut has `…` behind the quotes.
pub fn value_words(value: &Value, most: usize) -> String {
    let cut = |value: &Value| value.get("cut").and_then(Value::as_str).map(str::to_owned);
    let (text, is_cut) = match (value, cut(value)) {
        (Value::String(text), _) => (text.clone(), false),
        (_, Some(beginning)) => (beginning, true),
        _ => return value_text(value, most),
    };
    let end = text.char_indices().nth(most).map(|(at, _)| at);
    let shown = text[..end.unwrap_or(text.len())].replace('\'', "''");
    format!("'{shown}'{}", if is_cut || end.is_some() { "…" } else { "" })
}

/// Positions are numbers, decimal or hexadecimal, with something between them.
fn by_position(a: &str, b: &str) -> Ordering {
    fn numbers(text: &str) -> impl Iterator<Item = &str> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
    }
    let (mut of_a, mut of_b) = (numbers(a), numbers(b));
    loop {
        match (of_a.next(), of_b.next()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) => {
                let [a, b] = [a, b].map(|number| number.trim_start_matches('0').to_ascii_lowercase());
                let order = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
                if order.is_ne() {
                    return order;
                }
            }
        }
    }
}

/// The columns of a JSON object. What is no object has none.
fn columns(json: &str) -> Columns {
    serde_json::from_str(json).map(|Ordered(columns)| columns).unwrap_or_default()
}

/// A JSON object in its order. The last value of a name counts, in the place of its first.
struct Ordered(Columns);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Ordered;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Ordered, M::Error> {
                let (mut columns, mut places) = (Columns::new(), HashMap::new());
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let known = if columns.len() < MANY {
                        columns.iter().position(|(known, _)| *known == name)
                    } else {
                        // Whoever records decides how many there are.
                        if places.is_empty() {
                            places.extend(columns.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)));
                        }
                        places.get(&name).copied()
                    };
                    match known {
                        Some(at) => columns[at].1 = value,
                        None => {
                            if !places.is_empty() {
                                places.insert(name.clone(), columns.len());
                            }
                            columns.push((name, value))
                        }
                    }
                }
                Ok(Ordered(columns))
            }
        }
        deserializer.deserialize_map(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(before: Option<&'static str>, after: &'static str, columns: &[&'static str]) -> Mutation {
        let record = record::Mutation::new("m", "shop", "orders", r#"{"id":1,"line":"a"}"#, MutationOp::Update)
            .with_before(before.map(Into::into))
            .with_after(Some(after.into()))
            .with_columns(columns.iter().map(|c| (*c).into()).collect());
        Mutation::of(&record)
    }

    #[test]
    fn changes_in_words() {
        let known = update(Some(r#"{"status":"new","n":1}"#), r#"{"status":"paid","n":1}"#, &["status", "n", "card"]);
        assert_eq!(known.row(), "orders id=1,line=a");
        assert_eq!(known.summary(), "status 'new' → 'paid', card changed");
        let unknown = update(None, r#"{"note":{"cut":"Dear","bytes":900},"raw":{"hex":"00ff"}}"#, &["note", "raw"]);
        assert_eq!(unknown.summary(), "note → 'Dear'…, raw → 0x00ff");
        assert_eq!(update(Some(r#"{"n":1}"#), r#"{"n":1}"#, &["n"]).summary(), "written with the same values");
        // It is not known whether it had this value before.
        assert_eq!(update(None, "{}", &["n"]).summary(), "n written");
        let cut = r#"{"n":{"cut":"Dear","bytes":900}}"#;
        assert_eq!(update(Some(cut), cut, &["n"]).summary(), "n 'Dear'… → 'Dear'…");
        let other = |op, after: Option<&'static str>| {
            let record = record::Mutation::new("m", "shop", "orders", "{}", op).with_after(after.map(Into::into));
            let of = Mutation::of(&record.with_columns(vec!["n".into()]));
            format!("{}: {}", of.row(), of.summary())
        };
        assert_eq!(other(MutationOp::Insert, Some(r#"{"n":null}"#)), "orders: inserted with n null");
        assert_eq!(other(MutationOp::Delete, None), "orders: deleted");
        assert_eq!(other(MutationOp::Truncate, None), "orders: all rows removed");
    }

    #[test]
    fn values_are_told_apart() {
        let cut = serde_json::json!({"cut": "it's", "bytes": 900});
        for (value, words) in [
            ("5".into(), "'5'"),
            (5.into(), "5"),
            ("null".into(), "'null'"),
            (Value::Null, "null"),
            ("it's".into(), "'it''s'"),
            (cut, "'it''s'…"),
            ("äääää".into(), "'ääää'…"),
            (serde_json::json!({"hex": "00"}), "0x00"),
        ] {
            assert_eq!(value_words(&value, 4), words);
        }
    }

    #[test]
    fn values_are_shortened() {
        assert_eq!(value_text(&"äääää".into(), 4), "äää…");
        assert_eq!(value_text(&"ääää".into(), 4), "ääää");
        assert_eq!(value_text(&serde_json::json!({"hex": "00", "bytes": 9}), 9), "0x00…");
        assert_eq!(value_text(&serde_json::json!([1, null]), 9), "[1,null]");
    }

    #[test]
    fn positions_are_numbers() {
        for (less, more) in [("7 2", "7 10"), ("0/9 1", "0/A 0"), ("0/FFFF 3", "0/10000 1"), ("7", "7 1")] {
            assert_eq!((by_position(less, more), by_position(more, less)), (Ordering::Less, Ordering::Greater));
        }
        assert_eq!(by_position("0/0A 1", "0/a 1"), Ordering::Equal);
    }

    #[test]
    fn what_is_no_object_has_no_columns() {
        assert_eq!(columns("[1]"), []);
        assert_eq!(columns(r#"{"b":1,"a":2,"b":3}"#), [("b".to_owned(), 3.into()), ("a".to_owned(), 2.into())]);
    }
}
