//! Runs: who begins them, who ends them, and how they hang together.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Record, RunEnd, RunStart, Segment, Via};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, Primitive, RunId, SpanId, TraceId, observe};
use std::panic::catch_unwind;
use support::*;

#[derive(Debug, PartialEq)]
struct Started {
    id: Option<RunId>,
    trace: Option<TraceId>,
    parent: Option<RunId>,
    span: Option<SpanId>,
}

fn started(records: &[Record<'_>], run: &str) -> Started {
    let found = records.iter().find_map(|r| match &r.body {
        Body::RunStart(RunStart { name, parent_run_id, triggered_by_span_id, .. }) if name == run => {
            Some(Started { id: r.run_id, trace: r.trace_id, parent: *parent_run_id, span: *triggered_by_span_id })
        }
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_run_ends_as_its_owner_says() {
    let records = record(|| {
        observe::run("fine").in_scope(|| ());
        let _ = observe::run("fails").in_scope(|| Err::<(), _>("boom"));
        let _ = catch_unwind(|| observe::run("panics").in_scope::<()>(|| panic!("on purpose")));
        observe::run("ended").open().end();
        observe::run("failed").open().error("no");
        observe::run("given up").open().cancel();
        observe::run("judged").open().end_with(&Ok::<_, String>(1));
        drop(observe::run("left").open());
        drop(observe::run("future, dropped").run(async || {}));
    });
    let expected = [
        "start fine",
        "end ok",
        "start fails",
        "end error: boom",
        "start panics",
        "end error: panicked: on purpose",
        "start ended",
        "end ok",
        "start failed",
        "end error: no",
        "start given up",
        "end cancelled",
        "start judged",
        "end ok",
        "start left",
        "start future, dropped",
        "end cancelled",
    ];
    assert_eq!(lifecycle(&records), expected);
    gap_free(&records);
}

#[test]
fn a_run_that_begins_its_trace_has_its_id() {
    let records = record(|| {
        observe::run("first").primitive(Primitive::FLOW_RUN).attribute("k", "v").in_scope(|| {
            observe::span("s").in_scope(|| ());
        })
    });
    let run = started(&records, "first");
    assert_eq!(run.id, run.trace.map(RunId::of_trace));
    assert_eq!((run.parent, run.span), (None, None));
    let all = spans(&records);
    assert_eq!((Some(all[0].run), all[0].parent), (run.id, None));
    let said = records.iter().any(|r| {
        matches!(&r.body, Body::RunStart(RunStart { root_primitive: Some(p), attributes, .. })
        if p == "flow.run" && attributes.get("k").and_then(|v| v.as_str()) == Some("v"))
    });
    assert!(said);
}

#[test]
fn a_run_inside_another_is_its_child() {
    let records = record(|| {
        observe::span("outer").in_scope(|| {
            observe::run("inner").in_scope(|| {
                observe::span("s").in_scope(|| ());
                observe::run("innermost").in_scope(|| ());
            });
            observe::span("after").in_scope(|| ());
        })
    });
    let all = spans(&records);
    let outer = by_name(&all, "outer");
    let inner = started(&records, "inner");
    let own = RunId::of_trace(outer.trace);
    assert_eq!((inner.trace, inner.parent, inner.span), (Some(outer.trace), Some(own), Some(outer.id)));
    assert_ne!(inner.id, Some(own));
    // The first span of a run still hangs in the trace's tree, under what triggered the run.
    let s = by_name(&all, "s");
    assert_eq!((Some(s.run), s.parent), (inner.id, Some(outer.id)));
    assert_eq!(started(&records, "innermost").parent, inner.id);
    assert_eq!(by_name(&all, "after").run, own);
    gap_free(&records);
}

#[test]
fn one_segment_a_run_whatever_is_between() {
    let (recorder, memory) = recorder();
    let run = recorder.in_scope(|| observe::run("long").open());
    for _ in 0..3 {
        run.in_scope(|| observe::span("s").in_scope(|| ()));
        recorder.in_scope(|| observe::span("other").in_scope(|| ()));
        flush(&recorder);
    }
    run.end();
    flush(&recorder);
    let records = memory.take();
    gap_free(&records);
    let of_run = records.iter().filter(|r| r.run_id == run_of(&records, "long"));
    let segments: std::collections::BTreeSet<_> = of_run.map(|r| r.segment_id).collect();
    assert_eq!(segments.len(), 1);
}

#[test]
fn a_context_may_have_a_segment_of_its_own() {
    let records = record(|| {
        // As three invocations of a function in one process, two of them at once; and the run is known here anyway.
        let [a, b] = [received().in_new_segment(), received().in_new_segment()];
        let part = |context: &Context, name: &'static str| observe::in_scope(context, || observe::span(name).open());
        let (a1, b1) = (part(&a, "a1"), part(&b, "b1"));
        part(&received(), "usual").end();
        // Where records are many, each chunk says it again.
        for _ in 0..2_000 {
            part(&a, "a2").end();
        }
        let other = observe::in_scope(a1.context(), || observe::run("child of a").open());
        part(other.context(), "in child").end();
        std::thread::scope(|s| {
            s.spawn(|| a1.end());
        });
        b1.end();
        assert!(Context::EMPTY.in_new_segment().is_empty());
    });
    gap_free(&records);
    let all = spans(&records);
    let segment = |name: &str| by_name(&all, name).segment;
    let a2 = all.iter().filter(|s| s.name == "a2");
    assert!(a2.clone().count() == 2_000 && a2.clone().all(|s| s.segment == segment("a1")));
    let segments: std::collections::BTreeSet<_> = ["a1", "b1", "usual", "in child"].map(segment).into();
    assert_eq!(segments.len(), 4, "one each: {records:?}");
    let opened = records.iter().filter_map(|r| match &r.body {
        Body::Segment(Segment { via, suspension_id: None, .. }) => Some((r.segment_id, *via)),
        _ => None,
    });
    let opened: std::collections::BTreeMap<_, _> = opened.collect();
    let via = |name| opened[&segment(name)];
    assert_eq!(["a1", "b1", "usual", "in child"].map(via), [Via::Receive, Via::Receive, Via::Receive, Via::Start]);
    assert!(records.iter().all(|r| r.trace_id == TraceId::new(7)));
}

fn run_of(records: &[Record<'_>], name: &str) -> Option<RunId> {
    started(records, name).id
}

/// The segment says that it was received.
#[test]
fn a_received_context_opens_its_segment() {
    let parent = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let run = RunId::new(7).unwrap();
    let records = record(|| {
        for run in [None, Some(run)] {
            let cx = Context::remote(parent, run, TraceState::new(), Baggage::new());
            observe::in_scope(&cx, || observe::span("handle").in_scope(|| ()));
        }
        observe::span("own").in_scope(|| ());
    });
    let all = spans(&records);
    assert!(all[..2].iter().all(|s| s.trace == parent.trace_id && s.parent == Some(parent.span_id)));
    assert_eq!((all[0].run, all[1].run), (RunId::of_trace(parent.trace_id), run));
    let via: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.body {
            Body::Segment(Segment { via, resource, .. }) => {
                assert_eq!(resource.get("service.name").and_then(|v| v.as_str()), Some("test"));
                Some(*via)
            }
            _ => None,
        })
        .collect();
    assert_eq!(via, [Via::Receive, Via::Receive, Via::Start]);
    gap_free(&records);
}

fn received() -> Context {
    let parent = TraceParent { trace_id: TraceId::new(7).unwrap(), span_id: SpanId::new(9).unwrap(), flags: 1 };
    Context::remote(parent, None, TraceState::new(), Baggage::new())
}

#[test]
fn nothing_is_said_about_spans_of_others() {
    let records = record(|| {
        // Of a child run outside its spans, the span above is its trigger: of another run.
        observe::run("outer").in_scope(|| {
            observe::span("s").in_scope(|| {
                observe::run("child").in_scope(|| {
                    assert!(observe::active_span().is_none());
                    observe::event("e", &[]);
                    observe::span("own").in_scope(|| assert!(observe::active_span().is_some()));
                })
            })
        });
        observe::in_scope(&received(), || {
            assert!(observe::active_span().is_none(), "the sender's span");
            observe::event("e", &[]);
        })
    });
    assert!(!records.iter().any(|r| matches!(r.body, Body::Event(_))), "{records:?}");
}

#[test]
fn a_run_that_begins_here_was_not_received() {
    let records = record(|| observe::in_scope(&received(), || observe::run("child").in_scope(|| ())));
    let via = records.iter().find_map(|r| match r.body {
        Body::Segment(Segment { via, .. }) => Some(via),
        _ => None,
    });
    assert_eq!(via, Some(Via::Start));
}

#[test]
fn a_recorder_that_is_gone_decides_nothing() {
    let (old, _) = recorder();
    let (outer, context) = old.in_scope(|| {
        let span = observe::span("consumer loop").open();
        let context = span.context().clone();
        (span, context)
    });
    drop(old);
    observe::in_scope(&context, || {
        let context = received();
        assert!(context.is_sampled() && !context.is_recorded(), "nobody decided against it: {context:?}");
    });
    drop(outer);
}

#[test]
fn an_error_without_text_has_none() {
    let records = record(|| observe::run("r").open().error(""));
    let error = records.iter().find_map(|r| match &r.body {
        Body::RunEnd(RunEnd { error, .. }) => Some(error.clone()),
        _ => None,
    });
    assert_eq!(error, Some(None));
}

/// The attributes that were added to open runs: each record's, in words.
fn added(records: &[Record<'_>]) -> Vec<String> {
    let said = records.iter().filter_map(|r| match &r.body {
        Body::RunAttributes(added) => Some(format!("{:?}", added.attributes)),
        _ => None,
    });
    said.collect()
}

/// What was learned of an order is recorded at once, not with the end: the process may be killed before.
#[test]
fn an_open_run_takes_attributes() {
    let (recorder, memory) = recorder();
    let run = recorder.in_scope(|| observe::run("order").attribute("id", 7).open());
    run.attribute("customer", "c-1".to_owned());
    run.attribute("coupon", None::<&str>);
    flush(&recorder);
    let open = memory.take();
    assert_eq!(added(&open), [r#"{"customer": Str("c-1")}"#]);
    run.in_scope(|| observe::span("pay").in_scope(|| ()));
    run.attributes(&[("customer", "c-2".into()), ("total", 12.5.into())]);
    run.attributes(&[]);
    run.end();
    flush(&recorder);
    let later = memory.take();
    assert_eq!(added(&later), [r#"{"customer": Str("c-2"), "total": F64(12.5)}"#]);
    gap_free(&[open, later.clone()].concat());
    let of_run = later.iter().filter(|r| matches!(r.body, Body::RunAttributes(_) | Body::RunEnd(_)));
    assert_eq!(of_run.map(|r| r.segment_id).collect::<std::collections::BTreeSet<_>>().len(), 1);
}

/// More than one record holds go into several. Nothing is left out.
#[test]
fn a_run_takes_any_number_of_attributes() {
    let text = "x".repeat(200);
    let many: Vec<_> = (0..1000).map(|_| ("key", text.as_str().into())).collect();
    let records = record(|| {
        let run = observe::run("import").open();
        run.attributes(&many);
        run.end();
    });
    let count = |r: &Record<'_>| if let Body::RunAttributes(a) = &r.body { a.attributes.iter().count() } else { 0 };
    assert_eq!(records.iter().map(count).sum::<usize>(), many.len());
    assert!(added(&records).len() > 1);
    assert!(!records.iter().any(|r| matches!(r.body, Body::Diagnostic(_))), "{records:?}");
}

/// What is cut of an attribute is told, of the run.
#[test]
fn what_is_cut_of_a_run_is_told() {
    let records = record(|| {
        let run = observe::run("import").open();
        run.attribute("log", "x".repeat(5000));
        run.end();
    });
    let told = records.iter().find_map(|r| match &r.body {
        Body::Diagnostic(d) => Some((r.run_id, d.span_id, d.message.to_string())),
        _ => None,
    });
    let message = "attribute log: cut after 4096 bytes".to_owned();
    assert_eq!(told, Some((run_of(&records, "import"), None, message)));
}
