//! A sampler of the application's own, which decides when the first span of a trace begins to run.
#![cfg(feature = "record")]

mod support;

use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, Kind, Memory, Primitive, Recorder, Sampler, SamplingInput, TraceId, carrier, observe};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use support::*;

fn by(decide: impl Fn(&SamplingInput<'_>) -> bool + Send + Sync + 'static) -> (Recorder, Memory) {
    with(|b| b.on_flush_only().sampler(Sampler::by(decide)))
}

fn remote(flags: u8) -> Context {
    let mut parent = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
    parent.flags = flags;
    Context::remote(parent, None, TraceState::new(), Baggage::parse(b"tenant=acme").0)
}

fn is_health(root: &SamplingInput<'_>) -> bool {
    root.attribute("http.route").and_then(|route| route.as_str()) == Some("/health")
}

fn request(route: &'static str) {
    let span = observe::span("GET").kind(Kind::Server).primitive(Primitive::HTTP_SERVER).attribute("http.route", route);
    span.in_scope(|| observe::span("child").in_scope(|| ()))
}

/// A root, a remote root and a run, by name, kind, primitive, attributes and parent.
#[test]
fn it_sees_what_the_builder_was_given() {
    let seen = Arc::new(Mutex::new(vec![]));
    let told = seen.clone();
    let (recorder, _) = by(move |root| {
        let attributes: Vec<_> = root.attributes().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or("?"))).collect();
        told.lock().unwrap().push(format!(
            "{} {} {} {:?} {:?} {}",
            root.name(),
            root.primitive().name(),
            root.kind().name(),
            attributes,
            root.parent_sampled(),
            root.baggage().as_str()
        ));
        true
    });
    recorder.in_scope(|| {
        request("/orders");
        observe::in_scope(&remote(1), || request("/orders"));
        observe::in_scope(&remote(0), || observe::run(String::from("nightly")).attribute("a", "b").in_scope(|| ()));
        let id = 7;
        observe::span(format!("job {id}")).in_scope(|| ());
    });
    let seen = seen.lock().unwrap();
    assert_eq!(
        *seen,
        [
            r#"GET http.server server ["http.route=/orders"] None "#,
            r#"GET http.server server ["http.route=/orders"] Some(true) tenant=acme"#,
            r#"nightly custom.operation internal ["a=b"] Some(false) tenant=acme"#,
            r#"job 7 custom.operation internal [] None "#,
        ]
    );
}

/// What was held back is recorded as it would have been: its time, id, parent, links and long texts too.
#[test]
fn a_root_that_was_held_is_recorded_whole() {
    let (recorder, memory) = by(|_| true);
    let long = "x".repeat(5000);
    let (id, before) = recorder.in_scope(|| {
        let builder = observe::span("root").attribute("a", 1).link(&remote(1)).primitive(Primitive::FLOW_STEP);
        observe::span("in between").in_scope(|| ());
        let before = std::time::SystemTime::now();
        let builder = builder.attribute("long", &long).attribute("b", "two").kind(Kind::Client);
        let id = builder.id();
        observe::in_scope(&remote(1), || observe::span("below").in_scope(|| ()));
        builder.in_scope(|| observe::span("child").in_scope(|| ()));
        (id, before)
    });
    flush(&recorder);
    let records = memory.take();
    let all = spans(&records);
    let root = by_name(&all, "root");
    assert_eq!((Some(root.id), root.parent, root.kind), (id, None, Kind::Client));
    assert_eq!((root.primitive.as_str(), root.links.len()), ("flow.step", 1));
    let before = before.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    assert!(root.begun <= before + 1_000_000, "it began when its builder did");
    let keys: Vec<_> = root.attributes.iter().map(|(key, value)| (key.as_str(), value.len())).collect();
    assert_eq!(keys[0].0, "a");
    assert!(keys.contains(&("b", 3)) || keys.iter().any(|(k, _)| *k == "b"), "{keys:?}");
    assert!(keys.iter().any(|(k, n)| *k == "long" && *n >= 4096 && *n < 5000), "{keys:?}");
    assert_eq!(by_name(&all, "child").parent, Some(root.id));
    assert_eq!(by_name(&all, "below").parent.map(|id| id.to_string()).as_deref(), Some("00f067aa0ba902b7"));
}

