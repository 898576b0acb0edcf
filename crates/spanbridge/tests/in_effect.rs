//! The recorder in effect, found from anywhere.
#![cfg(feature = "record")]

mod support;

use spanbridge::{ContextExt, Receipt, RecordBatch, Recorder, SinkError, flush_blocking, observe};
use std::future::Future;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use support::*;

#[test]
fn whoever_has_a_context_can_flush_its_recorder() {
    let (recorder, memory) = recorder();
    let span = recorder.in_scope(|| observe::span("held").open());
    let context = span.context().clone();
    let elsewhere = move || observe::in_scope(&context, || flush_blocking(LONG));
    let report = std::thread::spawn(elsewhere).join().unwrap();
    assert!(report.complete && report.sinks[0].delivered > 0, "{report:?}");
    assert_eq!(tree(&memory.records()), "\nheld [open]");
    span.end();
    let flushed = recorder.scope(async || spanbridge::flush(LONG).await).in_current_context();
    let mut flushed = pin!(flushed);
    let report = until("the flush", || match flushed.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(report) => Some(report),
        Poll::Pending => None,
    });
    assert!(report.complete, "{report:?}");
    assert_eq!(tree(&memory.take()), "\nheld [ok]");
}

#[test]
fn nothing_to_wait_for_without_a_recorder() {
    let report = flush_blocking(LONG);
    assert!(report.complete && report.sinks.is_empty());
    let (gone, _) = recorder();
    let span = gone.in_scope(|| observe::span("held").open());
    drop(gone);
    assert!(span.in_scope(|| flush_blocking(LONG)).complete);
}

/// It would wait for itself.
#[test]
fn a_sink_has_none() {
    let (tells, hears) = mpsc::channel();
    let sink = move |_: &RecordBatch| -> Result<Receipt, SinkError> {
        tells.send(flush_blocking(LONG).sinks.len()).unwrap();
        Ok(Receipt::default())
    };
    let recorder = Recorder::builder("test").sink(sink).on_flush_only().build().unwrap();
    recorder.in_scope(|| observe::span("s").in_scope(|| ()));
    flush(&recorder);
    assert_eq!(hears.try_recv(), Ok(0));
}

#[test]
fn a_flush_has_an_end() {
    let (_open, gate) = mpsc::channel::<()>();
    let sink = move |_: &RecordBatch| -> Result<Receipt, SinkError> {
        let _ = gate.recv();
        Ok(Receipt::default())
    };
    let recorder = Recorder::builder("test").sink(sink).on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        observe::span("s").in_scope(|| ());
        let report = flush_blocking(Duration::from_millis(20));
        assert!(!report.complete && report.sinks[0].left > 0, "{report:?}");
    });
    recorder.shutdown(Duration::ZERO);
}

/// The process that was frozen may be thawed many times: each continues the run in a segment of its own.
#[test]
fn a_restored_process_opens_another_segment() {
    let (recorder, memory) = recorder();
    let span = recorder.in_scope(|| observe::span("root").open());
    span.in_scope(|| observe::span("before").in_scope(|| ()));
    flush(&recorder);
    let before = std::time::SystemTime::now();
    span.in_scope(|| {
        spanbridge::adapter::reseed();
        observe::span("after").in_scope(|| ());
    });
    let ended = std::time::SystemTime::now();
    span.end();
    flush(&recorder);
    let records = memory.take();
    gap_free(&records);
    let seen = spans(&records);
    let [before_it, after] = ["before", "after"].map(|name| seen.iter().find(|s| s.name == name).unwrap());
    assert_eq!((before_it.run, before_it.trace), (after.run, after.trace));
    assert_ne!(before_it.segment, after.segment);
    let began = std::time::UNIX_EPOCH + Duration::from_nanos(after.begun);
    let range = before - Duration::from_secs(1)..ended + Duration::from_secs(1);
    assert!(range.contains(&began), "a clock that was started over is right: {began:?} in {range:?}");
}

#[test]
fn what_a_panic_said_is_told_by_who_caught_it() {
    let records = record(|| observe::span("work").open().panicked("out of paper"));
    let seen = &spans(&records)[0];
    assert_eq!((seen.status, seen.error.as_deref()), (Some(spanbridge::Status::Panicked), Some("out of paper")));
}
