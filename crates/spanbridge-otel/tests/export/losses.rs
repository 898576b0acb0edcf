//! Losses are counted exactly, and the end comes in time and tells the truth.

use crate::receiver::{Receiver, Reply, Request};
use crate::support::*;
use spanbridge::{Memory, Recorder, observe};
use spanbridge_otel::{Exporter, Telemetry};
use std::time::{Duration, Instant};

/// What a sink was offered is what another one has got.
fn created(memory: &Memory) -> u64 {
    memory.records().len() as u64
}

/// Records spans from several threads, and delivers them in many batches.
fn record_much(recorder: &Recorder, threads: usize, spans: usize) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                recorder.in_scope(|| {
                    (0..spans).for_each(|i| observe::span("s").attribute("i", i).in_scope(|| ()));
                })
            });
        }
    });
}

/// A partial success: seven spans were rejected.
const SEVEN_REJECTED: &[u8] = b"\x0a\x02\x08\x07";

#[test]
fn created_is_accepted_and_lost() {
    let partial = Reply::Answer(200, "content-type: application/x-protobuf\r\n", SEVEN_REJECTED.to_vec());
    let script = [
        Reply::status(503),
        Reply::ok(),
        Reply::status(500),
        partial,
        Reply::Close,
        Reply::Garbage,
        Reply::status(429),
        Reply::status(400),
        Reply::Reset,
        Reply::ok(),
        Reply::Answer(200, "", b"<html>".to_vec()),
        Reply::status(413),
    ];
    let receiver = Receiver::scripted(script.iter().cycle().take(60).cloned(), Reply::ok());
    let exporter = Exporter::url(receiver.url()).timeout(LONG);
    let counter = exporter.counter();
    let (builder, memory) = with_memory(Telemetry::new("my-app").exporter(exporter));
    let recorder = builder.interval(Duration::from_millis(1)).build().unwrap();
    for _ in 0..30 {
        record_much(&recorder, 4, 50);
        flush(&recorder);
    }
    let report = recorder.shutdown(LONG);
    let [accepted, lost, not_chosen, waiting] = counts(&counter);
    assert_eq!((accepted + lost, not_chosen, waiting), (6000, 0, 0));
    // What the receiver says is the same.
    let requests = receiver.requests();
    assert!(requests.len() > script.len());
    let taken: Vec<_> = requests.iter().filter(|request| request.taken).collect();
    let spans = |request: &Request| request.spans().len();
    // Seven of each, or all that it had.
    let is_partial =
        |request: &Request| matches!(&request.reply, Reply::Answer(200, _, body) if *body == SEVEN_REJECTED);
    let rejected: usize = taken.iter().filter(|request| is_partial(request)).map(|request| spans(request).min(7)).sum();
    assert_eq!(taken.iter().map(|request| spans(request)).sum::<usize>() - rejected, accepted as usize);
    assert!(lost > rejected as u64 && rejected > 0);
    // In records as well.
    let sink = &report.sinks[1];
    assert_eq!(sink.delivered + sink.rejected + sink.dropped + sink.left, created(&memory));
    assert_eq!((sink.rejected, sink.dropped, sink.left, report.complete), (lost, 0, 0, true));
}

/// Its share of the memory is full, and it misses the rest. The application and the other sink go on.
#[test]
fn what_a_hanging_receiver_costs_is_counted() {
    let receiver = Receiver::scripted([], Reply::Hang);
    let exporter = Exporter::url(receiver.url()).timeout(FOREVER);
    let counter = exporter.counter();
    let (builder, memory) = with_memory(Telemetry::new("my-app").exporter(exporter));
    let recorder = builder.memory_limit(4 << 20).interval(Duration::from_millis(1)).build().unwrap();
    let mut spans = 0;
    until("dropped records", || {
        record_much(&recorder, 2, 1000);
        spans += 2000;
        let report = recorder.report();
        let done = report.sinks[1].dropped > 0;
        // The other one is not to miss anything. Each span is a run of its own, so there is a segment beside it.
        until("the other sink", || (recorder.report().sinks[0].delivered >= 2 * spans).then_some(()));
        done.then_some(())
    });
    let begun = Instant::now();
    let report = recorder.shutdown(Duration::from_secs(2));
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let [ours, sink] = &report.sinks[..] else { panic!() };
    assert!(!report.complete);
    assert_eq!((report.dropped, ours.dropped, ours.left), (0, 0, 0));
    assert_eq!(sink.delivered + sink.rejected + sink.dropped + sink.left, created(&memory));
    assert!(sink.left > 0 && sink.dropped > 0 && sink.delivered == 0, "{sink:?}");
    let [accepted, lost, not_chosen, waiting] = counts(&counter);
    assert_eq!((accepted, not_chosen), (0, 0));
    assert!(lost + waiting > 0);
    // In spans as well: what the exporter was given, and what it never was.
    assert_eq!(lost + waiting + sink.missed_spans, spans);
}

/// Long before the receiver's time is over, whatever it does.
#[test]
fn shutdown_is_in_time_and_tells_the_truth() {
    let far = "retry-after: Sat, 01 Jan 2056 00:00:00 GMT\r\n";
    let very_far = "retry-after: 946080000\r\n";
    for reply in [
        Reply::Hang,
        Reply::Answer(429, far, vec![]),
        Reply::Answer(503, very_far, vec![]),
        Reply::status(503),
        Reply::Close,
        Reply::Drip,
    ] {
        let receiver = Receiver::scripted([], reply.clone());
        let exporter = Exporter::url(receiver.url()).timeout(FOREVER);
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a", "b"]);
        let _flushed = recorder.flush(LONG);
        until("a request", || (!receiver.requests().is_empty()).then_some(()));
        let begun = Instant::now();
        let report = recorder.shutdown(Duration::from_millis(500));
        assert!(begun.elapsed() < LONG, "{reply:?}: {:?}", begun.elapsed());
        // A receiver that answers at once may be given up before the deadline. What it never got is not called delivered.
        let (sink, at_once) = (&report.sinks[0], matches!(reply, Reply::Close | Reply::Answer(503, "", _)));
        assert_eq!(report.complete, sink.left == 0, "{reply:?}: {report:?}");
        assert!(sink.left > 0 || (at_once && sink.rejected == 2), "{reply:?}: {report:?}");
        let [accepted, lost, _, waiting] = counts(&counter);
        assert_eq!((accepted, lost + waiting), (0, 2), "{reply:?}");
        // What did not end in time ends nevertheless, and nothing stays in between.
        drop(receiver);
        until("the end of the sink", || (counts(&counter)[3] == 0).then_some(()));
        // A success that breaks off in its body, when the receiver is dropped, is one.
        let counts = counter.counts();
        assert!(counts.last_error.is_some() || counts.accepted == 2, "{reply:?}: {counts:?}");
    }
}

#[test]
fn a_flush_waits_for_the_receiver() {
    let receiver = Receiver::scripted([Reply::status(503)], Reply::ok());
    let exporter = Exporter::url(receiver.url());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a"]);
    assert!(flush(&recorder).complete);
    assert_eq!(counts(&counter), [1, 0, 0, 0]);
}
