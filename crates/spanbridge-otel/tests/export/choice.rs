//! Which spans are exported, while another sink gets everything.

use crate::chance::sometimes;
use crate::receiver::{Receiver, Reply};
use crate::support::*;
use spanbridge::observe;
use spanbridge_otel::otlp::model::Span;
use spanbridge_otel::{Choice, Exporter, Telemetry};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[test]
fn a_share_of_the_traces_is_whole() {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url()).choice(Choice::sampled(0.5));
    let counter = exporter.counter();
    let (builder, memory) = with_memory(Telemetry::new("my-app").exporter(exporter));
    let recorder = builder.on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        (0..200).for_each(|_| observe::span("outer").in_scope(|| observe::span("inner").in_scope(|| ())));
    });
    flush(&recorder);
    let traces: BTreeSet<_> = receiver.taken().iter().map(|span| span.trace_id).collect();
    let chosen: BTreeSet<_> = memory.take().iter().filter_map(|r| r.trace_id).filter(|t| t.is_in_share(0.5)).collect();
    assert_eq!(traces, chosen);
    let [accepted, lost, not_chosen, waiting] = counts(&counter);
    assert_eq!((accepted + not_chosen, lost, waiting), (400, 0, 0));
    assert_eq!(accepted, 2 * traces.len() as u64);
    assert!((50..350).contains(&accepted), "{accepted}");
}

/// Its other spans too, those before the failure and those after it.
#[test]
fn a_run_that_failed_is_exported_whole() {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url()).choice(Choice::failed());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    let run = recorder.in_scope(|| observe::run("bad").open());
    run.in_scope(|| observe::span("before").in_scope(|| ()));
    record(&recorder, &["good"]);
    flush(&recorder);
    assert_eq!((receiver.requests().len(), counts(&counter)), (0, [0, 0, 0, 2]));
    let _ = run.in_scope(|| observe::span("failure").in_scope(|| Err::<(), _>("no paper")));
    flush(&recorder);
    assert_eq!(receiver.names(), ["before", "failure"]);
    run.in_scope(|| observe::span("after").in_scope(|| ()));
    run.end();
    flush(&recorder);
    assert_eq!(receiver.names(), ["after", "before", "failure"]);
    assert!(recorder.shutdown(LONG).complete);
    // What was good is not lost, it was not chosen.
    assert_eq!(counts(&counter), [3, 0, 1, 0]);
}

#[test]
fn a_run_that_took_long_is_exported() {
    sometimes("the runs that are exported are the slow ones", |attempt| {
        let receiver = Receiver::start();
        let exporter =
            Exporter::url(receiver.url()).choice(Choice::slow(Duration::from_millis(300) * 2_u32.pow(attempt)));
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record_failure(&recorder, "failed fast");
        let run = recorder.in_scope(|| observe::run("slow").open());
        run.in_scope(|| observe::span("inside").in_scope(|| ()));
        // The run is open, and taken as soon as it is known to be slow.
        until("the run", || {
            record(&recorder, &["fast"]);
            flush(&recorder);
            (!receiver.requests().is_empty()).then_some(())
        });
        let open = receiver.names();
        run.in_scope(|| observe::span("later").in_scope(|| ()));
        run.end();
        assert!(recorder.shutdown(LONG).complete);
        let [accepted, lost, not_chosen, waiting] = counts(&counter);
        assert_eq!((lost, waiting), (0, 0));
        open == ["inside"] && receiver.names() == ["inside", "later"] && accepted == 2 && not_chosen >= 2
    });
}

/// Nothing was delivered since: the end is the last time that anybody looks.
#[test]
fn an_open_run_that_is_slow_leaves_at_the_end() {
    sometimes("an open run leaves when it is slow, and not before", |attempt| {
        let receiver = Receiver::start();
        let slow = Duration::from_millis(50) * 2_u32.pow(attempt);
        let exporter = Exporter::url(receiver.url()).choice(Choice::slow(slow));
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        let is_slow = || {
            let begun = Instant::now();
            until("the run to be slow", || (begun.elapsed() > slow).then_some(()));
        };
        let run = recorder.in_scope(|| observe::run("slow").open());
        run.in_scope(|| observe::span("inside").in_scope(|| ()));
        flush(&recorder);
        let early = receiver.requests().len();
        is_slow();
        // What a flush could not send goes with the next delivery.
        receiver.now(Reply::status(503));
        let refused = recorder.flush_blocking(LONG).complete;
        let waiting = counts(&counter);
        receiver.now(Reply::ok());
        run.in_scope(|| observe::span("later").in_scope(|| ()));
        flush(&recorder);
        assert_eq!((receiver.names(), counts(&counter)), (vec!["inside".into(), "later".into()], [2, 0, 0, 0]));
        let another = recorder.in_scope(|| observe::run("slow, too").open());
        another.in_scope(|| observe::span("at the end").in_scope(|| ()));
        flush(&recorder);
        is_slow();
        assert!(recorder.shutdown(LONG).complete);
        assert_eq!((receiver.names().len(), counts(&counter)), (3, [3, 0, 0, 0]));
        early == 0 && !refused && waiting == [0, 0, 0, 1]
    });
}

/// How much waits is counted with each span, not over and over: that would take minutes here.
#[test]
fn a_large_run_waits_for_a_callback() {
    let exporter = Exporter::callback(|_: &[Span<'_>]| ()).choice(Choice::failed());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    let run = recorder.in_scope(|| observe::run("large").open());
    let begun = Instant::now();
    run.in_scope(|| (0..20_000).for_each(|i| observe::span("s").attribute("i", i).in_scope(|| ())));
    flush(&recorder);
    assert_eq!(counts(&counter), [0, 0, 0, 20_000]);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    run.error("no paper");
    flush(&recorder);
    assert_eq!(counts(&counter), [20_000, 0, 0, 0]);
}

/// What waits for its run comes in requests of a few MiB.
#[test]
fn a_large_run_comes_in_several_requests() {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url()).gzip(false).choice(Choice::failed());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    let run = recorder.in_scope(|| observe::run("bad").open());
    let text = "x".repeat(4000);
    for _ in 0..30 {
        run.in_scope(|| (0..100).for_each(|_| observe::span("s").attribute("text", &*text).in_scope(|| ())));
        flush(&recorder);
    }
    assert_eq!(counts(&counter), [0, 0, 0, 3000]);
    // Until they are sent, all of them can be refused and come again.
    receiver.now(Reply::status(503));
    let _ = run.in_scope(|| observe::span("failure").in_scope(|| Err::<(), _>("no paper")));
    let flushed = recorder.flush(LONG);
    until("a refusal", || counter.counts().last_error);
    receiver.now(Reply::ok());
    until("the rest", || (counts(&counter) == [3001, 0, 0, 0]).then_some(()));
    drop(flushed);
    let requests = receiver.requests();
    assert!(requests.iter().filter(|request| request.taken).count() >= 3);
    assert!(requests.iter().all(|request| request.plain().len() <= 4 << 20 | 1 << 16));
    let ids: BTreeSet<_> = receiver.taken().iter().map(|span| span.span_id).collect();
    assert_eq!(ids.len(), 3001);
}
