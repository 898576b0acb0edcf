//! No exporter slows another sink, or the application.

use crate::receiver::{Receiver, Reply};
use crate::support::*;
use spanbridge::observe;
use spanbridge_otel::otlp::model::Span;
use spanbridge_otel::{Exporter, Telemetry};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One receiver does each wrong that there is, all at once. A store and a good receiver get everything, while the wrong ones are still
/// at their first request.
#[test]
fn bad_receivers_cost_the_others_nothing() {
    let wrongs = [
        Reply::Hang,
        Reply::status(500),
        Reply::Answer(429, "retry-after: Sat, 01 Jan 2056 00:00:00 GMT\r\n", vec![]),
        Reply::Garbage,
        Reply::Close,
        Reply::Drip,
        Reply::Flood,
    ];
    let bad: Vec<_> = wrongs.into_iter().map(|reply| Receiver::scripted([], reply)).collect();
    let good = Receiver::start();
    let (stuck, gate) = mpsc::channel::<()>();
    let exporter = Exporter::url(good.url());
    let counter = exporter.counter();
    let telemetry = Telemetry::new("my-app")
        .exporter(Exporter::callback(move |_: &[Span<'_>]| {
            let _ = gate.recv();
        }))
        .exporter(Exporter::callback(|_: &[Span<'_>]| panic!("on purpose")));
    let telemetry =
        bad.iter().fold(telemetry, |telemetry, bad| telemetry.exporter(Exporter::url(bad.url()).timeout(FOREVER)));
    let (builder, memory) = with_memory(telemetry.exporter(exporter));
    let recorder = builder.interval(Duration::from_millis(1)).build().unwrap();
    let hangs = || !bad[0].requests().is_empty();
    record(&recorder, &["first"]);
    until("the one that hangs", || hangs().then_some(()));
    let begun = Instant::now();
    for _ in 0..100 {
        recorder.in_scope(|| (0..10).for_each(|_| observe::span("s").in_scope(|| ())));
    }
    // Recording waits for nobody: a request of the one that hangs takes five minutes.
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    until("the good receiver", || (counts(&counter) == [1001, 0, 0, 0]).then_some(()));
    let is_span = |record: &&spanbridge::record::Record<'_>| matches!(&record.body, spanbridge::record::Body::Span(_));
    until("the store", || (memory.records().iter().filter(is_span).count() >= 1001).then_some(()));
    assert_eq!(good.taken().len(), 1001);
    // All of that before the one that hangs had its second request.
    assert_eq!(bad[0].requests().len(), 1);
    let ended = Instant::now();
    let report = recorder.shutdown(Duration::from_secs(2));
    assert!(ended.elapsed() < LONG, "{:?}", ended.elapsed());
    assert!(!report.complete);
    let complete = |place: usize| report.sinks[place].left == 0 && report.sinks[place].dropped == 0;
    assert!(complete(0) && complete(report.sinks.len() - 1), "{report:?}");
    drop(stuck);
}
