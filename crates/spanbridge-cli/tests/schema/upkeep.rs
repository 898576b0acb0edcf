//! What the commands print that fill a store and look after it.

use crate::binary::{Outputs, json};
use crate::common::{Recording, run};
use serde_json::json;
use spanbridge_store::StoreSink;
use std::fs;
use std::path::Path;

pub(crate) fn all(out: &mut Outputs) {
    imports(out);
    checks(out);
    let store = logs();
    out.push(("compact.json", json(&store.path().join("store"), &["compact"])));
    let copy = store.path().join("copy");
    out.push(("backup.json", json(&store.path().join("store"), &["backup", copy.to_str().unwrap()])));
    // A store of an earlier release, and what was recorded since.
    let old = store.path().join("old.db");
    rusqlite::Connection::open(&old).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    fs::rename(store.path().join("store"), store.path().join("old.db.store")).unwrap();
    let copy = store.path().join("another copy");
    out.push(("backup.json", json(&old, &["backup", copy.to_str().unwrap()])));
}

/// A directory with a store whose logs are not folded.
fn logs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = StoreSink::open(dir.path().join("store")).unwrap();
    let mut shop = Recording::of(run(1), 1, "shop");
    let receipt = sink.deliver_records(1, 1, &[shop.span(1, 0, "order", 0, 9)]).unwrap();
    assert_eq!(receipt.rejected(), []);
    dir
}

/// Records that are new, there already, in conflict, unknown and bad; lines of a log; requests and spans of OTLP that are bad.
fn imports(out: &mut Outputs) {
    let dir = tempfile::tempdir().unwrap();
    let (store, file) = (dir.path().join("store"), dir.path().join("lines"));
    let line = Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9).to_json();
    let conflict = line.replace("order", "another");
    let lines = [&line, &line, &conflict, "{\"type\":\"weather\",\"recordId\":\"w\"}", "{\"type\":\"span\"}", "hello"];
    fs::write(&file, lines.join("\n")).unwrap();
    out.push(("import.json", json(&store, &["import", file.to_str().unwrap()])));
    let id = |digits: usize| "a".repeat(digits);
    // A record over 8 MiB cannot be stored.
    let long = json!([{ "key": "body", "value": { "stringValue": "x".repeat(9 << 20) } }]);
    let spans = json!([
        { "traceId": id(32), "spanId": id(5), "name": "odd" },
        { "traceId": id(32), "spanId": id(16), "name": "long", "startTimeUnixNano": "1", "endTimeUnixNano": "2", "attributes": long },
    ]);
    let request = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    fs::write(&file, format!("{{\"resourceSpans\":[\n{request}\nno request\n")).unwrap();
    out.push(("import.json", json(&store, &["import", "--from", "otlp", file.to_str().unwrap()])));
}

fn checks(out: &mut Outputs) {
    let dir = logs();
    let store = dir.path().join("store");
    let rebuild = ["check", "--rebuild", "--yes"];
    // Nothing is put aside, as there is no index yet.
    out.push(("rebuild.json", json(&store, &rebuild)));
    out.push(("check.json", json(&store, &["check"])));
    out.push(("rebuild.json", json(&store, &rebuild)));
    let index = |at: &Path| fs::write(at.join("index.db"), "no index").unwrap();
    index(&store);
    out.push(("check.json", json(&store, &["check"])));
    out.push(("rebuild.json", json(&store, &rebuild)));
}
