//! Sinks that are behind, down, broken or slow to go: what waits for them, for how long, and what is said of it.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Diagnostic};
use spanbridge::{Memory, Receipt, RecordBatch, Recorder, Sink, SinkError, observe};
use std::fmt;
use std::sync::mpsc;
use std::time::Duration;
use support::*;

type Delivered = Result<Receipt, SinkError>;

/// A sink that takes nothing until the sender is dropped.
fn gate() -> (impl FnMut(&RecordBatch) -> Delivered + Send, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel::<()>();
    let sink = move |_: &RecordBatch| {
        let _ = gate.recv();
        Ok(Receipt::default())
    };
    (sink, open)
}

/// Spans of 4 KiB and a little.
fn kilobytes_4(n: usize, recorder: &Recorder) {
    let text = "x".repeat(4000);
    recorder.in_scope(|| (0..n).for_each(|_| observe::span("s").attribute("t", &text).in_scope(|| ())))
}

/// Who gives a minute gets it: the interval is no limit then.
#[test]
fn shutdown_and_flush_wait_for_room() {
    let interval = Duration::from_millis(400);
    for by_flush in [false, true] {
        let (slow, open) = gate();
        let recorder = Recorder::builder("t").sink(slow).memory_limit(1 << 20).interval(interval).build().unwrap();
        // Fills most of the sink's queue; what comes then finds no room.
        kilobytes_4(90, &recorder);
        let first = recorder.flush(LONG);
        // All of it, with the segment beside each span: what were still in the buffers would be too much for them together.
        until("the first batches", || (recorder.report().sinks[0].left >= 2 * 90).then_some(()));
        kilobytes_4(60, &recorder);
        let opens = std::thread::spawn(move || {
            std::thread::sleep(interval * 3 / 2);
            drop(open)
        });
        let report = if by_flush { recorder.flush_blocking(LONG) } else { recorder.shutdown(LONG) };
        assert!(report.complete, "{report:?}");
        assert_eq!((report.dropped, report.sinks[0].dropped, report.sinks[0].left), (0, 0, 0));
        opens.join().unwrap();
        drop(first);
    }
}

/// An interval that no clock can tell is one without end.
#[test]
fn an_endless_interval_delivers_when_asked() {
    let (recorder, memory) = with(|b| b.interval(Duration::MAX));
    recorder.in_scope(|| observe::span("s").in_scope(|| ()));
    assert!(recorder.flush_blocking(LONG).complete);
    assert_eq!(spans(&memory.take()).len(), 1);
    assert!(recorder.shutdown(LONG).complete);
}

/// Else a note that a sink misses would be the reason for the next, for as long as the sink is down.
#[test]
fn what_a_sink_missed_is_told_once() {
    let (down, open) = gate();
    let memory = Memory::new();
    let b = Recorder::builder("t").sink(down).sink(memory.clone()).memory_limit(1 << 18).on_flush_only();
    let recorder = b.build().unwrap();
    while recorder.report().sinks[0].dropped == 0 {
        let n = memory.records().len();
        kilobytes_4(4, &recorder);
        let _flush = recorder.flush(LONG);
        until("the other sink", || (memory.records().len() >= n + 4).then_some(()));
    }
    // Until there is no room for the least of batches.
    let (mut missed, mut small) = (0, 0);
    while missed < 4 {
        small += 1;
        let dropped = recorder.report().sinks[0].dropped;
        recorder.in_scope(|| observe::span("small").in_scope(|| ()));
        recorder.flush_blocking(Duration::from_millis(2));
        recorder.flush_blocking(Duration::from_millis(2));
        missed += u64::from(recorder.report().sinks[0].dropped > dropped);
    }
    // The other sink has its own thread, which may be late.
    let is_small = |span: &Seen| span.name == "small";
    let all = |records: &[_]| spans(records).iter().filter(|span| is_small(span)).count() == small;
    until("the other sink", || all(&memory.records()).then_some(()));
    let n = memory.records().len();
    for _ in 0..20 {
        recorder.flush_blocking(Duration::from_millis(5));
    }
    // One, if the sink that is down has still room for so little.
    assert!(memory.records().len() <= n + 1, "{} more while nothing was recorded", memory.records().len() - n);
    drop(open);
    until("the sink that was down", || (recorder.report().sinks[0].left == 0).then_some(()));
    let report = recorder.shutdown(LONG);
    let missed = |r: &spanbridge::record::Record<'_>| match &r.body {
        Body::Diagnostic(Diagnostic { code, count, .. }) if code == "dropped.sink" => count.unwrap(),
        _ => 0,
    };
    assert_eq!(memory.take().iter().map(missed).sum::<u64>(), report.sinks[0].dropped);
}

/// A sink that fails with an error that cannot even be shown, once; and whose name no thread can have.
struct Odd(bool);

#[derive(Debug)]
struct Unspeakable;

impl std::error::Error for Unspeakable {}

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

impl Sink for Odd {
    fn deliver(&mut self, _: &RecordBatch) -> Delivered {
        self.0 = !self.0;
        if self.0 { Err(SinkError::new(Unspeakable)) } else { Ok(Receipt::default()) }
    }

    fn name(&self) -> &str {
        "o\0dd"
    }
}

