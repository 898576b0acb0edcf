//! Spans for a processor of the SDK.

use crate::exporters::{Does, Scripted};
use crate::processors::{NeverFlushes, PanicsAt};
use crate::support::*;
use opentelemetry_0_33::Key;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SimpleSpanProcessor};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, observe};
use spanbridge_otel::{Exporter, Telemetry};
use std::collections::BTreeSet;
use std::time::Duration;

/// More at once than its queue holds (2,048).
#[test]
fn a_batch_processor_gets_every_span() {
    let scripted = Scripted::new(&[Does::Takes]);
    let exporter = Exporter::span_processor(BatchSpanProcessor::builder(scripted.clone()).build());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["s"; 10_000]);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!((counts(&counter), scripted.taken()), ([10_000, 0, 0, 0], 10_000));
    scripted.with(|state| {
        let ids: BTreeSet<_> = state.taken.iter().map(|span| span.span_context.span_id().to_string()).collect();
        assert_eq!(ids.len(), 10_000);
        let name = state.resource.as_ref().unwrap().get(&Key::from_static_str("service.name"));
        assert_eq!(name.unwrap().as_str(), "my-app");
        assert!(state.is_shut_down);
    });
}

/// Its queue holds fewer than are flushed together by default.
#[test]
fn a_small_batch_processor_gets_every_span() {
    let scripted = Scripted::new(&[Does::Takes]);
    let config = BatchConfigBuilder::default().with_max_queue_size(64).build();
    let processor = BatchSpanProcessor::builder(scripted.clone()).with_batch_config(config).build();
    let exporter = Exporter::span_processor(processor).flush_each(32);
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["s"; 5_000]);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!((counts(&counter), scripted.taken()), ([5_000, 0, 0, 0], 5_000));
}

/// The SDK's processors drop spans without the sampled flag. What this process records has it, whatever was decided upstream, and what
/// goes on is left as it came.
#[test]
fn what_upstream_did_not_sample_is_exported() {
    let scripted = Scripted::new(&[Does::Takes]);
    let exporter = Exporter::span_processor(BatchSpanProcessor::builder(scripted.clone()).build());
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    recorder.in_scope(|| {
        let parent = TraceParent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap();
        let remote = Context::remote(parent, None, TraceState::new(), Baggage::default());
        observe::in_scope(&remote, || {
            let span = observe::span("handle").open();
            assert_eq!(span.context().trace_parent().unwrap().flags, 0);
            span.end();
        })
    });
    assert!(recorder.shutdown(LONG).complete);
    let span = scripted.with(|state| state.taken.remove(0));
    assert!(span.span_context.is_sampled() && span.parent_span_id.to_string() == "b7ad6b7169203331");
}

/// What its exporter answers is known.
#[test]
fn a_batch_processor_that_fails_loses_spans() {
    let scripted = Scripted::new(&[Does::Takes, Does::Fails]);
    let exporter = Exporter::span_processor(BatchSpanProcessor::builder(scripted.clone()).build());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    for _ in 0..3 {
        record(&recorder, &["s"; 2000]);
        flush(&recorder);
    }
    let report = recorder.shutdown(LONG);
    let [accepted, lost, not_chosen, waiting] = counts(&counter);
    assert_eq!((accepted + lost, not_chosen, waiting), (6000, 0, 0));
    assert_eq!((accepted, lost), (scripted.taken() as u64, report.sinks[0].rejected));
    assert!(accepted > 0 && lost > 0);
    assert!(counter.counts().last_error.unwrap().contains("out of paper"));
}

#[test]
fn a_simple_processor_gets_every_span() {
    let scripted = Scripted::new(&[Does::Takes]);
    let exporter = Exporter::span_processor(SimpleSpanProcessor::new(scripted.clone()));
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["s"; 1000]);
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!((counts(&counter), scripted.taken()), ([1000, 0, 0, 0], 1000));
}

#[test]
fn a_processor_that_panics_loses_what_it_has() {
    let exporter = Exporter::span_processor(PanicsAt(7, Default::default()));
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["s"; 700]);
    let report = recorder.shutdown(LONG);
    assert_eq!((counts(&counter), report.sinks[0].rejected, report.complete), ([600, 100, 0, 0], 100, true));
    assert!(counter.counts().last_error.unwrap().contains("on purpose"));
}

/// The end comes in time, and nothing that was not flushed is called accepted.
#[test]
fn a_processor_that_never_flushes() {
    for hangs in [false, true] {
        let exporter = Exporter::span_processor(NeverFlushes { hangs });
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a", "b"]);
        let _flushed = recorder.flush(LONG);
        // It has them, whether it says so or not.
        until("the spans", || (counts(&counter)[1..] != [0, 0, 0]).then_some(()));
        let report = recorder.shutdown(if hangs { Duration::from_millis(500) } else { LONG });
        assert_eq!(report.complete, !hangs);
        assert_eq!(counts(&counter), if hangs { [0, 0, 0, 2] } else { [0, 2, 0, 0] });
    }
}
