//! Memory is capped, and what the cap costs is counted to the last record.
#![cfg(feature = "record")]

mod support;

use spanbridge::carrier::extract;
use spanbridge::record::{Body, BodyView, Diagnostic};
use spanbridge::{Context, Primitive, Receipt, RecordBatch, Recorder, SinkError, Status, observe};
use std::collections::{BTreeSet, HashMap};
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
        Body::Diagnostic(Diagnostic { code, count, .. }) if code == "dropped.memory" => *count,
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
            span.link(&observe::current_context());
            assert_eq!(span.context(), &observe::current_context());
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

/// Wide builders cross chunks, and long texts are cut between characters.
#[test]
fn wide_builders_and_long_texts() {
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

/// A record is at most a chunk. What more is said of a span goes into records of its own, and comes back as one.
#[test]
fn a_span_may_be_larger_than_a_chunk() {
    let (recorder, memory) = recorder();
    let text = "x".repeat(4096);
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            let cx = observe::current_context();
            let mut b = observe::span("huge").primitive(Primitive::MESSAGING_PROCESS);
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
    let (root, huge, held) = (by_name(&all, "root"), by_name(&all, "huge"), by_name(&all, "held"));
    assert!(huge.links == vec![(root.trace, root.id); 200], "{} links", huge.links.len());
    assert_eq!((huge.attributes.len(), &*huge.attributes[20].1, held.attributes.len()), (21, "1", 20));
    assert!(huge.attributes[..20].iter().chain(&held.attributes).all(|(k, v)| k == "text" && *v == text));
    assert_eq!((&*huge.primitive, huge.status), ("messaging.process", Some(Status::Ok)));
    assert_eq!((report.cut, report.dropped), (0, 0));
    gap_free(&records);
}

fn sender(n: u64) -> Context {
    let headers = [("traceparent".to_owned(), format!("00-{n:032x}-{n:016x}-01"))];
    extract(&HashMap::from(headers)).context
}

/// However many messages a batch has, its span is linked to each sender: in the span's record while that is not too large,
/// and by records of their own.
#[test]
#[cfg_attr(miri, ignore = "many links")]
fn a_batch_has_all_of_its_links() {
    for n in [451u64, 452, 1_000, 10_000, 30_000] {
        let senders: Vec<Context> = (1..=n).map(sender).collect();
        let (recorder, memory) = recorder();
        recorder.in_scope(|| {
            let span = observe::span("batch").primitive(Primitive::MESSAGING_PROCESS).attribute("first", 1);
            let span = senders.iter().fold(span, |span, sender| span.link(sender));
            span.attribute("last", 2).in_scope(|| ());
        });
        let report = flush(&recorder);
        let records = memory.take();
        let all = spans(&records);
        let batch = by_name(&all, "batch");
        let in_record = records.iter().find_map(|r| match &r.body {
            Body::Span(s) => (s.span_id == batch.id).then_some(s.links.len()),
            _ => None,
        });
        let links: BTreeSet<_> = batch.links.iter().copied().collect();
        let sent: BTreeSet<_> = senders.iter().map(|s| (s.trace_id().unwrap(), s.span_id().unwrap())).collect();
        assert!(links == sent, "{} of {n} are there", links.len());
        assert_eq!(in_record == Some(n as usize), n <= 1_000, "{in_record:?} of {n} in its record");
        assert_eq!(batch.attributes.iter().map(|(k, _)| &**k).collect::<Vec<_>>(), ["first", "last"]);
        assert_eq!((report.cut, report.dropped), (0, 0));
        let largest = records.iter().map(|r| r.to_json().to_string().len()).max().unwrap();
        assert!(largest < 1 << 20, "{largest}");
        gap_free(&records);
    }
}

/// What was cut, and whose it was: at the tail of the buffer, in a record of its own, in an end, an event and a name.
#[test]
fn what_is_cut_names_its_span() {
    let long = "x".repeat(5000);
    let (recorder, memory) = recorder();
    recorder.in_scope(|| {
        observe::span("root").in_scope(|| {
            let b = observe::span("built").attribute("a", &long).attribute("fits", "y");
            b.primitive(Primitive::TOOL_CALL).attribute("b", &long).in_scope(|| ());
            let late = observe::span("late").open();
            late.attributes(&[("c", (&long).into()), ("d", (&long).into())]);
            late.event("e", &[("in event", (&long).into())]);
            late.error(&long);
            observe::span(long.clone()).in_scope(|| ());
            let many: Vec<_> = (0..9).map(|_| ("text", long[..4096].into())).collect();
            observe::span("full event").in_scope(|| observe::active_span().unwrap().event("e", &many));
        })
    });
    let report = flush(&recorder);
    let records = memory.take();
    let all = spans(&records);
    let told: Vec<String> = records
        .iter()
        .filter_map(|r| match &r.body {
            Body::Diagnostic(Diagnostic { code, message, count, span_id: Some(span), .. })
                if code == "cut.attributes" =>
            {
                let span = all.iter().find(|s| s.id == *span).unwrap();
                assert_eq!(r.run_id, Some(span.run));
                Some(format!("{:.10} {message} ×{}", span.name, count.unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "built attribute a: cut after 4096 bytes ×1",
            "built attribute b: cut after 4096 bytes ×1",
            "late attribute c: cut after 4096 bytes ×2",
            "late attribute in event: cut after 4096 bytes ×1",
            "late the text of its error: cut after 4096 bytes ×1",
            "xxxxxxxxxx its name: cut after 4096 bytes ×1",
            "full event attribute text: left out, the record was full ×2",
        ]
    );
    assert_eq!((report.cut, report.dropped), (9, 0));
    let built = by_name(&all, "built");
    let lengths: Vec<_> = built.attributes.iter().map(|(k, v)| (&**k, v.len())).collect();
    assert_eq!(lengths, [("a", 4096), ("fits", 1), ("b", 4096)]);
    assert_eq!(built.primitive, "tool.call");
    gap_free(&records);
}

/// At full speed, with delivery going on: created = delivered + dropped, wherever it was dropped.
#[test]
fn full_speed_loses_nothing_silently() {
    let n = size(100_000, 500);
    let delivered = Arc::new(AtomicU64::new(0));
    let counter = delivered.clone();
    let count = move |batch: &RecordBatch| -> Result<Receipt, SinkError> {
        let begun = batch.iter().filter(|r| matches!(r.body(), BodyView::Span(_))).count();
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
