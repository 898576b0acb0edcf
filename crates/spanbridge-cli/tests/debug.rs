//! `spanbridge debug`: what is shown of each step.

use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};

const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A store in a directory of its own.
struct Place(tempfile::TempDir);

impl Place {
    /// With these records of the run, numbered as they come.
    fn with(records: Vec<Value>) -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        let line = |(n, mut record): (usize, Value)| {
            let common = json!({"schemaVersion": 1, "recordId": format!("r{n}"), "runId": RUN, "traceId": RUN,
                "segmentId": "5e90000000000001", "segmentSeq": n + 1, "service": "orders"});
            let common = common.as_object().unwrap().clone();
            record.as_object_mut().unwrap().extend(common);
            format!("{record}\n")
        };
        let text: String = records.into_iter().enumerate().map(line).collect();
        let file = place.0.path().join("records.jsonl");
        fs::write(&file, text).unwrap();
        place.run(&["import", file.to_str().unwrap()]);
        place
    }

    fn output(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.0.path().join("store"));
        command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
        command.output().unwrap()
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn at(ms: u32) -> String {
    format!("2026-11-20T09:25:46.{ms:03}000000Z")
}

fn span(id: u64, parent: Option<u64>, name: &str, primitive: &str, kind: &str, ms: u32, attributes: Value) -> Value {
    let family = primitive.split('.').next();
    let mut span = json!({"type": "span", "spanId": format!("{id:016x}"), "name": name, "family": family, "primitive": primitive,
        "kind": kind, "startedAt": at(ms), "endedAt": at(ms + 10), "status": "ok", "attributes": attributes});
    if let Some(parent) = parent {
        span["parentSpanId"] = format!("{parent:016x}").into();
    }
    span
}

fn artifact(span: u64, kind: &str, content_type: &str, encoding: &str, size: usize, preview: &str) -> Value {
    json!({"type": "artifact", "spanId": format!("{span:016x}"), "artifactId": format!("{span}{kind}"), "kind": kind,
        "contentType": content_type, "encoding": encoding, "sizeBytes": size, "preview": preview})
}

/// An order whose steps have everything that can be recorded.
fn order() -> Place {
    let http = json!({"http.request.method": "POST", "url.path": "/orders", "url.query": "dry=no", "url.scheme": "https",
        "server.address": "shop.example", "http.response.status_code": 500, "http.route": "/orders"});
    let body = r#"{"id":17,"note":"\u001b]0;owned\u0007","price":12345678901234567890.10}"#;
    let sql = json!({"db.system.name": "postgresql", "db.query.text": "UPDATE orders\n  SET state = $1\n  WHERE id = $2",
        "db.query.parameter.0": "paid\u{1b}[2J", "db.query.parameter.1": 17});
    let mut failed = span(3, Some(2), "UPDATE orders", "db.mutation", "client", 20, sql);
    failed["status"] = "error".into();
    failed["error"] = "deadlock detected\n  detail: process 4 waits".into();
    let mut publish =
        span(4, Some(1), "publish events", "messaging.publish", "producer", 40, json!({"tags": ["a", "b"], "n": 1.5}));
    publish["links"] = json!([{"traceId": format!("{:032x}", 9), "spanId": format!("{:016x}", 7), "attributes": {"why": "forwarded"}}]);
    Place::with(vec![
        json!({"type": "run:start", "name": "order 17", "startedAt": at(0),
            "attributes": {"order.id": 17, "note": "\u{1b}[2J\u{202e}"}}),
        span(1, None, "POST /orders", "http.server", "server", 0, http),
        span(2, Some(1), "save", "flow.step", "internal", 10, json!({})),
        failed,
        publish,
        artifact(1, "input", "application/json", "utf-8", body.len(), body),
        artifact(4, "output", "application/octet-stream", "hex", 5000, "68656c6c6f20ff00776f726c642121"),
        artifact(4, "output.headers", "text/plain", "utf-8", 12, "a: 1\nb: \u{202e}2"),
        json!({"type": "span:event", "spanId": format!("{:016x}", 2), "eventId": "e1", "name": "retry", "timestamp": at(15),
            "attributes": {"after_ms": 5}}),
        json!({"type": "edge", "edgeType": "custom.audit", "from": {"traceId": RUN, "spanId": format!("{:016x}", 4)},
            "to": {"runId": format!("{:032x}", 77)}}),
        json!({"type": "diagnostic", "code": "header.malformed", "message": "the header \u{1b}[1m", "count": 3,
            "spanId": format!("{:016x}", 1)}),
        json!({"type": "run:end", "endedAt": at(60), "status": "error", "error": "deadlock detected"}),
    ])
}

