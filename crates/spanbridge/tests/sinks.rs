//! Several sinks, each at its own pace; flush and shutdown, and what they report.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::BodyView;
use spanbridge::{Memory, Receipt, RecordBatch, Recorder, Report, Sink, SinkError, observe};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use support::*;

fn a_span(recorder: &Recorder) {
    recorder.in_scope(|| observe::span("s").in_scope(|| ()))
}

/// A sink that does what it is told, batch by batch, and says which it was offered.
struct Scripted {
    name: &'static str,
    orders: mpsc::Receiver<Result<Receipt, &'static str>>,
    seen: Arc<Mutex<Vec<(u64, usize)>>>,
}

type Seen = Arc<Mutex<Vec<(u64, usize)>>>;

fn scripted(name: &'static str) -> (Scripted, mpsc::Sender<Result<Receipt, &'static str>>, Seen) {
    let (tx, orders) = mpsc::channel();
    let seen = Seen::default();
    (Scripted { name, orders, seen: seen.clone() }, tx, seen)
}

impl Sink for Scripted {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        assert_eq!(batch.iter().count(), batch.len());
        self.seen.lock().unwrap().push((batch.number(), batch.len()));
        match self.orders.recv().unwrap_or(Ok(Receipt::default())) {
            Ok(receipt) => Ok(receipt),
            Err("panic") => panic!("on purpose"),
            Err(e) => Err(SinkError::new(e)),
        }
    }

    fn name(&self) -> &str {
        self.name
    }
}

/// No other sink waits for it.
#[test]
fn a_failing_sink_gets_the_batch_again() {
    let (failing, order, seen) = scripted("failing");
    let recorder = Recorder::builder("t").sink(failing).sink(Memory::new()).on_flush_only().build().unwrap();
    a_span(&recorder);
    let flush_all = recorder.flush(LONG);
    until("the other sink", || (recorder.report().sinks[1].delivered > 0).then_some(()));
    order.send(Err("try later")).unwrap();
    order.send(Err("and later")).unwrap();
    until("the third try", || (seen.lock().unwrap().len() == 3).then_some(()));
    let report = recorder.report();
    assert_eq!((report.sinks[0].delivered, report.sinks[0].left, report.sinks[1].delivered), (0, 2, 2));
    assert_eq!(report.sinks[0].last_error.as_deref(), Some("deliver records: and later"));
    order.send(Ok(Receipt::default())).unwrap();
    let report = block_on(flush_all);
    assert!(report.complete);
    assert_eq!((report.sinks[0].delivered, report.sinks[0].left), (2, 0));
    assert_eq!(*seen.lock().unwrap(), [(1, 2); 3]);
}

/// The sink goes on with the next batch.
#[test]
fn a_panicking_sink_loses_only_the_batch() {
    let (panicking, order, seen) = scripted("panicking");
    let (recorder, memory) = with(|b| b.sink(panicking).on_flush_only());
    order.send(Err("panic")).unwrap();
    order.send(Ok(Receipt::default())).unwrap();
    for _ in 0..2 {
        a_span(&recorder);
        flush(&recorder);
    }
    let report = recorder.report();
    let sink = &report.sinks[1];
    assert_eq!((sink.delivered, sink.rejected, sink.left), (2, 2, 0));
    assert_eq!(sink.last_error.as_deref().map(somewhere), Some("the sink panicked: on purpose"));
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(spans(&memory.take()).len(), 2);
}

/// What a panic carries may panic when it is dropped. Neither ends the sink's thread.
#[test]
fn a_panic_may_carry_another() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("in the destructor")
        }
    }
    struct Panics(u8);
    impl Sink for Panics {
        fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
            self.0 += 1;
            if self.0 == 1 { std::panic::panic_any(Bad) } else { Ok(Receipt::default()) }
        }
        fn flush(&mut self) -> Result<(), SinkError> {
            if self.0 == 2 { std::panic::panic_any(Bad) } else { Ok(()) }
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            std::panic::panic_any(Bad)
        }
    }
    let (recorder, memory) = with(|b| b.sink(Panics(0)).on_flush_only());
    for complete in [true, false, true] {
        a_span(&recorder);
        assert_eq!(recorder.flush_blocking(LONG).complete, complete);
    }
    let sink = &recorder.report().sinks[1];
    assert_eq!((sink.delivered, sink.rejected, sink.left), (4, 2, 0));
    let report = recorder.shutdown(LONG);
    assert!(report.complete, "{report:?}");
    assert_eq!(spans(&memory.take()).len(), 3);
}

