//! Spans for a function of the application.

use crate::support::*;
use spanbridge_otel::otlp::model::Span;
use spanbridge_otel::{Exporter, Telemetry};
use std::sync::mpsc;

#[test]
fn a_callback_gets_the_spans_of_each_delivery() {
    let (give, spans) = mpsc::channel();
    let exporter = Exporter::callback(move |spans: &[Span<'_>]| {
        give.send(spans.iter().map(|span| span.name.to_string()).collect::<Vec<_>>()).unwrap()
    });
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    for names in [&["a", "b"][..], &[], &["c"]] {
        record(&recorder, names);
        flush(&recorder);
    }
    assert_eq!(spans.try_iter().collect::<Vec<_>>(), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(counts(&counter), [3, 0, 0, 0]);
}

/// It is called again with the next ones.
#[test]
fn a_callback_that_panics_loses_these_spans() {
    let mut calls = 0;
    let exporter = Exporter::callback(move |_: &[Span<'_>]| {
        calls += 1;
        assert!(calls != 1, "on purpose")
    });
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a", "b"]);
    let report = flush(&recorder);
    assert_eq!((counts(&counter), report.sinks[0].rejected), ([0, 2, 0, 0], 2));
    assert!(counter.counts().last_error.unwrap().contains("on purpose"));
    record(&recorder, &["c"]);
    flush(&recorder);
    assert_eq!(counts(&counter), [1, 2, 0, 0]);
}
