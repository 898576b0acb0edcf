//! What it costs to read and write contexts in an HTTP request's `HeaderMap` of nine headers, beside opentelemetry and
//! fastrace, in one run: each bench is a process of its own, and the parent has them work in turn.
//!
//! - `cargo bench -p spanbridge --features record,http --bench headers [-- <part of a name>,…]`; `ROUNDS` says how many rounds
//! - instructions: `BENCH=headers benches/instructions.sh "extract traceparent/spanbridge@20000"` (needs valgrind)
//!
//! Everyone does what their middleware for HTTP does: opentelemetry by its global propagators, through the carriers of
//! opentelemetry-http; fastrace as in fastrace-axum and fastrace-reqwest, which know `traceparent` only. What is read is dropped
//! again. `inject` writes into a request that has such headers already; `new request` writes into one that is built for it, and
//! what building costs (`nothing`) is not in its ratios. The hash maps are messages' headers as text.

/// The harness of the bench `spans`.
#[path = "support"]
mod support {
    pub(crate) mod allocations;
    pub(crate) mod bench;
    pub(crate) mod clock;
    pub(crate) mod harness;
    pub(crate) mod worker;
}

use fastrace::collector::{SpanContext, SpanId, TraceId};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector, TextMapCompositePropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use spanbridge::{Receipt, RecordBatch, Recorder, Sink, SinkError, carrier, observe};
use std::collections::HashMap;
use std::hint::black_box;
use support::bench::{Bench, Work, bench};
use support::harness;

const PARENT: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const STATE: (&str, &str) = ("tracestate", "dd=s:2;o:rum;t.tid:640cfd8d00000000,rojo=00f067aa0ba902b7");
const BAGGAGE: (&str, &str) = ("baggage", "user.id=Am%C3%A9lie,tenant=acme-industries,plan=pro%20plus");

/// What a client sends of its own.
const OTHERS: [(&str, &str); 8] = [
    ("host", "orders.internal:8080"),
    ("user-agent", "mail/2.3.1"),
    ("accept", "*/*"),
    ("content-type", "application/json"),
    ("content-length", "256"),
    ("accept-encoding", "gzip, br"),
    ("authorization", "Bearer 7b0ad9f254ce4ad19d380a4c1b6df1aa"),
    ("x-request-id", "7b0ad9f2-54ce-4ad1-9d38-0a4c1b6df1aa"),
];

/// A request's headers that are about contexts.
#[derive(Clone, Copy)]
enum Sent {
    Parent,
    All,
}

impl Sent {
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Sent::Parent => &[PARENT],
            Sent::All => &[PARENT, STATE, BAGGAGE],
        }
    }

    /// The others that make it nine.
    fn others(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(9);
        for (name, value) in &OTHERS[..9 - self.headers().len()] {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn request(self) -> HeaderMap {
        let mut map = self.others();
        for (name, value) in self.headers() {
            map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(map.len(), 9);
        map
    }
}

/// Contexts are bound to the recorder in effect, as in a server. What it records is nobody's business here.
struct Nowhere;

impl Sink for Nowhere {
    fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
        Ok(Receipt::default())
    }
}

fn ours(go: impl FnMut(u64) + 'static) -> Work {
    let recorder = Recorder::builder("bench").sink(Nowhere).install().expect("a recorder");
    observe::span("first").in_scope(|| ()); // so this is a thread that records, as one that serves is
    Work { _keep: Box::new(recorder), ..Work::plain(go) }
}

/// As `HeaderInjector` of opentelemetry-http.
struct Into<'a>(&'a mut HeaderMap);

impl Injector for Into<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let Ok(name) = HeaderName::from_bytes(key.as_bytes()) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                self.0.insert(name, value);
            }
        }
    }

    fn reserve(&mut self, additional: usize) {
        self.0.reserve(additional)
    }
}

/// As `HeaderExtractor` of opentelemetry-http.
struct From<'a>(&'a HeaderMap);

impl Extractor for From<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all = self.0.get_all(key).iter();
        if let (0, Some(0)) = all.size_hint() {
            return None;
        }
        Some(all.filter_map(|value| value.to_str().ok()).collect())
    }
}

fn theirs(sent: Sent) {
    match sent {
        Sent::Parent => global::set_text_map_propagator(TraceContextPropagator::new()),
        Sent::All => global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ])),
    }
}

fn read_theirs(carrier: &dyn Extractor) -> Context {
    global::get_text_map_propagator(|propagator| propagator.extract(carrier))
}

fn times(n: u64, mut call: impl FnMut()) {
    (0..n).for_each(|_| call())
}

fn extract_ours(sent: Sent) -> Work {
    let request = sent.request();
    ours(move |n| times(n, || drop(black_box(carrier::extract(black_box(&request))))))
}

fn extract_opentelemetry(sent: Sent) -> Work {
    theirs(sent);
    let request = sent.request();
    let read = read_theirs(&From(&request));
    assert!(read.span().span_context().is_valid() && read.baggage().is_empty() == matches!(sent, Sent::Parent));
    Work::plain(move |n| times(n, || drop(black_box(read_theirs(&From(black_box(&request)))))))
}

fn extract_fastrace(sent: Sent) -> Work {
    let request = sent.request();
    Work::plain(move |n| {
        times(n, || {
            let value = black_box(&request).get("traceparent").and_then(|value| value.to_str().ok());
            assert!(black_box(value.and_then(SpanContext::decode_w3c_traceparent)).is_some())
        })
    })
}

