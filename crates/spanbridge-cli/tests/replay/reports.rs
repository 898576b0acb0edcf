//! What workers report.
#![allow(dead_code, reason = "each test binary uses some of it")]

use crate::common::{Recording, run, span_id};
use crate::support::{id, step};
use serde_json::{Value, json};
use spanbridge::Kind;
use spanbridge::record::{Body, Edge, Endpoint};

/// What a worker reports that made another call, and did not fail.
pub(crate) fn diverged() -> Value {
    let mut again = Recording::of(run(9), 9, "billing");
    let handler = step((90, 0), ("messaging.process", Kind::Consumer), "process orders", (100, 140), None);
    let edge = Edge::new("replay.of", Endpoint::Run(run(9)), Endpoint::Run(run(1)));
    let records = [again.record(Body::Span(handler)), again.record(Body::Edge(edge))];
    let records: Vec<Value> = records.iter().map(|record| serde_json::from_str(&record.to_json()).unwrap()).collect();
    let added = json!({
        "index": 2, "kind": "added", "boundary": "http.client POST http://audit/log", "expected": "no such call",
        "actual": "POST http://audit/log with 20 bytes",
    });
    let (handler, get, audit) = (id(span_id(90)), id(span_id(91)), id(span_id(92)));
    let (was, got) = (id(span_id(3)), id(span_id(4)));
    json!({
        "schemaVersion": 1,
        "run": { "runId": run(1), "name": "place order", "status": "ok" },
        "entry": { "spanId": id(span_id(3)), "name": "process orders", "primitive": "messaging.process" },
        "replay": { "runId": run(9), "traceId": run(9).to_string() },
        "verdict": "diverged",
        "steps": [
            { "index": 0, "depth": 0, "name": "process orders", "primitive": "messaging.process", "label": "re-executed",
              "spanId": handler, "recordedSpanId": was, "status": "ok" },
            { "index": 1, "depth": 1, "name": "GET", "primitive": "http.client", "target": "GET http://stock/42",
              "label": "recorded", "spanId": get, "recordedSpanId": got, "status": "ok" },
            { "index": 2, "depth": 1, "name": "POST", "primitive": "http.client", "target": "POST http://audit/log",
              "label": "refused", "spanId": audit, "status": "error", "divergence": added,
              "error": "the call is not recorded: POST http://audit/log" },
        ],
        "firstDivergence": added,
        "outcome": {
            "recorded": { "status": "error", "error": "card declined", "failingSpan": "charge" },
            "replayed": { "status": "ok" },
        },
        "note": spanbridge_replay::NOT_WRAPPED,
        "records": records,
    })
}

/// The same calls, and the same end.
pub(crate) fn same() -> Value {
    let mut report = diverged();
    report["verdict"] = "same".into();
    report["steps"].as_array_mut().unwrap().pop();
    report["outcome"]["replayed"] = report["outcome"]["recorded"].clone();
    report.as_object_mut().unwrap().remove("firstDivergence");
    report
}

/// Reports that together have every field and every word.
pub(crate) fn every() -> Vec<Value> {
    let mut all = vec![diverged(), same()];
    let changed = json!({
        "index": 1, "kind": "changed", "boundary": "http.client POST http://audit/log", "expected": "a body of 9 bytes",
        "actual": "a body of 8 bytes", "ignored": 1,
        "differences": [
            { "field": "body:/total", "expected": "9", "actual": "8" },
            { "field": "body:/new", "actual": "1" },
            { "field": "header:x-tenant", "expected": "eu" },
        ],
    });
    for (kind, label) in [
        ("changed", "diverged"),
        ("missing", "not-compared"),
        ("value", "live"),
        ("moved", "recorded"),
        ("refused", "refused"),
        ("outcome", "refused"),
    ] {
        let mut report = diverged();
        let mut divergence = changed.clone();
        divergence["kind"] = kind.into();
        if kind == "outcome" {
            divergence.as_object_mut().unwrap().remove("index");
        }
        report["steps"][1]["label"] = label.into();
        report["steps"][1]["divergence"] = divergence.clone();
        report["steps"][1].as_object_mut().unwrap().remove("spanId");
        report["steps"][1].as_object_mut().unwrap().remove("status");
        report["firstDivergence"] = divergence;
        report["outcome"]["expected"] = if kind == "value" { "ok".into() } else { "error".into() };
        report["outcome"]["recorded"]["errorType"] = "Declined".into();
        report["run"]["traceId"] = run(1).to_string().into();
        all.push(report);
    }
    let impossible = ["replay", "firstDivergence", "outcome", "records"];
    let mut report = diverged();
    impossible.iter().for_each(|field| drop(report.as_object_mut().unwrap().remove(*field)));
    (report["verdict"], report["reason"], report["steps"]) = ("impossible".into(), "it cannot be".into(), json!([]));
    all.push(report);
    all
}