/// Also one that a waker panics on: it is called on a thread of the recorder's.
#[test]
fn a_waker_may_panic() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose")
        }
    }
    let (stuck, order, _) = scripted("stuck");
    let recorder = Recorder::builder("t").sink(stuck).on_flush_only().build().unwrap();
    a_span(&recorder);
    let mut waits = pin!(recorder.flush(LONG));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::new(Panics)))).is_pending());
    order.send(Ok(Receipt::default())).unwrap();
    assert!(block_on(waits).complete);
    a_span(&recorder);
    order.send(Ok(Receipt::default())).unwrap();
    flush(&recorder);
}

#[test]
fn what_a_sink_rejects_is_counted() {
    let (picky, order, _) = scripted("picky");
    let recorder = Recorder::builder("t").sink(picky).on_flush_only().build().unwrap();
    order.send(Ok(Receipt::rejecting(vec![(1, "too odd".to_owned())]))).unwrap();
    a_span(&recorder);
    let sink = flush(&recorder).sinks.remove(0);
    assert_eq!((sink.delivered, sink.rejected, sink.last_error.as_deref()), (1, 1, Some("too odd")));
}

#[test]
fn a_failed_sink_flush_is_incomplete() {
    struct Unsafe(bool);
    impl Sink for Unsafe {
        fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
            Ok(Receipt::default())
        }
        fn flush(&mut self) -> Result<(), SinkError> {
            self.0 = !self.0;
            if self.0 { Err(SinkError::new("disk full")) } else { panic!("on purpose") }
        }
    }
    let (recorder, _memory) = with(|b| b.sink(Unsafe(false)).on_flush_only());
    for expected in ["deliver records: disk full", "the sink panicked: on purpose"] {
        a_span(&recorder);
        let report = recorder.flush_blocking(LONG);
        assert!(!report.complete);
        assert_eq!(report.sinks[1].last_error.as_deref().map(somewhere), Some(expected));
    }
    assert_eq!(recorder.report().sinks[1].delivered, 4);
}

/// A stuck sink keeps its batches up to its share of the memory; the other one gets everything.
#[test]
fn only_the_stuck_sink_misses_records() {
    let (stuck, order, _) = scripted("stuck");
    let memory = Memory::new();
    let b = Recorder::builder("t").sink(stuck).sink(memory.clone()).memory_limit(4 << 20).on_flush_only();
    let recorder = b.build().unwrap();
    let text = "x".repeat(1000);
    let mut created = 0;
    let mut flushes = vec![];
    while recorder.report().sinks[0].dropped == 0 {
        recorder.in_scope(|| (0..100).for_each(|_| observe::span("s").attribute("text", &text).in_scope(|| ())));
        created += 100;
        flushes.push(recorder.flush(LONG));
        until("the other sink", || (memory.records().len() >= 2 * created).then_some(()));
    }
    drop(order);
    // The flush that did not reach the stuck sink says so, and no other one.
    let missed = flushes.pop().unwrap();
    flushes.into_iter().for_each(|f| assert!(block_on(f).complete));
    assert!(!block_on(missed).complete);
    a_span(&recorder);
    let report = flush(&recorder);
    let records = memory.take();
    assert_eq!(spans(&records).len(), created + 1);
    let [stuck, other] = [&report.sinks[0], &report.sinks[1]];
    assert_eq!((report.dropped, other.dropped, other.delivered), (0, 0, records.len() as u64));
    assert!(stuck.dropped > 0);
    // A note tells everybody.
    let notes = records.iter().filter(|r| r.run_id.is_none()).count() as u64;
    assert_eq!((stuck.delivered + stuck.dropped, notes > 0), (records.len() as u64, true));
}

/// Wakes a thread that parks.
struct Unpark(std::thread::Thread);
impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark()
    }
}

fn block_on<F: Future>(f: F) -> F::Output {
    let mut f = pin!(f);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(out) = f.as_mut().poll(&mut Context::from_waker(&waker)) {
            return out;
        }
        std::thread::park();
    }
}

#[test]
fn a_flush_needs_no_executor() {
    let (recorder, memory) = recorder();
    a_span(&recorder);
    let report = block_on(recorder.flush(LONG));
    assert!(report.complete);
    assert_eq!((report.sinks[0].delivered, memory.records().len()), (2, 2));
    let nothing_new = block_on(recorder.flush(LONG));
    assert_eq!(nothing_new, report);
}

