//! What a program recorded, exported, read back and imported is the same graph.

use spanbridge::observe::NewArtifact;
use spanbridge::record::Record;
use spanbridge::{Kind, Memory, Primitive, Receipt, RecordBatch, Recorder, RunId, Value, observe};
use spanbridge_graph::{Graph, Span};
use spanbridge_otel::otlp::model::{KeyValue, Resource, Scope};
use spanbridge_otel::otlp::{json, protobuf};
use spanbridge_otel::spans::{Assembler, records};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(60);

/// A program with spans of every kind and every end, some over several deliveries.
fn program(recorder: &Recorder) {
    let outer = recorder.in_scope(|| observe::span("order").kind(Kind::Server).attribute("n", 1).open());
    outer.in_scope(|| {
        observe::span("whole").attribute("text", "é").attribute("half", 0.5).in_scope(|| ());
        observe::span("failed").in_scope_value(|| ());
        let failed = observe::span("query").kind(Kind::Client).primitive(Primitive::DB_QUERY).open();
        failed.event("slow", &[("ms", Value::I64(12))]);
        failed.error("no such table");
        observe::span("stopped").open().cancel();
        observe::span("broken").open().panicked("out of paper");
        let sender = observe::span("send").kind(Kind::Producer).primitive(Primitive::MESSAGING_PUBLISH).open();
        let linked = observe::span("batch").kind(Kind::Consumer).link(sender.context()).open();
        linked.attribute("list", Value::Json("[1,{\"a\":null}]"));
        recorder.flush_blocking(WITHIN);
        // The start has been delivered: what follows are records of their own.
        linked.link(outer.context());
        linked.attribute("late", true);
        linked.artifact(&NewArtifact::new("input", "text/plain", b"order").inline(64));
        linked.diagnostic("clock.skew", "5 s");
        recorder.flush_blocking(WITHIN);
        linked.event("read", &[]);
        linked.end();
        sender.end();
        let child = observe::run("child run").attribute("of", "order").open();
        child.in_scope(|| observe::span("inside").in_scope(|| ()));
        child.end();
    });
    outer.attribute("n", 2);
    outer.end();
}

/// The parts of a span that are the same before and after.
fn parts(span: &Span) -> String {
    let mut attributes: Vec<_> = span.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    attributes.sort();
    let events: Vec<_> =
        span.events.iter().map(|e| format!("{} at {} {:?}", e.name, e.timestamp, e.attributes)).collect();
    let links: Vec<_> = span.links.iter().map(|link| (link.trace_id, link.span_id)).collect();
    format!(
        "{} under {:?} of {} {}: {} {} {:?} {:?} {:?} {}..{:?} {attributes:?} {events:?} {links:?} {}",
        span.span_id,
        span.parent_span_id,
        span.trace_id,
        span.run_id,
        span.name,
        span.primitive,
        span.kind,
        span.status,
        span.error,
        span.started_at,
        span.ended_at,
        span.service,
    )
}

/// The spans of every run, and the artifacts and diagnostics.
fn graphs(records: &[Record<'_>]) -> Vec<String> {
    let mut runs: Vec<RunId> = records.iter().filter_map(spanbridge_graph::run_of).collect();
    runs.sort();
    runs.dedup();
    let mut all = Vec::new();
    for run in runs {
        let own: Vec<_> = records.iter().filter(|record| record.run_id == Some(run)).cloned().collect();
        let graph = Graph::build(run, &own);
        all.extend(graph.spans.iter().map(parts));
        all.extend(graph.artifacts.iter().map(|a| format!("{} {} {:?}", a.kind, a.size_bytes, a.preview)));
        all.extend(graph.diagnostics.iter().map(|d| format!("{} {} {:?}", d.code, d.message, d.span_id)));
    }
    all.sort();
    all
}

#[test]
fn an_exported_run_comes_back_as_it_was() {
    let memory = Memory::new();
    let spans = Arc::new(Mutex::new((Assembler::new(), Vec::new(), Vec::new())));
    let sink = {
        let spans = Arc::clone(&spans);
        move |batch: &RecordBatch| {
            let mut all = spans.lock().unwrap();
            let (assembler, as_protobuf, as_json) = &mut *all;
            assembler.push(batch, |_, span| {
                protobuf::write_span(&span, as_protobuf);
                json::write_span(&span, as_json);
            });
            Ok(Receipt::default())
        }
    };
    let recorder = Recorder::builder("orders").sink(memory.clone()).sink(sink).on_flush_only().build().unwrap();
    program(&recorder);
    assert!(recorder.shutdown(WITHIN).complete);

    let before = graphs(&memory.take());
    assert!(before.len() == 11, "{before:#?}");
    let all = spans.lock().unwrap();
    assert_eq!(all.0.counts(), Default::default());
    let resource = Resource { attributes: vec![KeyValue::new("service.name", "orders")] };
    let (mut as_protobuf, mut as_json) = (Vec::new(), Vec::new());
    protobuf::write_request(&resource, &Scope::default(), &all.1, &mut as_protobuf);
    json::write_request(&resource, &Scope::default(), &all.2, &mut as_json);

    let mut after = [Vec::new(), Vec::new()];
    protobuf::read(&as_protobuf, |resource, _, span| records(resource, span, |it| after[0].push(it.into_owned())))
        .unwrap();
    json::read(&as_json, |resource, _, span| records(resource, span, |it| after[1].push(it.into_owned()))).unwrap();
    assert_eq!(after[0], after[1]);
    let after = graphs(&after[0]);
    let missing: Vec<_> = before.iter().filter(|part| !after.contains(part)).collect();
    let added: Vec<_> = after.iter().filter(|part| !before.contains(part)).collect();
    assert!(missing.is_empty() && added.is_empty(), "missing {missing:#?}\nadded {added:#?}");
}

/// `docs/conventions.md` has the names, and no others.
#[test]
fn names_in_otlp_are_documented() {
    use spanbridge::semconv;
    let (_, section) = include_str!("../../../../docs/conventions.md").split_once("## Names in OTLP\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let told: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let emitted = [
        semconv::RUN_ID,
        semconv::PRIMITIVE,
        semconv::SPAN_STATUS,
        semconv::EDGE_TYPE,
        "exception",
        semconv::ARTIFACT,
        semconv::DIAGNOSTIC,
    ];
    assert_eq!(told, emitted);
}
