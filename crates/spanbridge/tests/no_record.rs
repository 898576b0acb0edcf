//! Where nobody records (without the feature, or with no recorder installed): everything compiles, contexts are carried,
//! nothing panics.

use spanbridge::observe::{self, EdgeType, NewArtifact, Target};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, ContextExt, Kind, Primitive, RunId, TraceId, Value, carrier};
use std::collections::HashMap;
use std::future::ready;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Poll, Waker};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn received() -> Context {
    let headers = HashMap::from([
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("tracestate".to_owned(), "a=1".to_owned()),
        ("baggage".to_owned(), "k=v".to_owned()),
    ]);
    carrier::extract(&headers).context
}

fn sent(context: &Context) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    carrier::inject(context, &mut headers);
    headers
}

fn now<F: Future>(f: F) -> F::Output {
    match pin!(f).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => out,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

/// Everything that can be said, under what is current.
fn say_everything() {
    let before = observe::current_context();
    let s = observe::span("s")
        .primitive(Primitive::HTTP_SERVER)
        .kind(Kind::Server)
        .link(&received())
        .attribute("k", "v")
        .implicit_run(false)
        .open();
    assert_eq!((s.id(), s.context()), (None, &before));
    s.attribute("k", Value::Static("v"));
    s.attributes(&[("a", 1.into()), ("b", 0.5.into())]);
    s.event("e", &[("k", true.into())]);
    s.link(&received());
    s.artifact(&NewArtifact::new("input", "text/plain", b"x").inline(1));
    s.edge(EdgeType::TRIGGERED, Target::from(&Context::EMPTY));
    s.diagnostic("code", "message");
    s.in_scope(|| assert_eq!(observe::current_context(), before));
    now(s.with_context(|| ready(())));
    s.start_child("child").cancel();
    s.start_child("child").end_with(&Err::<(), _>("no"));
    s.error("boom");
    assert!(observe::active_span().is_none());
    observe::event("e", &[]);
    drop(observe::span("dropped"));
    assert_eq!(observe::span("value").in_scope_value(|| 7), 7);
    assert_eq!(observe::span("error").in_scope(|| Err::<(), _>("e")), Err("e"));
    assert_eq!(now(observe::span("future").run(|| ready(Some(1)))), Some(1));
    assert_eq!(now(observe::span("future").run_value(|| ready(1))), 1);
    assert_eq!(now(observe::span("s").open().run(|| ready(Ok::<_, String>(1)))), Ok(1));
    let run = observe::run("r").attribute("k", 1).primitive(Primitive::FLOW_RUN).open();
    assert_eq!((run.id(), run.context()), (before.run_id(), &before));
    run.in_scope(|| assert_eq!(observe::current_context(), before));
    now(run.with_context(|| ready(())));
    run.end();
    observe::run("r").in_scope(|| ());
    now(observe::run("r").run(|| ready(())));
    observe::run("r").open().error("e");
    observe::run("r").open().cancel();
    assert!(catch_unwind(|| observe::span("s").in_scope::<()>(|| panic!("on purpose"))).is_err());
    assert!(catch_unwind(|| observe::run("r").in_scope::<()>(|| panic!("on purpose"))).is_err());
    assert!(catch_unwind(|| now(observe::span("s").run_value(async || { panic!("on purpose") }))).is_err());
    assert_eq!(observe::current_context(), before);
}

#[test]
fn without_a_context() {
    say_everything();
    assert!(observe::current_context().is_empty());
    assert_eq!(sent(&observe::current_context()), HashMap::new());
}

#[test]
fn a_received_context_goes_on_as_it_came() {
    let cx = received();
    assert_eq!((cx.is_remote(), cx.is_sampled(), cx.is_recorded()), (true, true, false));
    observe::in_scope(&cx, say_everything);
    now(async { say_everything() }.in_context(cx.clone()));
    let inside = observe::in_scope(&cx, || observe::span("s").in_scope_value(observe::current_context));
    let out = sent(&inside);
    assert_eq!(
        (out["traceparent"].as_str(), out["tracestate"].as_str(), out["baggage"].as_str()),
        (PARENT, "a=1", "k=v")
    );
    std::thread::scope(|s| {
        let bound = observe::in_scope(&cx, || observe::bind(observe::current_context));
        assert_eq!(s.spawn(bound).join().unwrap(), cx);
    });
}

/// The first thing that a thread does.
#[test]
fn on_a_fresh_thread() {
    std::thread::spawn(say_everything).join().unwrap();
    std::thread::spawn(|| observe::span("s").open().end()).join().unwrap();
    std::thread::spawn(|| observe::span("s").in_scope(|| ())).join().unwrap();
}

#[test]
fn contexts_are_values() {
    let cx = received();
    assert_eq!(cx.trace_id(), TraceId::from_hex(b"4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_eq!(cx.run_id(), cx.trace_id().map(RunId::of_trace));
    let other = cx.with_baggage(Baggage::new().with("l", "w").unwrap());
    assert_ne!(cx, other);
    assert_eq!((cx.baggage().get("k").as_deref(), other.baggage().get("l").as_deref()), (Some("v"), Some("w")));
    assert_eq!(cx.clone(), cx);
    let run = RunId::new(7);
    let parent = TraceParent::parse(PARENT.as_bytes()).unwrap();
    let child = Context::remote(parent, run, TraceState::new(), Baggage::new());
    assert_eq!(carrier::extract(&sent(&child)).context, child);
    assert_ne!(child, cx);
    let empty = Context::EMPTY.with_baggage(Baggage::new().with("k", "v").unwrap());
    assert!(empty.is_empty() && empty.travels() && !Context::default().travels());
    assert_eq!(sent(&empty), HashMap::from([("baggage".to_owned(), "k=v".to_owned())]));
    assert!(format!("{cx:?} {empty:?}").contains("4bf92f35"));
}