/// Also while every sink is behind.
#[test]
fn a_flush_keeps_its_deadline() {
    let (stuck, order, _) = scripted("stuck");
    let recorder = Recorder::builder("t").sink(stuck).memory_limit(1 << 20).build().unwrap();
    let text = "x".repeat(4000);
    recorder.in_scope(|| (0..200).for_each(|_| observe::span("s").attribute("t", &text).in_scope(|| ())));
    let begun = Instant::now();
    let within = Duration::from_millis(30);
    let (a, b) = (recorder.flush(within), recorder.flush_blocking(within));
    let a = block_on(a);
    assert!(begun.elapsed() >= within && begun.elapsed() < LONG);
    assert!(!a.complete && !b.complete && b.sinks[0].left > 0);
    drop(order);
    assert!(flush(&recorder).sinks[0].delivered > 0);
}

#[test]
fn shutdown_delivers_and_reports() {
    let (recorder, memory) = recorder();
    let open = recorder.in_scope(|| {
        observe::span("done").in_scope(|| ());
        observe::span("open").open()
    });
    let report = recorder.shutdown(LONG);
    assert!(report.complete);
    assert_eq!((report.sinks[0].delivered, report.sinks[0].left), (4, 0));
    assert_eq!(tree(&memory.records()), "\ndone [ok]\nopen [open]");
    open.attribute("too late", 1);
    open.end();
    assert_eq!(memory.records().len(), 4);
}

/// Spans and runs that go on, on any thread, record nothing either.
#[test]
fn after_shutdown_nothing_is_recorded() {
    let (recorder, memory) = recorder();
    let run = recorder.in_scope(|| observe::run("r").open());
    recorder.shutdown(LONG);
    let before = memory.records().len();
    run.in_scope(|| {
        for _ in 0..size(20_000, 2_000) {
            observe::span("s").attribute("k", 1).in_scope(|| observe::span("t").open().end());
        }
        observe::run("child").in_scope(|| observe::event("e", &[]));
        std::thread::scope(|s| s.spawn(observe::bind(|| observe::span("u").in_scope(|| ()))).join().unwrap());
    });
    run.end();
    assert_eq!(memory.records().len(), before);
}

#[test]
fn a_dropped_handle_delivers_first() {
    let (recorder, memory) = recorder();
    a_span(&recorder);
    drop(recorder);
    assert_eq!(tree(&memory.take()), "\ns [ok]");
}

#[test]
fn shutdown_keeps_its_deadline() {
    let (failing, order, seen) = scripted("failing");
    drop(order);
    struct Never(Scripted);
    impl Sink for Never {
        fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
            let _ = self.0.deliver(batch)?;
            Err(SinkError::new("never"))
        }
    }
    let (recorder, memory) = with(|b| b.sink(Never(failing)).on_flush_only());
    a_span(&recorder);
    // Both have had the batch, so that the end needs no time for that.
    let flushed = recorder.flush(LONG);
    let tried = |report: &Report| report.sinks[0].left == 0 && report.sinks[1].last_error.is_some();
    until("both sinks", || Some(recorder.report()).filter(tried));
    let begun = Instant::now();
    let report = recorder.shutdown(Duration::from_millis(50));
    assert!(begun.elapsed() < LONG && !report.complete);
    assert_eq!((report.sinks[0].delivered, report.sinks[1].left), (2, 2));
    assert_eq!(report.sinks[1].last_error.as_deref(), Some("deliver records: never"));
    assert!(!seen.lock().unwrap().is_empty() && memory.records().len() == 2);
    drop(flushed);
}

/// Flushes from many threads at once, while others record.
#[test]
fn flushes_side_by_side() {
    let (recorder, memory) = with(|b| b.interval(Duration::from_millis(1)));
    let n = size(200, 5);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..n {
                    a_span(&recorder);
                    flush(&recorder);
                }
            });
        }
    });
    assert_eq!(spans(&memory.take()).len() as u64, 4 * n);
}

/// What a sink was offered: the number of the batch, and each record as JSON.
type Offers = Arc<Mutex<Vec<(u64, Vec<String>)>>>;

/// A sink that answers by what it was asked how often, and says what it was offered.
fn answering(
    mut answer: impl FnMut(usize, &RecordBatch) -> Result<Receipt, SinkError> + Send + 'static,
) -> (impl Sink, Offers) {
    let (offers, seen) = (Offers::default(), Offers::default());
    let kept = seen.clone();
    let sink = move |batch: &RecordBatch| {
        let lines: Vec<String> = batch.iter().map(|record| record.to_json()).collect();
        assert_eq!((lines.len(), lines.is_empty()), (batch.len(), batch.is_empty()));
        assert!(batch.records().map(|record| record.to_json()).eq(lines.iter().cloned()));
        let mut offers = offers.lock().unwrap();
        offers.push((batch.number(), lines.clone()));
        kept.lock().unwrap().push((batch.number(), lines));
        answer(offers.len(), batch)
    };
    (sink, seen)
}

