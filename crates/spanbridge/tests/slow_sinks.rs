//! Sinks that are behind, down or slow to go: what waits for them, for how long, and what is said of it.
#![cfg(feature = "record")]

mod support;

use spanbridge::{Batch, Receipt, Recorder, SinkError, observe};
use std::sync::mpsc;
use std::time::Duration;
use support::*;

type Delivered = Result<Receipt, SinkError>;

/// A sink that takes nothing until the sender is dropped.
fn gate() -> (impl FnMut(&Batch) -> Delivered + Send, mpsc::Sender<()>) {
    let (open, gate) = mpsc::channel::<()>();
    let sink = move |_: &Batch| {
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
fn shutdown_and_flush_wait_for_room_until_their_deadline() {
    let interval = Duration::from_millis(400);
    for by_flush in [false, true] {
        let (slow, open) = gate();
        let recorder = Recorder::builder("t").sink(slow).memory_limit(1 << 20).interval(interval).build().unwrap();
        // Fills most of the sink's queue; what comes then finds no room.
        kilobytes_4(90, &recorder);
        let first = recorder.flush(LONG);
        until("the first batch", || (recorder.report().sinks[0].left >= 90).then_some(()));
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
    assert!(recorder.flush_blocking(Duration::from_secs(20)).complete);
    assert_eq!(spans(&memory.take()).len(), 1);
    assert!(recorder.shutdown(LONG).complete);
}