/// Writes into a request that has them already, and into one that is built for it.
fn inject(new: bool, sent: Sent, mut write: impl FnMut(&mut HeaderMap) + 'static) -> impl FnMut(u64) {
    let (mut request, others) = (sent.request(), sent.others());
    move |n| {
        times(n, || {
            if new {
                let mut request = HeaderMap::with_capacity(9);
                request.extend(black_box(&others).iter().map(|(name, value)| (name.clone(), value.clone())));
                write(&mut request);
                drop(black_box(request))
            } else {
                write(black_box(&mut request))
            }
        });
        assert!(request.len() >= 9) // opentelemetry adds an empty `tracestate`
    }
}

fn inject_ours(new: bool, sent: Sent) -> Work {
    let mut work = ours(|_| ());
    let context = carrier::extract(&sent.request()).context;
    work.go = Box::new(inject(new, sent, move |request| carrier::inject(black_box(&context), request)));
    work
}

fn inject_opentelemetry(new: bool, sent: Sent) -> Work {
    theirs(sent);
    let context = read_theirs(&From(&sent.request()));
    Work::plain(inject(new, sent, move |request| {
        global::get_text_map_propagator(|propagator| propagator.inject_context(black_box(&context), &mut Into(request)))
    }))
}

fn inject_fastrace(new: bool, sent: Sent) -> Work {
    let context = SpanContext::new(TraceId(0x4bf92f3577b34da6a3ce929d0e0e4736), SpanId(0x00f067aa0ba902b7));
    Work::plain(inject(new, sent, move |request| {
        let value = HeaderValue::from_str(&black_box(&context).encode_w3c_traceparent()).expect("a value");
        request.insert("traceparent", value);
    }))
}

/// The same with a message's headers as text, for whose map opentelemetry has its own carrier.
fn texts(sent: Sent) -> HashMap<String, String> {
    let request = sent.request();
    request.iter().map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())).collect()
}

fn extract_texts_ours(sent: Sent) -> Work {
    let message = texts(sent);
    ours(move |n| times(n, || drop(black_box(carrier::extract(black_box(&message))))))
}

fn extract_texts_opentelemetry(sent: Sent) -> Work {
    theirs(sent);
    let message = texts(sent);
    Work::plain(move |n| times(n, || drop(black_box(read_theirs(black_box(&message))))))
}

fn inject_texts_ours(sent: Sent) -> Work {
    let mut work = ours(|_| ());
    let (context, mut message) = (carrier::extract(&sent.request()).context, texts(sent));
    work.go = Box::new(move |n| times(n, || carrier::inject(black_box(&context), black_box(&mut message))));
    work
}

fn inject_texts_opentelemetry(sent: Sent) -> Work {
    theirs(sent);
    let (context, mut message) = (read_theirs(&From(&sent.request())), texts(sent));
    Work::plain(move |n| {
        times(n, || {
            let message = black_box(&mut message);
            global::get_text_map_propagator(|propagator| propagator.inject_context(black_box(&context), message))
        })
    })
}

fn benches() -> Vec<Bench> {
    let mut all = vec![];
    for (what, sent) in [("traceparent", Sent::Parent), ("all three", Sent::All)] {
        let mut add = |kind: &str, who: &str, start: Box<dyn FnOnce() -> Work>| {
            all.push(bench(format!("{kind} {what}/{who}"), 1, 100_000, start))
        };
        add("extract", "spanbridge", Box::new(move || extract_ours(sent)));
        add("extract", "opentelemetry", Box::new(move || extract_opentelemetry(sent)));
        add("extract", "fastrace", Box::new(move || extract_fastrace(sent)));
        for (kind, new) in [("inject", false), ("new request", true)] {
            add(kind, "spanbridge", Box::new(move || inject_ours(new, sent)));
            add(kind, "opentelemetry", Box::new(move || inject_opentelemetry(new, sent)));
            add(kind, "fastrace", Box::new(move || inject_fastrace(new, sent)));
        }
        add("new request", "nothing", Box::new(move || Work::plain(inject(true, sent, |_| ()))));
        add("hash map, extract", "spanbridge", Box::new(move || extract_texts_ours(sent)));
        add("hash map, extract", "opentelemetry", Box::new(move || extract_texts_opentelemetry(sent)));
        add("hash map, inject", "spanbridge", Box::new(move || inject_texts_ours(sent)));
        add("hash map, inject", "opentelemetry", Box::new(move || inject_texts_opentelemetry(sent)));
    }
    all
}

fn main() {
    let figures = harness::main(benches);
    println!("\n| | to opentelemetry | to fastrace |\n|---|---|---|");
    for what in figures.iter().filter_map(|f| f.name.strip_suffix("/spanbridge")) {
        let of = |who: &str| figures.iter().find(|f| f.name == format!("{what}/{who}")).map(|f| f.application);
        let bare = of("nothing").unwrap_or_default();
        let ratio = |who: &str| match (of("spanbridge"), of(who)) {
            (Some(ours), Some(theirs)) => format!("{:.2}", (ours - bare) / (theirs - bare)),
            _ => "–".to_owned(),
        };
        println!("| {what} | {} | {} |", ratio("opentelemetry"), ratio("fastrace"));
    }
}