fn spans_of(recorder: &Recorder, n: usize) {
    recorder.in_scope(|| observe::span("root").in_scope(|| (1..n).for_each(|_| observe::span("s").in_scope(|| ()))))
}

/// Only what the sink asks for comes again, as it was; the rest is settled at once.
#[test]
fn some_records_of_a_batch_come_again() {
    let (sink, offers) = answering(|attempt, _| {
        Ok(match attempt {
            1 => Receipt::rejecting(vec![(2, "too old".to_owned())])
                .retrying(vec![4, 1, 1, 2, 99], SinkError::new("busy")),
            2 => Receipt::default().retrying(vec![1], SinkError::new("busy")),
            _ => Receipt::default(),
        })
    });
    let recorder = Recorder::builder("t").sink(sink).on_flush_only().build().unwrap();
    spans_of(&recorder, 5);
    let report = flush(&recorder);
    let sink = &report.sinks[0];
    assert_eq!((sink.delivered, sink.rejected, sink.left), (5, 1, 0));
    let offers = offers.lock().unwrap();
    let [(first, all), (second, some), (third, last)] = &offers[..] else { panic!("{offers:?}") };
    assert_eq!((all.len(), [first, second, third]), (6, [&1; 3]));
    assert_eq!(*some, [all[1].clone(), all[4].clone()]);
    assert_eq!(*last, [all[4].clone()]);
}

/// Whatever a receipt names, created = delivered + rejected.
#[test]
fn odd_receipts_are_counted_exactly() {
    let answers: [fn() -> Receipt; 3] = [
        || Receipt::rejecting(vec![(0, "a".to_owned()), (0, "b".to_owned()), (usize::MAX, "c".to_owned())]),
        || Receipt::default().retrying((0..1000).collect(), SinkError::permanent("not these")),
        || Receipt::default().retrying(vec![77], SinkError::new("there is none")),
    ];
    for (answer, expected) in answers.into_iter().zip([(2, 1), (0, 3), (3, 0)]) {
        let (sink, offers) = answering(move |_, _| Ok(answer()));
        let recorder = Recorder::builder("t").sink(sink).on_flush_only().build().unwrap();
        spans_of(&recorder, 2);
        let report = flush(&recorder);
        let sink = &report.sinks[0];
        assert_eq!(((sink.delivered, sink.rejected), sink.left), (expected, 0));
        assert_eq!(offers.lock().unwrap().len(), 1);
    }
}

/// Code of the sink runs when its error is dropped, also where the receipt names no record.
#[test]
fn an_unused_error_may_panic() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("dropped")
        }
    }
    impl std::fmt::Debug for Panics {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Panics")
        }
    }
    impl std::fmt::Display for Panics {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("panics")
        }
    }
    impl std::error::Error for Panics {}
    let (sink, _) = answering(|_, _| {
        let error: Box<dyn std::error::Error + Send + Sync> = Box::new(Panics);
        Ok(Receipt::default().retrying(vec![77], SinkError::new(error)))
    });
    let recorder = Recorder::builder("t").sink(sink).on_flush_only().build().unwrap();
    for n in 1..3 {
        spans_of(&recorder, 1);
        let report = recorder.flush_blocking(LONG);
        assert!(report.complete && report.sinks[0].delivered >= n, "{report:?}");
    }
}

#[test]
fn a_permanent_error_is_not_retried() {
    let (sink, offers) = answering(|attempt, _| match attempt {
        1 => Err(SinkError::permanent("too large").retry_after(Duration::from_millis(1))),
        _ => Ok(Receipt::default()),
    });
    let recorder = Recorder::builder("t").sink(sink).on_flush_only().build().unwrap();
    spans_of(&recorder, 1);
    let report = flush(&recorder);
    let sink = &report.sinks[0];
    assert_eq!((sink.delivered, sink.rejected, sink.left), (0, 2, 0));
    assert_eq!(sink.last_error.as_deref(), Some("deliver records: too large"));
    assert_eq!(offers.lock().unwrap().len(), 1);
}

#[test]
fn a_sink_may_ask_for_a_longer_pause() {
    const PAUSE: Duration = Duration::from_millis(300);
    let (tx, times) = mpsc::channel();
    let (sink, _) = answering(move |attempt, _| {
        tx.send(Instant::now()).unwrap();
        if attempt == 1 { Err(SinkError::new("slow down").retry_after(PAUSE)) } else { Ok(Receipt::default()) }
    });
    let recorder = Recorder::builder("t").sink(sink).on_flush_only().build().unwrap();
    spans_of(&recorder, 1);
    flush(&recorder);
    let times: Vec<Instant> = times.try_iter().collect();
    assert!(times.len() == 2 && times[1] - times[0] >= PAUSE, "{times:?}");
}

