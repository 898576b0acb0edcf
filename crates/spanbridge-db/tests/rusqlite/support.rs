//! What the tests share: a recorder around a connection, and records as text.

use rusqlite::Connection;
use serde_json::Value;
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::{Memory, Recorder};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use std::time::Duration;

/// Runs it with a recorder, and returns what was recorded.
pub(crate) fn record(f: impl FnOnce()) -> Vec<Record<'static>> {
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").on_flush_only().sink(memory.clone()).build().unwrap();
    recorder.in_scope(f);
    recorder.flush_blocking(Duration::from_secs(60));
    memory.records()
}

/// An observed database in memory, with these tables.
pub(crate) fn memory(tables: &str) -> SqliteConnection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(tables).unwrap();
    db.observed(StatePolicy::values())
}

/// The rows that changed, one a line: `update orders {"id":1} {"a":1} {"a":2} a`.
pub(crate) fn rows(records: &[Record<'_>]) -> Vec<String> {
    let told = |record: &Record<'_>| match &record.body {
        Body::Mutation(m) => {
            let (before, after) = (m.before.as_deref().unwrap_or("-"), m.after.as_deref().unwrap_or("-"));
            let columns = m.columns.join(",");
            Some(format!("{} {} {} {before} {after} {columns}", m.op.name(), m.table, m.key).trim_end().to_owned())
        }
        _ => None,
    };
    records.iter().filter_map(told).collect()
}

/// What was recorded of rows by this.
pub(crate) fn rows_of(f: impl FnOnce()) -> Vec<String> {
    rows(&record(f))
}

/// The diagnostics.
pub(crate) fn said(records: &[Record<'_>]) -> Vec<String> {
    let told = |record: &Record<'_>| match &record.body {
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        _ => None,
    };
    records.iter().filter_map(told).collect()
}

/// Spans as lines of JSON, by name.
pub(crate) fn spans(records: &[Record<'_>]) -> Vec<Value> {
    let json = |record: &Record<'_>| serde_json::from_str::<Value>(&record.to_json()).unwrap();
    let all: Vec<_> = records.iter().map(json).collect();
    let starts = all.iter().filter(|r| r["type"] == "span:start" || r["type"] == "span");
    let with_end = starts.map(|start| {
        let mut span = start.clone();
        for more in all.iter().filter(|r| r["spanId"] == start["spanId"] && r["type"] != "mutation") {
            for (key, value) in more.as_object().unwrap() {
                match (key.as_str(), value) {
                    ("attributes", Value::Object(attributes)) => {
                        let of = span["attributes"].as_object_mut();
                        match of {
                            Some(of) => of.extend(attributes.clone()),
                            None => span["attributes"] = value.clone(),
                        }
                    }
                    ("type", _) => {}
                    _ => span[key] = value.clone(),
                }
            }
        }
        span
    });
    with_end.collect()
}

/// The span of this name.
pub(crate) fn span<'s>(spans: &'s [Value], name: &str) -> &'s Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}
