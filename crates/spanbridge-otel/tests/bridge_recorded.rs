//! The context bridge with a recorder of ours as well: it is one trace.
#![cfg(feature = "opentelemetry_0_33")]

#[path = "bridge/letters.rs"]
mod letters;

use letters::{Headers, Letter, SENDER, TRACE, sent, traceparent};
use opentelemetry_0_33::Context;
use opentelemetry_0_33::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use spanbridge::record::{Body, Record, RunStart};
use spanbridge::{Memory, Recorder, RunId, observe};
use spanbridge_otel::bridge::Bridge;
use std::time::Duration;

/// Name, id and parent of a span that was recorded.
fn span<'r>(records: &'r [Record<'_>], name: &str) -> (&'r Record<'r>, String, String) {
    let found = records.iter().find_map(|record| match &record.body {
        Body::Span(span) if span.name == name => {
            let parent = span.parent_span_id.map(|id| id.to_string()).unwrap_or_default();
            Some((record, span.span_id.to_string(), parent))
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{name} is not among {records:#?}"))
}

fn now<F: Future>(future: F) -> F::Output {
    let polled = std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    let std::task::Poll::Ready(value) = polled else { panic!("it is not ready") };
    value
}

fn parent_of(headers: &Headers) -> &str {
    &headers["traceparent"][36..52]
}

/// Theirs around ours, ours around theirs, and what is sent inside of both.
#[test]
fn theirs_and_ours_are_one_trace() {
    Bridge::new().opentelemetry_0_33().install().unwrap();
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").sink(memory.clone()).on_flush_only().install().unwrap();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let tracer = provider.tracer("app");

    let (mut in_ours, mut in_theirs) = (None, None);
    tracer.in_span("browse", |_| {
        observe::span("root of ours").in_scope_value(|| {
            in_ours = Some(sent());
            tracer.in_span("inside of ours", |_| in_theirs = Some(sent()))
        });
        observe::run("a run of ours").in_scope(|| ())
    });
    let handled = now(Letter::new("01").handled(|| async { tracer.in_span("handle", |_| sent()) }));
    // What was sampled out upstream stays so, also where we record it.
    let not_sampled = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(SENDER).unwrap(),
        TraceFlags::default(),
        true,
        Default::default(),
    );
    let headers = {
        let _current = Context::new().with_remote_span_context(not_sampled).attach();
        observe::span("not sampled").in_scope_value(sent)
    };
    assert!(headers["traceparent"].starts_with(&format!("00-{TRACE}-")) && headers["traceparent"].ends_with("-00"));

    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    let records = memory.take();
    let theirs = exporter.get_finished_spans().unwrap();
    let of = |name: &str| theirs.iter().find(|span| span.name == name).unwrap();
    let id = |name: &str| of(name).span_context.span_id().to_string();

    let (root, root_id, parent) = span(&records, "root of ours");
    assert_eq!(
        (parent, root.trace_id.unwrap().to_string()),
        (id("browse"), of("browse").span_context.trace_id().to_string())
    );
    let sends = || records.iter().filter(|record| matches!(&record.body, Body::Span(s) if s.name == "send letters"));
    let sent_under = |parent: &str| {
        let is_it = |record: &&Record<'_>| matches!(&record.body, Body::Span(s) if s.parent_span_id.is_some_and(|id| id.to_string() == parent));
        let Some(Body::Span(span)) = sends().find(is_it).map(|record| &record.body) else { panic!("{records:#?}") };
        span.span_id.to_string()
    };
    assert_eq!(parent_of(&in_ours.unwrap()), sent_under(&root_id));
    assert_eq!(parent_of(&in_theirs.unwrap()), sent_under(&id("inside of ours")));
    let run = records.iter().find_map(|record| match &record.body {
        Body::RunStart(RunStart { parent_run_id, triggered_by_span_id, .. }) => {
            Some((*parent_run_id, *triggered_by_span_id))
        }
        _ => None,
    });
    let trace = root.trace_id.map(RunId::of_trace);
    assert_eq!(run.map(|(run, span)| (run, span.unwrap().to_string())), Some((trace, id("browse"))));

    let (_, process, parent) = span(&records, "process letters");
    assert_eq!((parent.as_str(), of("handle").parent_span_id.to_string()), (SENDER, process));
    assert_eq!(handled["traceparent"], traceparent(sent_under(&id("handle"))));
    assert_eq!(span(&records, "not sampled").2, SENDER)
}