/// A sink that goes on with clones elsewhere takes no more than its share: what does not fit is counted, and there is room
/// again when it has let go of them.
#[test]
fn kept_batches_count_towards_the_share() {
    let kept = Arc::new(Mutex::new(vec![]));
    let keeps = kept.clone();
    let sink = move |batch: &RecordBatch| {
        keeps.lock().unwrap().push(batch.clone());
        Ok::<_, SinkError>(Receipt::default())
    };
    let recorder = Recorder::builder("t").sink(sink).memory_limit(4 << 20).on_flush_only().build().unwrap();
    until("a batch that does not fit", || {
        spans_of(&recorder, 1000);
        (recorder.flush_blocking(Duration::from_millis(20)).sinks[0].dropped > 0).then_some(())
    });
    // The sink's thread may still be at one of them.
    let records = |kept: &[RecordBatch]| kept.iter().map(RecordBatch::len).sum::<usize>() as u64;
    let report = until("the sink has what fits", || {
        let report = recorder.report();
        let sink = &report.sinks[0];
        (sink.left == 0 && sink.delivered == records(&kept.lock().unwrap())).then_some(report)
    });
    assert!(report.sinks[0].delivered > 1000, "{report:?}");
    drop(std::mem::take(&mut *kept.lock().unwrap()));
    let before = recorder.flush_blocking(LONG).sinks[0].clone();
    kept.lock().unwrap().clear();
    spans_of(&recorder, 1000);
    let after = flush(&recorder).sinks[0].clone();
    assert_eq!((after.dropped, after.left), (before.dropped, 0));
    assert!(after.delivered > before.delivered);
}

/// It concerns no record, so all are taken.
#[test]
fn a_warning_is_reported() {
    let (warning, order, _) = scripted("warning");
    let recorder = Recorder::builder("t").sink(warning).on_flush_only().build().unwrap();
    a_span(&recorder);
    order.send(Ok(Receipt::default().warning("the file was deleted"))).unwrap();
    let report = recorder.flush_blocking(LONG);
    let sink = &report.sinks[0];
    assert!(report.complete);
    assert_eq!(
        (sink.delivered > 0, sink.rejected, sink.last_error.as_deref()),
        (true, 0, Some("the file was deleted"))
    );
}

/// Whatever was recorded on any thread before a batch says that it is complete until then is in that batch or in an earlier one. The
/// threads here go on from one another: what ends on the second began after something on the first.
#[test]
fn a_batch_says_until_when_it_is_complete() {
    let came = Arc::new(Mutex::new(vec![]));
    let kept = came.clone();
    let sink = move |batch: &RecordBatch| -> Result<Receipt, SinkError> {
        let ends = batch.iter().filter_map(|record| match record.body() {
            BodyView::Span(span) => span.end().map(|end| end.ended_at()),
            BodyView::SpanEnd(end) => Some(end.end().ended_at()),
            _ => None,
        });
        kept.lock().unwrap().push((batch.complete_until(), ends.collect::<Vec<_>>()));
        Ok(Receipt::default())
    };
    let recorder = Recorder::builder("test").sink(sink).build().unwrap();
    let (give, take) = std::sync::mpsc::sync_channel::<()>(0);
    std::thread::scope(|scope| {
        let (one, two) = (recorder.clone(), recorder.clone());
        scope.spawn(move || {
            for _ in 0..2_000 {
                one.in_scope(|| observe::span("a").in_scope(|| ()));
                give.send(()).unwrap()
            }
        });
        scope.spawn(move || take.iter().for_each(|()| two.in_scope(|| observe::span("b").in_scope(|| ()))));
        (0..200).for_each(|_| assert!(recorder.flush_blocking(Duration::from_secs(60)).complete));
    });
    recorder.in_scope(|| observe::span("last").in_scope(|| ()));
    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    let came = std::mem::take(&mut *came.lock().unwrap());
    assert_eq!(came.iter().map(|(_, ends)| ends.len()).sum::<usize>(), 4_001);
    for (place, (complete_until, _)) in came.iter().enumerate() {
        let late = came[place + 1..].iter().flat_map(|(_, ends)| ends).filter(|ended| *ended < complete_until);
        assert_eq!(late.count(), 0);
    }
    // What was recorded before a flush was asked for has come with it.
    let (complete_until, ends) = came.last().unwrap();
    assert!(ends.iter().all(|ended| ended < complete_until));
}
