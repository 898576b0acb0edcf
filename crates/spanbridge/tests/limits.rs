//! Memory is capped, and what the cap costs is counted to the last record.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::Body;
use spanbridge::{Batch, Receipt, Recorder, SinkError, observe};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};
use support::*;

fn spans_in_a_row(n: u64) {
    observe::span("root").in_scope(|| (0..n).for_each(|_| observe::span("c").in_scope(|| ())))
}

#[test]
fn the_cap_is_kept_and_what_it_costs_is_counted() {
    let limit = 8 * CHUNK;
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(limit));
    let n = size(100_000, 3000);
    let barrier = Barrier::new(2);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                recorder.in_scope(|| {
                    barrier.wait();
                    spans_in_a_row(n)
                })
            });
        }
    });
    assert!(recorder.memory() <= limit / 2, "{} of {limit}", recorder.memory());
    let report = flush(&recorder);
    let records = memory.take();
    let kept = spans(&records).len() as u64;
    assert!(kept > 0 && report.dropped > 0);
    assert_eq!(kept + report.dropped, 2 * (n + 1), "kept {kept}, {report:?}");
    // What was dropped is told by reason, among the records.
    let told = records.iter().find_map(|r| match &r.body {
        Body::Diagnostic { code, count, .. } if code == "dropped.memory" => *count,
        _ => None,
    });
    assert_eq!(told, Some(report.dropped));
    gap_free(&records);
    // Chunks that were delivered serve again.
    recorder.in_scope(|| observe::span("after").in_scope(|| ()));
    assert_eq!(flush(&recorder).dropped, report.dropped);
    assert_eq!(tree(&memory.take()), "\nafter [ok]");
    assert!(recorder.memory() <= limit / 2);
}

/// A dropped span is not there; its children hang under its parent, and what is said to it is not said to another.
#[test]
fn a_span_without_room_passes_its_place_on() {
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(0));
    let mut filled = 0;
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            while observe::span("fill").open().id().is_some() {
                filled += 1
            }
            let span = observe::span("no room").open();
            assert_eq!(span.id(), None);
            span.attribute("k", 1);
            span.event("e", &[]);
            span.link(&observe::capture_context());
            assert_eq!(span.context(), &observe::capture_context());
            span.error("nobody hears");
            assert_eq!(observe::span("no room").in_scope_value(|| 5), 5);
        })
    });
    let report = flush(&recorder);
    let all = spans(&memory.take());
    assert_eq!(all.len(), filled + 1);
    let root = by_name(&all, "root");
    assert!(root.attributes.is_empty() && root.status.is_some());
    assert_eq!(report.dropped, 3);
}

/// There is always room to end what has begun.
#[test]
fn ends_have_a_reserve() {
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(64 * CHUNK));
    let held: Vec<_> = recorder
        .in_scope(|| observe::span("root").in_scope_value(|| (0..100).map(|_| observe::span("held").open()).collect()));
    recorder.in_scope(|| {
        let run = observe::run("run").open();
        spans_in_a_row(size(50_000, 8_000));
        run.end();
    });
    held.into_iter().for_each(|s| s.end());
    assert!(flush(&recorder).dropped > 0);
    let records = memory.take();
    let all = spans(&records);
    assert!(all.iter().all(|s| s.status.is_some()), "{:?}", all.iter().find(|s| s.status.is_none()));
    assert_eq!(lifecycle(&records), ["start run", "end ok"]);
}

#[test]
fn wide_builders_cross_chunks_and_long_texts_are_cut_at_characters() {
    let long = "é".repeat(3000); // 6000 bytes
    let odd = format!("x{long}");
    let n = size(600, 62);
    let (recorder, memory) = recorder();
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            for i in 0..n {
                let mut b = observe::span("wide");
                for _ in 0..i % 60 {
                    b = b.attribute("s", "0123456789abcdef0")
                }
                b.attribute("long", if i % 2 == 0 { &*long } else { &*odd }).in_scope(|| ());
            }
        })
    });
    let report = flush(&recorder);
    let records = memory.take();
    assert_eq!((report.dropped, report.cut), (0, n));
    let all = spans(&records);
    assert_eq!(all.len() as u64, n + 1);
    for (i, s) in all.iter().filter(|s| s.name == "wide").enumerate() {
        assert_eq!(s.attributes.len(), i % 60 + 1);
        let text = &s.attributes.last().unwrap().1;
        assert_eq!(*text, if i % 2 == 0 { &long[..4096] } else { &odd[..4095] });
    }
    gap_free(&records);
}

/// A record is at most a chunk; what does not fit is left out and counted, and a link is never torn.
#[test]
fn a_span_of_more_than_a_chunk_loses_attributes_not_itself() {
    let (recorder, memory) = recorder();
    let text = "x".repeat(4096);
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            let cx = observe::capture_context();
            let mut b = observe::span("huge");
            for _ in 0..20 {
                b = b.attribute("text", &text);
            }
            for _ in 0..200 {
                b = b.link(&cx)
            }
            b.attribute("n", 1).in_scope(|| ());
            let s = observe::span("held").open();
            let many: Vec<_> = (0..20).map(|_| ("text", (&text).into())).collect();
            s.attributes(&many);
            s.end();
        })
    });
    let report = flush(&recorder);
    let records = memory.take();
    let all = spans(&records);
    let (root, huge) = (by_name(&all, "root"), by_name(&all, "huge"));
    assert!(huge.links.len() > 10 && huge.links.iter().all(|l| *l == (root.trace, root.id)), "{:?}", huge.links);
    let texts = huge.attributes.iter().filter(|a| a.0 == "text").count();
    let cut_links = 200 - huge.links.len();
    let held = by_name(&all, "held").attributes.len();
    assert!((5..20).contains(&texts) && (5..20).contains(&held));
    let n = huge.attributes.iter().filter(|a| a.0 == "n").count();
    assert_eq!(report.cut as usize, 20 - texts + cut_links + 1 - n + 20 - held);
    assert_eq!(report.dropped, 0);
    gap_free(&records);
}

/// At full speed, with delivery going on: created = delivered + dropped, wherever it was dropped.
#[test]
fn full_speed_loses_nothing_silently() {
    let n = size(100_000, 500);
    let delivered = Arc::new(AtomicU64::new(0));
    let counter = delivered.clone();
    let count = move |batch: &Batch| -> Result<Receipt, SinkError> {
        let begun = batch.records().filter(|r| matches!(r.body, Body::Span(..) | Body::SpanStart(_))).count();
        counter.fetch_add(begun as u64, Relaxed);
        Ok(Receipt::default())
    };
    let recorder = Recorder::builder("test").sink(count).memory_limit(4 << 20).build().unwrap();
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| recorder.in_scope(|| (0..n / 100).for_each(|_| spans_in_a_row(99))));
        }
    });
    let report = recorder.flush_blocking(LONG);
    assert_eq!(report.complete, report.sinks[0].dropped == 0, "{report:?}");
    // Batches that a sink never got may hold ends and segments, too.
    let (delivered, lost) = (delivered.load(Relaxed), report.sinks[0].dropped);
    assert!(
        delivered + report.dropped <= 2 * n && delivered + report.dropped + lost >= 2 * n,
        "{delivered} {report:?}"
    );
    assert!(recorder.memory() <= 2 << 20);
}

#[test]
#[cfg_attr(miri, ignore = "a long table")]
fn no_limit_at_all_is_a_high_one() {
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(usize::MAX));
    recorder.in_scope(|| observe::span("s").in_scope(|| ()));
    flush(&recorder);
    assert_eq!(spans(&memory.take()).len(), 1);
}
