//! What reading and writing each wire form costs: `cargo bench -p spanbridge --features record --bench wire [part of a name]`.
//!
//! Nanoseconds and allocations of one call, the quickest of several rounds. For instructions, run it under
//! `valgrind --tool=callgrind --toggle-collect='*TraceParent*parse*'`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use spanbridge::w3c::{Baggage, TraceParent, TraceState};

struct Counting;
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const RUN: &str = "sb=r:0af7651916cd43dd8448eb211c80319c";
const TRACESTATE: &str =
    "sb=r:0af7651916cd43dd8448eb211c80319c,dd=s:2;o:rum;t.tid:640cfd8d00000000,rojo=00f067aa0ba902b7";
const BAGGAGE: &str = "user.id=Am%C3%A9lie,tenant=acme-industries,plan=pro%20plus;secret";

fn measure<T>(name: &str, mut call: impl FnMut() -> T) {
    if std::env::args().skip(1).any(|wanted| !wanted.starts_with('-') && !name.contains(&wanted)) {
        return;
    }
    let mut time = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        start.elapsed()
    };
    let mut calls = 64;
    while time(calls) < Duration::from_millis(5) {
        calls *= 2;
    }
    let best = (0..10).map(|_| time(calls)).min().unwrap_or_default();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    time(64);
    let allocations = (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / 64.0;
    println!("{name:<44} {:>9.1} ns {allocations:>5} allocations", best.as_nanos() as f64 / f64::from(calls));
}

fn main() {
    headers();
    #[cfg(feature = "json")]
    payload();
    #[cfg(feature = "record")]
    record();
}

fn headers() {
    let parent = TraceParent::parse(PARENT.as_bytes()).expect("a traceparent");
    measure("traceparent, parse", || TraceParent::parse(black_box(PARENT.as_bytes())));
    measure("traceparent, to_bytes", || black_box(parent).to_bytes());
    measure("traceparent, to_text().as_str()", || black_box(black_box(parent).to_text()).as_str().len());

    measure("tracestate, parse none", || TraceState::parse(black_box(b"")));
    measure("tracestate, parse ours alone", || TraceState::parse(black_box(RUN.as_bytes())));
    measure("tracestate, parse ours and two others", || TraceState::parse(black_box(TRACESTATE.as_bytes())));
    let (run, state, _) = TraceState::parse(TRACESTATE.as_bytes());
    let mut out = String::with_capacity(512);
    measure("tracestate, write ours and two others", || {
        out.clear();
        black_box(&state).write(run, &mut out);
        out.len()
    });

    measure("baggage, parse three members", || Baggage::parse(black_box(BAGGAGE.as_bytes())));
    let (baggage, _) = Baggage::parse(BAGGAGE.as_bytes());
    measure("baggage, get", || black_box(&baggage).get("tenant").map(|v| v.len()));
    measure("baggage, get and decode", || black_box(&baggage).get("user.id").map(|v| v.len()));
    measure("baggage, with", || black_box(&baggage).with("plan", "basic plan"));
}

#[cfg(feature = "json")]
fn payload() {
    use spanbridge::payload::{HiddenFields, splice, take};
    let parent_only = HiddenFields { traceparent: PARENT.into(), ..Default::default() };
    let all =
        HiddenFields { tracestate: Some(TRACESTATE.into()), baggage: Some(BAGGAGE.into()), ..parent_only.clone() };
    let small = br#"{"order":42,"items":["a","b"],"customer":{"id":"c-1"}}"#.to_vec();
    let text = "word ".repeat(2000);
    let large = format!(r#"{{"order":42,"text":"{text}","items":["a","b"]}}"#).into_bytes();
    let escaped = format!(r#"{{"order":42,"name":"Am\u00e9lie","text":"{text}"}}"#).into_bytes();
    for (size, payload) in [("54 bytes", &small), ("10 KB", &large), ("10 KB with escapes", &escaped)] {
        measure(&format!("payload of {size}, splice"), || splice(black_box(payload), black_box(&parent_only)));
        let sent = splice(payload, &parent_only).expect("an object");
        measure(&format!("payload of {size}, take"), || take(black_box(&sent)).fields.is_some());
        measure(&format!("payload of {size}, take and payload()"), || take(black_box(&sent)).payload());
        measure(&format!("payload of {size}, take where there is none"), || take(black_box(payload)).fields.is_some());
    }
    let sent = splice(&small, &all).expect("an object");
    measure("payload of 54 bytes, splice all three", || splice(black_box(&small), black_box(&all)));
    measure("payload of 54 bytes, take all three", || take(black_box(&sent)).fields.is_some());
    let field = &sent[1..sent.len() - small.len()];
    let moved = [&large[..large.len() - 1], b",", field, b"}"].concat();
    assert!(take(&moved).fields.is_some());
    measure("payload of 10 KB, take from the end", || take(black_box(&moved)).fields.is_some());
}

#[cfg(feature = "record")]
fn record() {
    use spanbridge::record::Record;
    let line = r#"{"schemaVersion":1,"recordId":"53ce929d0e0e4736-7","type":"span","runId":"4bf92f3577b34da6a3ce929d0e0e4736","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","segmentId":"53ce929d0e0e4736","segmentSeq":7,"service":"orders","spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331","name":"send orders","family":"messaging","primitive":"messaging.publish","kind":"producer","startedAt":"2026-11-20T09:25:45.000000001Z","endedAt":"2026-11-20T09:25:45.000000002Z","status":"ok","attributes":{"messaging.system":"rabbitmq","messaging.destination.name":"orders","messaging.message.body.size":1234}}"#;
    let record = Record::from_json(line).expect("a record").expect("a known type");
    measure("record of 600 bytes, from_json", || Record::from_json(black_box(line)));
    let mut out = String::with_capacity(1024);
    measure("record of 600 bytes, write_json", || {
        out.clear();
        black_box(&record).write_json(&mut out);
        out.len()
    });
    measure("record of 600 bytes, into_owned", || black_box(&record).clone().into_owned());
}
