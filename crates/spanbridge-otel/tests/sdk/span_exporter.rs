//! Spans for an exporter of the SDK.

use crate::exporters::{Does, Scripted};
use crate::support::*;
use opentelemetry_0_33::trace::{SpanKind, Tracer as _, TracerProvider as _};
use opentelemetry_0_33::{Key, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, SpanExporter};
use spanbridge::{Kind, Recorder, observe};
use spanbridge_otel::{Choice, Exporter, Telemetry, WithTelemetry};
use std::time::{Duration, Instant};

#[test]
fn spans_come_with_our_ids() {
    let exporter = Scripted::new(&[Does::Takes]);
    let telemetry = Telemetry::new("my-app").attributes([("deployment.environment.name", "test")]);
    let (builder, memory) = with_memory(telemetry.exporter(Exporter::span_exporter(exporter.clone())));
    let recorder = builder.on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        observe::span("outer").kind(Kind::Server).attribute("n", 7).in_scope(|| {
            let _ = observe::span("inner").in_scope(|| Err::<(), _>("SECRET"));
        })
    });
    flush(&recorder);
    let spans = exporter.with(|state| state.taken.clone());
    let outer = spans.iter().find(|span| span.name == "outer").unwrap();
    let inner = spans.iter().find(|span| span.name == "inner").unwrap();
    for span in &spans {
        let is_it = |record: &&spanbridge::record::Record<'_>| {
            let spanbridge::record::Body::Span(data) = &record.body else { return false };
            data.span_id.get().to_be_bytes() == span.span_context.span_id().to_bytes() && data.name == span.name
        };
        let record = memory.records().iter().find(is_it).cloned().unwrap();
        assert_eq!(record.trace_id.unwrap().get().to_be_bytes(), span.span_context.trace_id().to_bytes());
        assert!(span.span_context.is_sampled() && span.start_time <= span.end_time);
        assert_eq!(span.instrumentation_scope.name(), "spanbridge");
    }
    assert_eq!(inner.parent_span_id, outer.span_context.span_id());
    assert_eq!((outer.span_kind.clone(), &outer.attributes[0].value), (SpanKind::Server, &Value::I64(7)));
    // No content, as with every exporter.
    let shown = format!("{spans:?}");
    assert!(shown.contains("exception") && !shown.contains("SECRET"), "{shown}");
    record(&recorder, &["another"]);
    assert!(recorder.shutdown(LONG).complete);
    exporter.with(|state| {
        let resource = state.resource.as_ref().unwrap();
        let text = |key: &'static str| resource.get(&Key::from_static_str(key)).unwrap().to_string();
        assert_eq!((text("service.name"), text("telemetry.sdk.name")), ("my-app".into(), "spanbridge".into()));
        assert_eq!((text("deployment.environment.name"), state.resources), ("test".into(), 1));
        assert!(state.is_shut_down && state.flushes >= 2);
    });
}

/// The SDK's own exporter.
#[test]
fn the_exporter_in_memory_gets_them() {
    let exporter = InMemorySpanExporter::default();
    let recorder = recorder(Telemetry::new("my-app").exporter(Exporter::span_exporter(exporter.clone())));
    record(&recorder, &["a", "b"]);
    flush(&recorder);
    let names: Vec<_> = exporter.get_finished_spans().unwrap().iter().map(|span| span.name.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    recorder.shutdown(LONG);
    assert!(exporter.is_shutdown_called());
}

/// Whatever it does: created = accepted + lost, in spans and in records.
#[test]
fn what_an_exporter_answers_is_counted() {
    let script = [Does::Takes, Does::Fails, Does::Takes, Does::Panics, Does::Hangs];
    let scripted = Scripted::new(&script);
    let exporter = Exporter::span_exporter(scripted.clone()).timeout(Duration::from_millis(5));
    let counter = exporter.counter();
    let (builder, memory) = with_memory(Telemetry::new("my-app").exporter(exporter));
    let recorder = builder.interval(Duration::from_millis(1)).build().unwrap();
    for _ in 0..10 {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| record(&recorder, &["s"; 700]));
            }
        });
        flush(&recorder);
    }
    let report = recorder.shutdown(LONG);
    let [accepted, lost, not_chosen, waiting] = counts(&counter);
    assert_eq!((accepted + lost, not_chosen, waiting), (14_000, 0, 0));
    scripted.with(|state| {
        assert_eq!((state.taken.len() as u64, state.batches.iter().sum::<usize>()), (accepted, 14_000));
        assert!(state.batches.len() > 2 * script.len() && state.batches.iter().all(|batch| *batch <= 512));
    });
    assert!(accepted > 0 && lost > 0);
    let sink = &report.sinks[1];
    assert_eq!(sink.delivered + sink.rejected, memory.records().len() as u64);
    assert_eq!((sink.rejected, sink.dropped, sink.left, report.complete), (lost, 0, 0, true));
}

#[test]
fn reports_say_why_spans_are_lost() {
    for (does, why) in [(Does::Fails, "out of paper"), (Does::Panics, "on purpose"), (Does::Hangs, "more than 5ms")] {
        let exporter = Exporter::span_exporter(Scripted::new(&[does])).timeout(Duration::from_millis(5));
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a"]);
        flush(&recorder);
        let said = counter.counts().last_error.unwrap();
        assert!(said.contains(why) && counts(&counter) == [0, 1, 0, 0], "{said}");
    }
}

