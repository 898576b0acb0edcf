//! What the memory limit does not count, by the bytes that the whole process has on its heap.
#![cfg(feature = "record")]

mod support;

use spanbridge::{Receipt, RecordBatch, Recorder, SinkError, Value, observe};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use support::*;

/// The system's allocator, with an eye on how much there is.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test after another: they share the heap.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most bytes that there are beside those from before, while `f` works.
fn most(f: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    f();
    PEAK.load(Relaxed) - before
}

const MEBI: usize = 1 << 20;

/// A sink that is stuck until the sender is gone.
fn stuck() -> (impl FnMut(&RecordBatch) -> Result<Receipt, SinkError> + Send, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let ((tx, gate), (begins, begun)) = (mpsc::channel::<()>(), mpsc::channel());
    let sink = move |_: &RecordBatch| {
        let _ = begins.send(());
        let _ = gate.recv();
        Ok(Receipt::default())
    };
    (sink, tx, begun)
}

/// Flushes that were asked for and not waited for, while a sink is stuck, and while all sinks are behind.
#[test]
fn flushes_do_not_fill_the_memory() {
    let _alone = alone();
    for records in [1, 40_000] {
        let (sink, gate, begun) = stuck();
        let recorder = Recorder::builder("t").sink(sink).memory_limit(MEBI).build().unwrap();
        recorder.in_scope(|| (0..records).for_each(|_| observe::span("s").in_scope(|| ())));
        begun.recv().unwrap();
        let waits = recorder.flush(LONG);
        let grown = most(|| (0..size(200_000, 2_000)).for_each(|_| drop(recorder.flush(Duration::from_secs(3600)))));
        assert!(grown < MEBI, "{grown} bytes");
        drop(gate);
        drop(waits);
        assert!(recorder.flush_blocking(LONG).sinks[0].delivered > 0);
    }
}

/// A sink that has all of a batch as text at a time.
fn writes_out(batch: &RecordBatch) -> Result<Receipt, SinkError> {
    let lines: Vec<String> = batch.iter().map(|record| record.to_json()).collect();
    assert!(!lines.is_empty());
    Ok(Receipt::default())
}

/// Text, names and keys that live as long as the program: recorded by their addresses, and written out by sinks.
#[test]
fn static_text_counts_for_what_it_is() {
    let _alone = alone();
    let leak = |text: String| -> &'static str { text.leak() };
    let long = leak("a prompt ".repeat(2_000));
    let key = leak("k".repeat(60_000));
    let with: [(&str, &dyn Fn(u64)); 3] = [
        ("value", &|_| observe::span("s").attribute("prompt", Value::Static(long)).in_scope(|| ())),
        ("name", &|_| observe::span(long).in_scope(|| ())),
        ("key", &|n| observe::span("s").attribute(key, n).in_scope(|| ())),
    ];
    for (what, span) in with {
        let recorder = Recorder::builder("t").sink(writes_out).memory_limit(4 * MEBI).build().unwrap();
        let grown = most(|| {
            recorder.in_scope(|| (0..size(20_000, 100)).for_each(span));
            recorder.flush_blocking(LONG);
        });
        assert!(grown < 16 * MEBI, "{what}: {grown} bytes");
    }
}

/// What each segment says of the process, and each record of the service.
#[test]
fn what_every_record_says_is_short() {
    let _alone = alone();
    let long = "x".repeat(100_000);
    let recorder = Recorder::builder(long.as_str()).resource("k", long.as_str()).sink(writes_out);
    let recorder = recorder.memory_limit(4 * MEBI).on_flush_only().build().unwrap();
    let grown = most(|| {
        recorder.in_scope(|| (0..size(500, 10)).for_each(|_| observe::run("r").in_scope(|| ())));
        recorder.flush_blocking(LONG);
    });
    assert!(grown < 40 * MEBI, "{grown} bytes");
}

/// Threads that come and go while nothing is delivered leave nothing behind but what found room.
#[test]
fn threads_do_not_fill_the_memory() {
    let _alone = alone();
    let (recorder, _memory) = with(|b| b.memory_limit(0).on_flush_only());
    let spans = |n: u64| recorder.in_scope(|| (0..n).for_each(|_| observe::span("s").in_scope(|| ())));
    spans(10_000);
    let threads = size(5_000, 20);
    let grown = most(|| (0..threads).for_each(|_| std::thread::scope(|s| drop(s.spawn(|| spans(1)).join()))));
    assert!(grown < 100_000, "{grown} bytes");
    let report = recorder.flush_blocking(LONG);
    assert!(report.dropped > threads, "{report:?}");
}