#[test]
fn a_sink_may_have_odd_errors_and_names() {
    let recorder = Recorder::builder("t").sink(Odd(false)).on_flush_only().build().unwrap();
    kilobytes_4(1, &recorder);
    let report = recorder.flush_blocking(LONG);
    assert!(report.complete, "{report:?}");
    let sink = &report.sinks[0];
    assert_eq!((&*sink.name, sink.delivered, sink.rejected), ("o\0dd", 2, 0));
    assert_eq!(sink.last_error.as_deref(), Some("deliver records: "));
}

/// A sink that takes its time to go, and says when it does.
struct SlowToGo(mpsc::Receiver<()>, mpsc::Sender<()>);

impl Sink for SlowToGo {
    fn deliver(&mut self, _: &RecordBatch) -> Delivered {
        Ok(Receipt::default())
    }
}

impl Drop for SlowToGo {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(LONG);
        let _ = self.1.send(());
    }
}

/// Shutdown keeps its time though a sink is slow to drop.
#[test]
fn a_slow_sink_does_not_delay_shutdown() {
    let ((open, gate), (gone, is_gone)) = (mpsc::channel(), mpsc::channel());
    let recorder = Recorder::builder("t").sink(SlowToGo(gate, gone)).build().unwrap();
    kilobytes_4(1, &recorder);
    recorder.shutdown(Duration::from_millis(500));
    assert!(is_gone.try_recv().is_err(), "shutdown waited for the sink's end");
    drop(open);
    is_gone.recv().unwrap();
    // One that goes in time is waited for.
    let ((open, gate), (gone, is_gone)) = (mpsc::channel(), mpsc::channel());
    let recorder = Recorder::builder("t").sink(SlowToGo(gate, gone)).build().unwrap();
    drop(open);
    assert!(recorder.shutdown(LONG).complete);
    is_gone.try_recv().unwrap();
}

/// When one sink's thread cannot be had, those of the others end.
#[test]
fn threads_end_when_a_recorder_cannot_be_set_up() {
    struct Nameless;
    impl Sink for Nameless {
        fn deliver(&mut self, _: &RecordBatch) -> Delivered {
            Ok(Receipt::default())
        }
        fn name(&self) -> &str {
            panic!("on purpose")
        }
    }
    let ((_, gate), (gone, is_gone)) = (mpsc::channel(), mpsc::channel());
    let builder = Recorder::builder("t").sink(SlowToGo(gate, gone)).sink(Nameless);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.build())).is_err());
    is_gone.recv_timeout(2 * LONG).unwrap();
}

/// A report that nobody flushed for does not promise anything.
#[test]
fn a_report_tells_what_is_left() {
    let (slow, open) = gate();
    let recorder = Recorder::builder("t").sink(slow).on_flush_only().build().unwrap();
    assert!(recorder.report().complete);
    kilobytes_4(1, &recorder);
    let flush_all = recorder.flush(LONG);
    let report = until("the batch", || Some(recorder.report()).filter(|r| r.sinks[0].left > 0));
    assert!(!report.complete);
    drop((open, flush_all));
    flush(&recorder);
    assert!(recorder.report().complete);
}

/// With what the sink was offered, these are all spans: some ended in batches that found no room, some in batches that waited when
/// the recorder ended.
#[test]
fn spans_that_a_sink_never_gets_are_counted() {
    let (see, seen) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let slow = move |batch: &RecordBatch| {
        see.send(batch.ended_spans()).unwrap();
        let _ = gate.recv();
        Ok(Receipt::default())
    };
    // The other one always has room, so no records wait where threads record.
    let builder = Recorder::builder("t").sink(slow).sink(Memory::new());
    let recorder = builder.memory_limit(2 << 20).interval(Duration::from_millis(1)).build().unwrap();
    let mut spans = 0;
    let open_span = recorder.in_scope(|| observe::span("open").open());
    until("records that the sink missed", || {
        kilobytes_4(20, &recorder);
        spans += 20;
        // Each span is a run of its own, so there is a segment beside it.
        until("the other sink", || (recorder.report().sinks[1].delivered >= 2 * spans).then_some(()));
        (recorder.report().sinks[0].missed_spans > 0).then_some(())
    });
    let first = seen.recv_timeout(LONG).unwrap();
    open_span.end();
    let report = recorder.shutdown(Duration::from_millis(100));
    assert!(!report.complete && report.sinks[0].left > 0);
    assert_eq!(report.dropped, 0);
    assert_eq!(first + seen.try_iter().sum::<u64>() + report.sinks[0].missed_spans, spans + 1);
    drop(open);
    // Nor is the rest offered afterwards.
    assert!(seen.recv_timeout(LONG).is_err());
}

/// Who prints an error and its sources sees each once.
#[test]
fn an_error_has_its_cause_in_its_text_once() {
    #[derive(Debug)]
    struct Outer(fmt::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = SinkError::new(Outer(fmt::Error));
    assert_eq!(error.to_string(), "deliver records: outer");
    assert!(std::error::Error::source(&error).is_some_and(|e| e.is::<fmt::Error>()));
    assert!(std::error::Error::source(&SinkError::new("plain")).is_none());
}