/// It said that it took them, so they are not lost. But nobody is told that all is well.
#[test]
fn a_flush_tells_what_the_exporter_says() {
    let exporter = Exporter::span_exporter(Scripted::new(&[Does::KeepsThem]));
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a"]);
    let report = recorder.flush_blocking(LONG);
    assert!(!report.complete && report.sinks[0].last_error.as_ref().unwrap().contains("out of ink"), "{report:?}");
    assert!(counter.counts().last_error.unwrap().contains("out of ink"));
    assert_eq!((counts(&counter), recorder.shutdown(LONG).complete), ([1, 0, 0, 0], false));
}

/// Two of them never return. The others and the application do not notice, and the end comes in time.
#[test]
fn an_exporter_that_hangs_holds_up_nobody() {
    for does in [Does::Hangs, Does::Blocks] {
        let (stuck, good) = (Scripted::new(&[does]), Scripted::new(&[Does::Takes]));
        let bad = Exporter::span_exporter(stuck.clone()).timeout(FOREVER);
        let other = Exporter::span_exporter(good.clone());
        let (counter, of_other) = (bad.counter(), other.counter());
        let (builder, memory) = with_memory(Telemetry::new("my-app").exporter(bad).exporter(other));
        let recorder = builder.interval(Duration::from_millis(1)).build().unwrap();
        record(&recorder, &["first"]);
        until("the one that hangs", || stuck.with(|state| (!state.batches.is_empty()).then_some(())));
        let begun = Instant::now();
        record(&recorder, &["s"; 1000]);
        // Each span is a run of its own, so there is a segment beside it.
        let have = |sink: usize| recorder.report().sinks[sink].delivered == 2 * 1001;
        until("the others", || (have(0) && have(2)).then_some(()));
        let report = recorder.shutdown(Duration::from_millis(500));
        assert!(begun.elapsed() < 2 * LONG, "{does:?}: {:?}", begun.elapsed());
        let [ours, sink, last] = &report.sinks[..] else { panic!() };
        assert!(!report.complete && sink.left > 0, "{does:?}: {report:?}");
        assert_eq!((ours.left, last.left, sink.delivered), (0, 0, 0));
        assert_eq!(counts(&of_other), [1001, 0, 0, 0]);
        let [accepted, lost, _, waiting] = counts(&counter);
        assert_eq!((accepted, lost + waiting + sink.missed_spans), (0, 1001), "{does:?}");
        assert_eq!(memory.records().len() as u64, sink.left);
    }
}

/// Only what is chosen.
#[test]
fn an_exporter_may_take_a_part() {
    let scripted = Scripted::new(&[Does::Takes]);
    let exporter = Exporter::span_exporter(scripted.clone()).choice(Choice::failed());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["good", "fine"]);
    record_failure(&recorder, "bad");
    flush(&recorder);
    assert_eq!(counts(&counter), [1, 0, 0, 2]);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!((counts(&counter), scripted.taken()), ([1, 0, 2, 0], 1));
}

/// It fails without tokio, and works within it.
#[test]
fn an_exporter_may_need_a_runtime() {
    let export = |exporter: Exporter<_>| {
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a"]);
        flush(&recorder);
        counts(&counter)
    };
    let exporter = || Exporter::span_exporter(Scripted::new(&[Does::Spawns]));
    assert_eq!(export(exporter()), [0, 1, 0, 0]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let within = exporter().within(move |export| {
        let _entered = runtime.enter();
        export()
    });
    assert_eq!(export(within), [1, 0, 0, 0]);
}

/// An exporter that is instrumented itself, with us and with the SDK.
#[derive(Debug)]
struct Instrumented {
    to: Scripted,
    provider: SdkTracerProvider,
}

impl SpanExporter for Instrumented {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        observe::span("ours").in_scope(|| observe::span("inside").in_scope(|| ()));
        self.provider.tracer("client").in_span("theirs", |_| ());
        self.to.export(batch).await
    }
}

/// The recorder is the installed one here, so that it is in effect on every thread.
#[test]
fn an_exporter_is_not_traced_itself() {
    let (scripted, theirs) = (Scripted::new(&[Does::Takes]), InMemorySpanExporter::default());
    let provider = SdkTracerProvider::builder().with_simple_exporter(theirs.clone()).build();
    let exporter = Exporter::span_exporter(Instrumented { to: scripted.clone(), provider: provider.clone() });
    let telemetry = Telemetry::new("my-app").exporter(exporter);
    let recorder = Recorder::builder("my-app").with_telemetry(telemetry).unwrap().on_flush_only().install().unwrap();
    for _ in 0..3 {
        observe::span("work").in_scope(|| provider.tracer("app").in_span("application", |_| ()));
        flush(&recorder);
    }
    let names = |spans: &[SpanData]| spans.iter().map(|span| span.name.to_string()).collect::<Vec<_>>();
    // Other tests run at the same time, in scopes of their own.
    assert_eq!(scripted.with(|state| names(&state.taken)), ["work"; 3]);
    assert_eq!(names(&theirs.get_finished_spans().unwrap()), ["application"; 3]);
    recorder.shutdown(LONG);
}