#[test]
fn what_it_refuses_still_travels() {
    let (recorder, memory) = by(|root| !is_health(root));
    recorder.in_scope(|| {
        request("/health");
        request("/orders");
        observe::span("GET").attribute("http.route", "/health").in_scope(|| {
            let context = observe::current_context();
            assert!(!context.is_sampled() && !context.is_recorded() && context.trace_id().is_some());
            let mut headers = HashMap::<String, String>::new();
            carrier::inject(&context, &mut headers);
            assert!(headers["traceparent"].ends_with("-00"), "{headers:?}");
            assert!(observe::active_span().is_none());
        });
        // What came from elsewhere goes on as it came, whatever is recorded here.
        for flags in [0, 1] {
            observe::in_scope(&remote(flags), || {
                observe::span("GET").attribute("http.route", "/health").in_scope(|| {
                    let parent = observe::current_context().trace_parent().unwrap().to_string();
                    assert_eq!(parent, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0{flags}"));
                    request("/orders"); // its trace is decided
                })
            })
        }
    });
    flush(&recorder);
    assert_eq!(tree(&memory.take()), "\nGET [ok] http.route=/orders\n  child [ok]");
}

/// Spans inside a trace that was decided never ask, and a run asks once.
#[test]
fn it_is_asked_once_for_each_trace() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let (recorder, memory) = by(|root| {
        observe::span("inside the sampler").in_scope(|| ()); // neither recorded nor asked about
        ASKED.fetch_add(1, Relaxed);
        root.name() != "no"
    });
    recorder.in_scope(|| {
        observe::span("yes").in_scope(|| (0..10).for_each(|_| request("/a")));
        observe::run("yes").in_scope(|| observe::run("child").in_scope(|| request("/a")));
        observe::span("no").in_scope(|| (0..10).for_each(|_| request("/a")));
        observe::run("no").in_scope(|| request("/a"));
        let saved = observe::run("yes").open().suspend("later");
        observe::resume_run(saved).in_scope(|| request("/a"));
        drop(observe::span("never run"));
        observe::span("a detail").implicit_run(false).in_scope(|| ());
        observe::in_scope(&remote(1), || observe::span("a detail").implicit_run(false).in_scope(|| ()));
    });
    flush(&recorder);
    let names: Vec<_> = spans(&memory.take()).into_iter().map(|s| s.name).collect();
    assert_eq!(names.iter().filter(|name| *name == "GET").count(), 12, "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "a detail").count(), 1);
    assert!(!names.iter().any(|name| name == "inside the sampler" || name == "no" || name == "never run"));
    assert_eq!(ASKED.load(Relaxed), 7, "yes, yes, no, no, yes, its resume, and the detail of a remote run");
}

/// The share is the same that `Sampler::ratio` takes, for it goes by the trace id.
#[test]
fn a_share_is_the_same_in_every_process() {
    let (own, _) = by(|root| root.is_in_share(0.3));
    let (ratio, _) = with(|b| b.on_flush_only().sampler(Sampler::ratio(0.3)));
    let mut recorded = 0;
    for n in 1..200u128 {
        let trace = TraceId::new(n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)).unwrap();
        let is_recorded = |recorder: &Recorder| {
            recorder.in_scope(|| {
                observe::in_scope(&Context::of_trace(trace), || {
                    observe::span("s").in_scope_value(observe::current_context)
                })
            })
        };
        let (a, b) = (is_recorded(&own), is_recorded(&ratio));
        assert_eq!((a.is_recorded(), a.flags()), (b.is_recorded(), b.flags()), "{trace}");
        recorded += u32::from(a.is_recorded());
    }
    assert!((30..90).contains(&recorded), "{recorded}");
}

#[test]
fn a_sampler_that_panics_records() {
    let (recorder, memory) = by(|_| panic!("on purpose"));
    recorder.in_scope(|| request("/orders"));
    flush(&recorder);
    assert_eq!(spans(&memory.take()).len(), 2);
}

/// It may record in the scope of the recorder that asks it, and is not asked about that.
#[test]
fn it_is_not_asked_about_itself() {
    static RECORDER: OnceLock<Recorder> = OnceLock::new();
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let (recorder, memory) = by(|_| {
        ASKED.fetch_add(1, Relaxed);
        RECORDER.get().unwrap().in_scope(|| observe::span("inside the sampler").in_scope(|| ()));
        true
    });
    let recorder = RECORDER.get_or_init(|| recorder);
    recorder.in_scope(|| (0..2).for_each(|_| observe::span("outside").in_scope(|| ())));
    flush(recorder);
    assert_eq!(ASKED.load(Relaxed), 2);
    assert_eq!(spans(&memory.take()).iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["outside"; 2]);
}
