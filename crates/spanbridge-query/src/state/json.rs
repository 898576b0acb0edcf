//! The answers as JSON.

use super::blame::RowBlame;
use super::history::{ColumnEffect, RowChange, RowHistory, StateAnswer};
use serde_json::{Map, Value, json};
use spanbridge::record::{SCHEMA_VERSION, format_time};
use spanbridge_graph::Columns;

impl StateAnswer {
    /// The changes of each row as JSON, the same as `spanbridge state history --format json`. `shown`: which of them.
    pub fn history_json(&self, shown: impl Fn(&RowChange) -> bool) -> Value {
        let row = |row: &RowHistory| {
            let mut out = head(row);
            let changes = row.changes.iter().filter(|change| shown(change)).map(RowChange::to_json);
            out.insert("changes".into(), changes.collect());
            Value::Object(out)
        };
        self.around(self.rows.iter().map(row).collect())
    }

    /// The last writers of each row as JSON, the same as `spanbridge state blame --format json`.
    pub fn blame_json(&self) -> Value {
        self.around(self.rows.iter().map(|row| row.blame().to_json()).collect())
    }

    fn around(&self, rows: Vec<Value>) -> Value {
        let mut out = json!({ "schemaVersion": SCHEMA_VERSION, "rows": rows });
        if let Some(at) = self.known_since {
            out["knownSince"] = format_time(at).into();
        }
        out
    }
}

impl RowBlame<'_> {
    /// The blame as JSON.
    pub fn to_json(&self) -> Value {
        let mut out = head(self.row);
        let columns = self.columns.iter().map(|column| {
            let mut of = Map::new();
            of.insert("column".into(), column.column.clone().into());
            put(&mut of, "value", column.value.clone());
            put(&mut of, "change", column.change.map(RowChange::to_json));
            put(&mut of, "candidate", column.candidate.map(RowChange::to_json));
            Value::Object(of)
        });
        out.insert("columns".into(), columns.collect());
        put(&mut out, "removedBy", self.removed_by.map(RowChange::to_json));
        Value::Object(out)
    }
}

impl RowChange {
    /// The change as JSON: the mutation, who wrote it, and what it changed.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("mutation".into(), self.mutation.to_json());
        out.insert("service".into(), self.service.clone().into());
        put(
            &mut out,
            "writer",
            self.writer.as_ref().map(|writer| {
                let mut of = Map::new();
                of.insert("runId".into(), writer.run_id.to_string().into());
                of.insert("runName".into(), writer.run_name.clone().into());
                put(&mut of, "traceId", writer.trace_id.map(|id| id.to_string().into()));
                put(&mut of, "spanId", writer.span_id.map(|id| id.to_string().into()));
                put(&mut of, "spanName", writer.span_name.clone().map(Value::from));
                Value::Object(of)
            }),
        );
        let effect = |effect: &ColumnEffect| {
            let mut of = Map::new();
            of.insert("column".into(), effect.column.clone().into());
            put(&mut of, "before", effect.before.clone());
            put(&mut of, "after", effect.after.clone());
            put(&mut of, "uncertain", (!effect.is_certain).then_some(true.into()));
            Value::Object(of)
        };
        out.insert("changed".into(), self.effects.iter().map(effect).collect());
        put(&mut out, "unexplained", (!self.unexplained.is_empty()).then(|| self.unexplained.clone().into()));
        put(&mut out, "concurrent", self.is_concurrent.then_some(true.into()));
        Value::Object(out)
    }
}

fn head(row: &RowHistory) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("database".into(), row.database.clone().into());
    out.insert("table".into(), row.table.clone().into());
    out.insert("key".into(), object(&row.key));
    out
}

fn object(columns: &Columns) -> Value {
    Value::Object(columns.iter().cloned().collect())
}

fn put(out: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value);
    }
}
