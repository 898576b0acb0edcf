//! Writers and the delivering thread at the same time: nothing is lost, torn or told twice.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, SpanData, SpanEnd};
use spanbridge::{Receipt, RecordBatch, Recorder, SinkError, SpanId, Status, Value, observe};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::*};
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant};
use support::*;

/// What is said about the i-th child of writer w.
fn attributes(w: u64, i: u64) -> [(&'static str, String); 5] {
    [
        ("n", i.to_string()),
        ("text", format!("{w}:{i}:{}", "x".repeat(i as usize % 53))),
        ("fixed", "static".to_owned()),
        ("half", format!("{:?}", i as f64 / 2.0)),
        ("odd", (i % 2 == 1).to_string()),
    ]
}

/// Two threads write, and a busy one reads.
#[test]
fn nothing_is_lost_or_torn() {
    let n = size(100_000, 75);
    let (recorder, memory) = with(|b| b.interval(Duration::from_millis(1)).memory_limit(1 << 30));
    let write = |w: u64| {
        let mut ids: Vec<(SpanId, u64, u64)> = vec![];
        while (ids.len() as u64) < n {
            observe::span("root").in_scope(|| {
                for _ in 0..37 {
                    let i = ids.len() as u64;
                    let text = &attributes(w, i)[1].1;
                    let b = observe::span("child")
                        .attribute("n", i)
                        .attribute("text", text)
                        .attribute("fixed", Value::Static("static"))
                        .attribute("half", i as f64 / 2.0)
                        .attribute("odd", i % 2 == 1);
                    ids.push((b.id().unwrap(), w, i));
                    b.in_scope(|| {
                        if i % 10 == 0 {
                            observe::span("inner").in_scope(|| ())
                        }
                    });
                }
            })
        }
        ids
    };
    let ids: Vec<_> = std::thread::scope(|s| {
        let (recorder, write) = (&recorder, &write);
        let writers: Vec<_> = (0..2).map(|w| s.spawn(move || recorder.in_scope(|| write(w)))).collect();
        writers.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    let report = flush(&recorder);
    assert_eq!((report.dropped, report.cut, report.sinks[0].dropped), (0, 0, 0));
    let records = memory.take();
    gap_free(&records);
    let all = spans(&records);
    assert!(all.iter().all(|s| s.status == Some(Status::Ok)));
    let by_id: HashMap<_, _> = all.iter().map(|s| (s.id, s)).collect();
    for (id, w, i) in &ids {
        let child = by_id[id];
        let same = child.attributes.iter().map(|(k, v)| (&**k, v.clone())).eq(attributes(*w, *i));
        assert!(child.name == "child" && same, "{child:?}");
        let root = by_id[&child.parent.unwrap()];
        assert_eq!((root.name.as_str(), root.trace, root.segment), ("root", child.trace, child.segment));
    }
    assert_eq!(all.iter().filter(|s| s.name == "child").count(), ids.len());
    assert_eq!(all.iter().filter(|s| s.name == "inner").count(), ids.iter().filter(|x| x.2 % 10 == 0).count());
}

/// Nothing waits for a buffer to fill, or for the thread to do something else.
#[test]
fn an_idle_threads_open_span_is_visible() {
    let (recorder, memory) = with(|b| b.interval(Duration::from_millis(2)));
    let (tx, rx) = mpsc::channel::<()>();
    std::thread::scope(|s| {
        let recorder = &recorder;
        s.spawn(move || recorder.in_scope(|| observe::span("long").in_scope(|| rx.recv())));
        let started = until("the start", || {
            memory.records().iter().find_map(|r| {
                if let Body::Span(s @ SpanData { end: None, .. }) = &r.body { Some(s.span_id) } else { None }
            })
        });
        tx.send(()).unwrap();
        until("the end", || {
            let ended = |b: &Body<'_>| matches!(b, Body::SpanEnd(SpanEnd { span_id, .. }) if *span_id == started);
            memory.records().iter().any(|r| ended(&r.body)).then_some(())
        });
    });
    let records = memory.take();
    assert_eq!(tree(&records), "\nlong [ok]");
    gap_free(&records);
}

#[test]
fn a_thread_that_exits_leaves_everything_behind() {
    let (recorder, memory) = recorder();
    let n = size(20_000, 50);
    for _ in 0..4 {
        let work = || observe::span("root").in_scope(|| (0..n).for_each(|_| observe::span("c").in_scope(|| ())));
        std::thread::scope(|s| s.spawn(|| recorder.in_scope(work)).join().unwrap());
    }
    let report = flush(&recorder);
    let all = spans(&memory.take());
    assert_eq!((all.len() as u64, report.dropped), (4 * (n + 1), 0));
    assert!(all.iter().all(|s| s.status == Some(Status::Ok)));
}

/// Thread-locals are destroyed in an order of the system's: such a span is delivered or counted.
#[test]
fn a_span_in_a_destructor_is_counted() {
    struct Late(spanbridge::Context);
    impl Drop for Late {
        fn drop(&mut self) {
            observe::in_scope(&self.0, || observe::span("in a destructor").in_scope(|| ()));
        }
    }
    thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
    for before in [true, false] {
        let (recorder, memory) = recorder();
        let set = || LATE.with_borrow_mut(|l| *l = Some(Late(observe::current_context())));
        let work = || {
            observe::span("root").in_scope(|| {
                // once registered before the buffer's own destructor, once after
                if before {
                    set()
                }
                observe::span("c").in_scope(|| ());
                set()
            })
        };
        std::thread::scope(|s| {
            s.spawn(|| {
                if before {
                    LATE.with_borrow_mut(|l| *l = None)
                }
                recorder.in_scope(work)
            })
            .join()
            .unwrap()
        });
        let report = flush(&recorder);
        let found = spans(&memory.take()).iter().filter(|s| s.name == "in a destructor").count() as u64;
        assert!(found + report.dropped >= 1 && report.dropped <= 1, "{found} {report:?}");
    }
}

/// The chunk with its start may be gone by then.
#[test]
fn a_span_ends_on_another_thread() {
    let (recorder, memory) = recorder();
    let (elsewhere, late, dropped, cx) = recorder.in_scope(|| {
        observe::span("root").in_scope_value(|| {
            let open = |name| observe::span(name).open();
            (open("elsewhere"), open("late"), open("dropped"), observe::current_context())
        })
    });
    late.attribute("k", 7);
    flush(&recorder);
    std::thread::spawn(move || elsewhere.end()).join().unwrap();
    observe::in_scope(&cx, || (0..size(5000, 1400)).for_each(|_| observe::span("fill").in_scope(|| ())));
    late.end();
    drop(dropped);
    flush(&recorder);
    let records = memory.take();
    gap_free(&records);
    let all = spans(&records);
    let told = |name| {
        let s = by_name(&all, name);
        (s.status.unwrap(), s.in_two, s.attributes.len())
    };
    assert_eq!(told("elsewhere"), (Status::Ok, true, 0));
    assert_eq!(told("late"), (Status::Ok, true, 1));
    assert_eq!(told("dropped"), (Status::Cancelled, true, 0));
    assert!(all.iter().all(|s| s.segment == all[0].segment));
}

/// The allocator hands out the same address for one context after another.
#[test]
fn contexts_that_alternate_keep_their_traces() {
    let mut want = HashMap::new();
    let mut x = |name, cx: &spanbridge::Context| {
        observe::in_scope(cx, || {
            let s = observe::span(name);
            want.insert(s.id().unwrap(), cx.trace_id().unwrap());
            s.in_scope(|| ())
        })
    };
    let records = record(|| {
        let runs = [observe::run("a").open(), observe::run("b").open()];
        for _ in 0..size(300, 40) {
            runs.iter().for_each(|r| x("x", r.context()));
            x("y", observe::run("fresh").open().context());
        }
    });
    let all = spans(&records);
    assert_eq!(all.len(), want.len());
    all.iter().for_each(|s| assert_eq!(want[&s.id], s.trace));
    gap_free(&records);
}

/// A thread that works for two recorders in turn leaves its buffer each time, also in the middle of a builder.
#[test]
fn scoped_recorders_side_by_side() {
    let (a, in_a) = recorder();
    let (b, in_b) = recorder();
    let nested = || {
        b.in_scope(|| observe::span("b").in_scope(|| observe::span("b child").in_scope(|| ())));
        1
    };
    a.in_scope(|| {
        observe::span("a").in_scope(|| {
            let builder = observe::span("interrupted").attribute("before", 0);
            builder.attribute("n", nested()).in_scope(|| ());
            observe::span("after").in_scope(|| ());
        })
    });
    flush(&a);
    flush(&b);
    let (in_a, in_b) = (in_a.take(), in_b.take());
    let expected = "
a [ok]
  interrupted [ok] before=0 n=1
  after [ok]";
    assert_eq!(tree(&in_a), expected);
    assert_eq!(
        tree(&in_b),
        "
b [ok]
  b child [ok]"
    );
    gap_free(&in_a);
    gap_free(&in_b);
}

/// The scope of another recorder is a world of its own, not a child of what is current.
#[test]
fn many_scoped_recorders_on_many_threads() {
    let work = |i: u64| {
        let records = record(|| {
            observe::span("root")
                .in_scope(|| (0..100).for_each(|_| observe::span("c").attribute("i", i).in_scope(|| ())))
        });
        let all = spans(&records);
        assert_eq!(all.len(), 101);
        assert!(all.iter().skip(1).all(|s| s.attributes == [("i".to_owned(), i.to_string())]));
    };
    std::thread::scope(|s| {
        for i in 0..size(16, 2) {
            s.spawn(move || work(i));
        }
    })
}

/// The chunks that idle threads hold are no reason to hurry: delivery still rests 5 ms between runs that begin and end.
#[test]
#[cfg_attr(miri, ignore = "many threads")]
fn idle_threads_do_not_make_delivery_hurry() {
    let batches = Arc::new(AtomicU32::new(0));
    let counter = batches.clone();
    let count = move |_: &RecordBatch| -> Result<Receipt, SinkError> {
        counter.fetch_add(1, Relaxed);
        Ok(Receipt::default())
    };
    let recorder = Recorder::builder("t").sink(count).build().unwrap();
    let n = 40;
    let (ready, end) = (Barrier::new(n + 1), Barrier::new(n + 1));
    std::thread::scope(|s| {
        for _ in 0..n {
            s.spawn(|| {
                recorder.in_scope(|| observe::span("idle").in_scope(|| ()));
                ready.wait();
                end.wait()
            });
        }
        ready.wait();
        flush(&recorder);
        let (before, begun) = (batches.load(Relaxed), Instant::now());
        for _ in 0..500 {
            recorder.in_scope(|| observe::run("r").in_scope(|| ()));
            std::thread::sleep(Duration::from_micros(100));
        }
        let (got, took) = (batches.load(Relaxed) - before, begun.elapsed());
        end.wait();
        assert!(u128::from(got) <= 2 * (took.as_millis() / 5 + 2), "{got} batches in {took:?}");
    });
}
