//! Rows of databases that a run changed: in `trace` and in `debug`.

use insta::assert_snapshot;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn records() -> Vec<Value> {
    let span = |id: u64, parent: Option<u64>, name: &str, ms: u32| {
        json!({"type": "span", "spanId": format!("{id:016x}"), "parentSpanId": parent.map(|p| format!("{p:016x}")),
            "name": name, "family": "db", "primitive": "db.query", "kind": "client", "startedAt": at(ms), "endedAt": at(ms + 4),
            "status": "ok"})
    };
    let row = |id: &str, span: u64, op: &str, key: Value, more: Value| {
        let mut row = json!({"type": "mutation", "mutationId": id, "spanId": format!("{span:016x}"), "database": "shop",
            "table": "orders", "key": key, "op": op, "columns": [], "committedAt": at(30)});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let mut all = vec![
        span(1, None, "pay order", 0),
        span(2, Some(1), "UPDATE orders", 1),
        row(
            "m1",
            2,
            "update",
            json!({"id": 1}),
            json!({"before": {"status": "new", "note": null}, "after": {"status": "paid", "note": {"cut": "Dear\u{1b}[31m", "bytes": 900}},
                "columns": ["status", "note", "card"]}),
        ),
        row("m2", 2, "update", json!({"id": 2}), json!({"after": {"status": "paid"}, "columns": ["status"]})),
        span(3, Some(1), "DELETE carts", 2),
        row("m3", 3, "delete", json!({"id": 7}), json!({"before": {"total": 5, "raw": {"hex": "00ff"}}})),
        row("m4", 3, "truncate", json!({}), json!({})),
        span(4, Some(1), "INSERT items", 3),
    ];
    all.extend((0..5).map(|n| {
        row(&format!("i{n}"), 4, "insert", json!({"id": n, "line": "a"}), json!({"after": {"n": n}, "columns": ["n"]}))
    }));
    all
}

fn at(ms: u32) -> String {
    format!("2026-11-20T09:25:46.{ms:03}000000Z")
}

fn run(directory: &tempfile::TempDir, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(directory.path().join("store"));
    command.env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn imported() -> tempfile::TempDir {
    import(records())
}

fn import(records: Vec<Value>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let line = |(n, mut record): (usize, Value)| {
        let common = json!({"schemaVersion": 1, "recordId": format!("r{n}"), "runId": RUN, "traceId": RUN,
            "segmentId": "5e90000000000001", "segmentSeq": n + 1, "service": "orders"});
        record.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
        format!("{record}\n")
    };
    let file = directory.path().join("records.jsonl");
    fs::write(&file, records.into_iter().enumerate().map(line).collect::<String>()).unwrap();
    run(&directory, &["import", file.to_str().unwrap()]);
    directory
}

/// Short, at the span that wrote them; of many rows the first ones.
#[test]
fn trace_shows_changed_rows() {
    assert_snapshot!(run(&imported(), &["trace", RUN, "--color", "never"]), @r##"
pay order  4bf92f35  ✓ ok  7.00 ms
orders · 4 spans · 2026-11-20 09:25:46.000 UTC
                                       0                                7.00 ms
orders ▸ pay order  database  4.00 ms  ━━━━━━━━━━━━━━━━━━━━━━╸
├─ UPDATE orders  database    4.00 ms       ╺━━━━━━━━━━━━━━━━━━━━━━╸
│    orders id=1: status 'new' → 'paid', note null → 'Dear\x1b[31m'…, card changed
│    orders id=2: status → 'paid'
├─ DELETE carts  database     4.00 ms             ━━━━━━━━━━━━━━━━━━━━━━━
│    orders id=7: deleted with raw 0x00ff, total 5
│    orders: all rows removed
└─ INSERT items  database     4.00 ms                   ━━━━━━━━━━━━━━━━━━━━━━━
     orders id=0,line=a: inserted with n 0
     orders id=1,line=a: inserted with n 1
     orders id=2,line=a: inserted with n 2
     … 2 more rows changed
"##);
}

/// A transaction that was rolled back, and rows of which the span is not recorded.
#[test]
fn trace_shows_rollbacks_and_loose_rows() {
    let at_fault = |id: u64, parent: Option<u64>, name: &str, how: Option<&str>| {
        json!({"type": "span", "spanId": format!("{id:016x}"), "parentSpanId": parent.map(|p| format!("{p:016x}")), "name": name,
            "family": "db", "primitive": "db.query", "kind": "client", "startedAt": at(0), "endedAt": at(9), "status": "ok",
            "attributes": how.map(|how| json!({"spanbridge.db.transaction": how}))})
    };
    let row = |n: u64, span: Option<&str>| {
        json!({"type": "mutation", "mutationId": format!("m{n}"), "spanId": span, "database": "shop", "table": "orders",
            "key": {"id": n}, "op": "update", "after": {"n": n.to_string()}, "columns": ["n"], "committedAt": at(9)})
    };
    let mut all = vec![
        at_fault(1, None, "pay order", None),
        at_fault(2, Some(1), "transaction", Some("rolled_back")),
        at_fault(3, Some(1), "transaction", Some("committed")),
        row(1, Some("00000000000000ff")),
    ];
    all.extend((2..24).map(|n| row(n, None)));
    let text = run(&import(all), &["trace", RUN, "--color", "never"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[4].starts_with("├─ transaction  rolled back  database"), "{text}");
    assert!(lines[5].starts_with("└─ transaction  database"), "{text}");
    assert_eq!(lines[7], "rows that were changed by spans that are not recorded");
    assert_eq!(lines[8], "  orders id=1: n → '1'  span 00000000000000ff");
    assert_eq!((lines[9], lines[28]), ("  orders id=2: n → '2'", "  … 3 more"), "{text}");
}

/// A run that is known from a changed row alone: how it went, and when, nobody knows.
#[test]
fn a_run_of_rows_alone_is_unknown() {
    let row = json!({"type": "mutation", "mutationId": "m", "database": "shop", "table": "orders", "key": {"id": 1},
        "op": "delete", "columns": []});
    let store = import(vec![row]);
    let runs = run(&store, &["runs", "--color", "never"]);
    assert!(runs.contains("? unknown") && !runs.contains("✓") && !runs.contains("d ago"), "{runs}");
    let trace = run(&store, &["trace", RUN, "--color", "never"]);
    assert!(trace.contains("4bf92f35  ? unknown") && trace.contains("time not known"), "{trace}");
    assert!(trace.contains("  orders id=1: deleted\n"), "{trace}");
}

/// In full: each column before and after.
#[test]
fn debug_shows_values_before_and_after() {
    assert_snapshot!(run(&imported(), &["debug", RUN, "--color", "never"]), @r##"
pay order  4bf92f35  ✓ ok  7.00 ms
orders · 4 spans · 2026-11-20 09:25:46.000 UTC

1  orders ▸ pay order  ok  4.00 ms
  span 0000000000000001 · db.query · client · +0 ns · 2026-11-20 09:25:46.000 UTC

2  orders ▸ UPDATE orders  ok  4.00 ms
  span 0000000000000002 · db.query · client · +1.00 ms · 2026-11-20 09:25:46.001 UTC · below 1 pay order
  changed     orders id=1  update  in shop
                status 'new' → 'paid'
                note null → 'Dear\x1b[31m'…
                card (not captured)
              orders id=2  update  in shop
                status (not known) → 'paid'

3  orders ▸ DELETE carts  ok  4.00 ms
  span 0000000000000003 · db.query · client · +2.00 ms · 2026-11-20 09:25:46.002 UTC · below 1 pay order
  changed     orders id=7  delete  in shop
                raw 0x00ff
                total 5
              orders  truncate  in shop

4  orders ▸ INSERT items  ok  4.00 ms
  span 0000000000000004 · db.query · client · +3.00 ms · 2026-11-20 09:25:46.003 UTC · below 1 pay order
  changed     orders id=0,line=a  insert  in shop
                n 0
              orders id=1,line=a  insert  in shop
                n 1
              orders id=2,line=a  insert  in shop
                n 2
              orders id=3,line=a  insert  in shop
                n 3
              orders id=4,line=a  insert  in shop
                n 4
"##);
}

#[test]
fn the_graph_has_changed_rows() {
    let graph: Value = serde_json::from_str(&run(&imported(), &["trace", RUN, "--format", "json"])).unwrap();
    let rows = graph["mutations"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    assert_eq!(rows[0]["after"], json!({"status": "paid", "note": {"cut": "Dear\u{1b}[31m", "bytes": 900}}));
}