#[test]
fn each_step_with_all_that_is_recorded() {
    assert_snapshot!(order().run(&["debug", RUN]), @r##"
order 17  4bf92f35  ✗ error  60.0 ms
orders · 4 spans · 1 error · 2026-11-20 09:25:46.000 UTC
deadlock detected
attributes    note = \x1b[2J\u{202e}
              order.id = 17

1  orders ▸ POST /orders  ok  10.0 ms
  span 0000000000000001 · http.server · server · +0 ns · 2026-11-20 09:25:46.000 UTC
  http        POST https://shop.example/orders?dry=no → 500
  input       application/json · 71 bytes
    {
      "id": 17,
      "note": "\u001b]0;owned\u0007",
      "price": 12345678901234567890.10
    }
  attributes  http.route = /orders
              server.address = shop.example
  notes       header.malformed: the header \x1b[1m (×3)

2  orders ▸ save  ok  10.0 ms
  span 0000000000000002 · flow.step · internal · +10.0 ms · 2026-11-20 09:25:46.010 UTC · below 1 POST /orders
  events      +15.0 ms  retry
                after_ms = 5

3  ✗ orders ▸ UPDATE orders  error  10.0 ms
  span 0000000000000003 · db.mutation · client · +20.0 ms · 2026-11-20 09:25:46.020 UTC · below 2 save
  error       deadlock detected
                detail: process 4 waits
  sql         UPDATE orders
                SET state = $1
                WHERE id = $2
  parameters  0 = paid\x1b[2J
              1 = 17
  attributes  db.system.name = postgresql

4  orders ▸ publish events  ok  10.0 ms
  span 0000000000000004 · messaging.publish · producer · +40.0 ms · 2026-11-20 09:25:46.040 UTC · below 1 POST /orders
  output      application/octet-stream · 5000 bytes
    00000000  68 65 6c 6c 6f 20 ff 00  77 6f 72 6c 64 21 21     |hello ..world!!|
    … cut: the first 15 of 5000 bytes were recorded
  output.headers  text/plain · 12 bytes
    a: 1
    b: \u{202e}2
  attributes  n = 1.5
              tags = ["a","b"]
  links       span 0000000000000007 of trace 00000000000000000000000000000009
                why = forwarded
  relations   custom.audit  run 0000000000000000000000000000004d
"##);
}

#[test]
fn a_span_means_itself_and_what_is_below() {
    let order = order();
    let text = order.run(&["debug", "0000000000000002"]);
    let names: Vec<&str> = text.lines().filter(|line| line.contains(" ▸ ")).collect();
    assert_eq!(names, ["1  orders ▸ save  ok  10.0 ms", "2  ✗ orders ▸ UPDATE orders  error  10.0 ms"]);
    assert!(!text.contains("order 17"), "{text}");
}

#[test]
fn long_payloads_are_cut_with_a_note() {
    let body = serde_json::to_string(&(0..100).collect::<Vec<_>>()).unwrap();
    let place = Place::with(vec![
        span(1, None, "work", "flow.step", "internal", 0, json!({})),
        artifact(1, "input", "application/json", "utf-8", body.len(), &body),
    ]);
    let text = place.run(&["debug", RUN]);
    assert!(text.contains("\n      38,\n    … 62 more lines; --full shows them\n"), "{text}");
    let text = place.run(&["debug", "--full", RUN]);
    assert!(text.contains("\n      99\n    ]\n") && !text.contains("--full"), "{text}");
}

/// A payload without line breaks would fill screens all the same.
#[test]
fn a_long_line_is_cut_with_a_note() {
    for (content_type, body) in
        [("text/plain", "x".repeat(5000)), ("application/json", format!("\"{}\"", "x".repeat(4998)))]
    {
        let place = Place::with(vec![
            span(1, None, "work", "flow.step", "internal", 0, json!({})),
            artifact(1, "input", content_type, "utf-8", body.len(), &body),
        ]);
        let text = place.run(&["debug", RUN]);
        assert!(text.contains("x… 3000 more characters; --full shows them\n"), "{text}");
        assert!(place.run(&["debug", "--full", RUN]).contains(&"x".repeat(4998)));
    }
}

#[test]
fn the_json_is_the_graph() {
    let order = order();
    assert_eq!(order.run(&["debug", RUN, "--format", "json"]), order.run(&["trace", RUN, "--format", "json"]));
}

#[test]
fn nothing_to_show_is_not_found() {
    let output = order().output(&["debug", "ffff"]);
    assert_eq!(output.status.code(), Some(1));
}

/// Parameters of a statement whose text is not recorded are attributes like others.
#[test]
fn parameters_without_sql_are_shown() {
    let attributes = json!({"db.query.parameter.0": "seventeen"});
    let place = Place::with(vec![
        json!({"type": "run:start", "name": "order 17", "startedAt": at(0)}),
        span(1, None, "read", "db.query", "client", 0, attributes),
    ]);
    let shown = place.run(&["debug", RUN]);
    assert!(shown.contains("db.query.parameter.0 = seventeen"), "{shown}");
}
