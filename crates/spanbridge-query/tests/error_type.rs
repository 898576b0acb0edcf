//! The class of an error is one attribute to readers, whichever release recorded it.

mod common;

use common::*;
use spanbridge::record::Record;
use spanbridge::{Recorder, observe, semconv};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::time::Duration;

/// `error.type` of the span in this line of JSON, once it is stored and read again.
fn read(fields: &str) -> Option<serde_json::Value> {
    let (_dir, path) = place();
    let line = format!(
        r#"{{"schemaVersion":1,"recordId":"r","type":"span","runId":"{}","traceId":"{}","segmentId":"0000000000000001","segmentSeq":1,"service":"s","spanId":"0000000000000001","name":"n","primitive":"custom.operation","kind":"internal","startedAt":"2026-01-01T00:00:00Z","endedAt":"2026-01-01T00:00:01Z","status":"error"{fields}}}"#,
        run(1),
        trace(1)
    );
    let record = Record::from_json(&line).unwrap().unwrap();
    deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, std::slice::from_ref(&record));
    let graph = Store::open(&path).unwrap().graph(run(1)).unwrap().unwrap();
    let classes: Vec<_> = graph.spans[0].attributes.iter().filter(|(key, _)| key == semconv::ERROR_TYPE).collect();
    assert!(classes.len() <= 1);
    classes.first().map(|(_, value)| value.clone())
}

#[test]
fn the_end_says_it_unless_the_span_was_given_one() {
    assert_eq!(read(""), None);
    assert_eq!(read(r#","errorType":"E""#), Some("E".into()));
    assert_eq!(read(r#","attributes":{"error.type":"old"}"#), Some("old".into()), "as earlier releases have it");
    assert_eq!(read(r#","errorType":"E","attributes":{"error.type":"given"}"#), Some("given".into()));
}

/// From a recorder to the graph, also of spans that end in a later delivery.
#[test]
fn a_recorded_class_reaches_the_graph() {
    let (_dir, path) = place();
    let recorder = Recorder::builder("s").sink(StoreSink::open(&path).unwrap()).on_flush_only().build().unwrap();
    let flush = || assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    recorder.in_scope(|| {
        let root = observe::span("root").open();
        flush();
        root.in_scope(|| observe::span("at once").in_scope(|| Err::<(), _>(std::fmt::Error)).unwrap_err());
        root.error("text");
        flush();
    });
    let store = Store::open(&path).unwrap();
    let run = store.runs(&RunFilter::default(), 1).unwrap()[0].run_id;
    let graph = store.graph(run).unwrap().unwrap();
    let class = |name: &str| {
        let span = graph.spans.iter().find(|span| span.name == name).unwrap();
        span.attributes.iter().find(|(key, _)| key == semconv::ERROR_TYPE).map(|(_, value)| value.clone())
    };
    assert_eq!([class("root"), class("at once")], [Some("_OTHER".into()), Some("core::fmt::Error".into())]);
}
