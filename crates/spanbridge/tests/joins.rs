//! What is said about a span after it began, and where a reader finds it.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Diagnostic, Edge, Endpoint, Event, Record, SpanData, SpanEnd};
use spanbridge::{Context, Kind, Primitive, observe};
use support::*;

fn kinds(records: &[Record<'_>]) -> Vec<&'static str> {
    let kind = |r: &Record<'_>| match r.body {
        Body::Span(SpanData { end: Some(_), .. }) => Some("span"),
        Body::Span(SpanData { end: None, .. }) => Some("span:start"),
        Body::SpanEnd(_) => Some("span:end"),
        Body::SpanAttributes(_) => Some("span:attributes"),
        _ => None,
    };
    records.iter().filter_map(kind).collect()
}

/// What is added to a span before it is delivered is part of its one record.
#[test]
fn what_comes_before_delivery_is_in_the_record() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let cx = observe::current_context();
            let s = observe::span("held").primitive(Primitive::TOOL_CALL).attribute("a", 1).open();
            s.attribute("b", 2);
            s.link(&cx);
            std::thread::scope(|t| {
                t.spawn(|| s.attribute("c", 3));
            });
            s.attributes(&[("d", 4.into()), ("e", 5.into())]);
            s.error("no");
        })
    });
    assert_eq!(kinds(&records), ["span"; 2]);
    assert_eq!(
        tree(&records),
        r#"
root [ok]
  held [error] "no" a=1 b=2 d=4 e=5 c=3 error.type=_OTHER"#
    );
    assert_eq!(by_name(&spans(&records), "held").links.len(), 1);
    gap_free(&records);
}

/// A primitive that was replaced before the span began does not come back with what is added later.
#[test]
fn the_last_primitive_counts() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let span = observe::span("held").primitive(Primitive::new("custom.audit"));
            let span = span.primitive(Primitive::DB_QUERY).open();
            observe::event("in between", &[]);
            span.attribute("late", 1);
            span.end()
        })
    });
    let all = spans(&records);
    let held = by_name(&all, "held");
    assert_eq!((held.primitive.as_str(), held.attributes.len()), ("db.query", 1));
}

/// What is added to an open span after its start was delivered is delivered by itself.
#[test]
fn what_comes_after_delivery_is_a_record() {
    let (recorder, memory) = recorder();
    let s = recorder.in_scope(|| observe::span("root").open());
    s.attribute("with the start", 1);
    flush(&recorder);
    s.attribute("alone", 2);
    flush(&recorder);
    flush(&recorder); // nothing new
    s.attribute("with the end", 3);
    s.error("boom");
    flush(&recorder);
    let records = memory.take();
    assert_eq!(kinds(&records), ["span:start", "span:attributes", "span:end"]);
    assert_eq!(tree(&records), "\nroot [error] \"boom\" with the start=1 alone=2 with the end=3 error.type=_OTHER");
    let end = records.iter().find_map(|r| match &r.body {
        Body::SpanEnd(SpanEnd { end, attributes, .. }) => {
            Some((end.error.as_deref(), end.error_type.as_deref(), attributes.iter().count()))
        }
        _ => None,
    });
    assert_eq!(end, Some((Some("boom"), Some("_OTHER"), 1)), "error and attributes travel with the end");
    gap_free(&records);
}

/// Primitive, kind and links belong to the start, whose record was published when they came.
#[test]
fn what_belongs_to_an_open_start_is_joined() {
    let (recorder, memory) = recorder();
    let s = recorder.in_scope(|| {
        observe::span("root").in_scope_value(|| {
            let b = observe::span("held");
            observe::event("in between", &[]);
            b.primitive(Primitive::DB_QUERY).kind(Kind::Client).link(&observe::current_context()).open()
        })
    });
    flush(&recorder);
    s.end();
    flush(&recorder);
    let records = memory.take();
    assert_eq!(kinds(&records), ["span", "span:start", "span:end"]);
    let all = spans(&records);
    let held = by_name(&all, "held");
    assert_eq!((held.primitive.as_str(), held.kind, held.links.len()), ("db.query", Kind::Client, 1));
    gap_free(&records);
}

/// The same, for ends that find their chunk gone, and in another recorder's delivery of many chunks.
#[test]
fn late_ends_in_the_delivery_of_their_span() {
    let n = size(6000, 1500);
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let held: Vec<_> = (0..10).map(|i| observe::span("held").attribute("i", i).open()).collect();
            (0..n).for_each(|_| observe::span("fill").in_scope(|| ()));
            for (i, s) in held.into_iter().enumerate() {
                s.attribute("late", i);
                if i % 2 == 0 { s.end() } else { s.error(i) }
            }
        })
    });
    for s in spans(&records).iter().filter(|s| s.name == "held") {
        let get = |key: &str| s.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone());
        let i = get("i").unwrap();
        let odd = i.parse::<u64>().unwrap() % 2 == 1;
        assert_eq!((get("late"), s.error.clone()), (Some(i.clone()), odd.then_some(i)));
    }
    gap_free(&records);
}

/// A segment that only had records which were joined away is not opened for nothing.
#[test]
fn joined_records_leave_no_empty_segment() {
    let (recorder, memory) = recorder();
    let a = recorder.in_scope(|| observe::span("a").open());
    let b = recorder.in_scope(|| observe::span("b").open());
    a.attribute("x", 1);
    b.attribute("x", 2);
    a.attribute("y", 3);
    b.end();
    a.end();
    flush(&recorder);
    let records = memory.take();
    assert_eq!(
        tree(&records),
        "
a [ok] x=1 y=3
b [ok] x=2"
    );
    assert_eq!(records.len(), 4, "{records:?}");
    gap_free(&records);
}

#[test]
fn events_artifacts_and_edges_name_their_span() {
    use spanbridge::observe::{EdgeType, NewArtifact};
    use spanbridge::record::Endpoint;
    let records = record(|| {
        observe::run("child").in_scope(|| {
            observe::span("s").in_scope(|| {
                let s = observe::active_span().unwrap();
                s.event("e", &[("k", 1.into())]);
                s.artifact(&NewArtifact::new("input", "text/plain", "né".as_bytes()));
                s.artifact(&NewArtifact::new("output", "text/plain", "né".as_bytes()).inline(2).hash("sha256:00"));
                s.artifact(&NewArtifact::new("raw", "application/octet-stream", &[0xff, 1]).inline(9));
                s.edge(EdgeType::REPLIED_TO, s.context());
                s.edge(EdgeType::TRIGGERED, s.context().run_id().unwrap());
                s.edge(EdgeType::CITATION_USED, observe::Target::artifact("doc-7"));
                s.edge(EdgeType::TRIGGERED, &spanbridge::Context::EMPTY);
                s.diagnostic("code", "message");
            })
        })
    });
    let s = by_name(&spans(&records), "s").clone();
    let mut edges = vec![];
    let mut artifacts = vec![];
    for r in &records {
        match &r.body {
            Body::Event(Event { span_id, name, attributes, .. }) => {
                assert_eq!((*span_id, &**name, attributes.iter().count()), (s.id, "e", 1))
            }
            Body::Artifact(a) => {
                assert_eq!(a.span_id, s.id);
                artifacts.push((a.size_bytes, a.encoding.to_string(), a.preview.as_deref().map(str::to_owned)))
            }
            Body::Edge(Edge { from, to, .. }) => {
                assert_eq!(*from, Endpoint::Span { trace_id: s.trace, span_id: s.id });
                edges.push(to.clone())
            }
            Body::Diagnostic(Diagnostic { code, span_id, .. }) => assert_eq!((&**code, *span_id), ("code", Some(s.id))),
            _ => {}
        }
    }
    let here = Endpoint::Span { trace_id: s.trace, span_id: s.id };
    assert_eq!(edges, [here, Endpoint::Run(s.run), Endpoint::Artifact("doc-7".into())]);
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(artifacts[1..], [(3, "utf-8".into(), text("n")), (2, "hex".into(), text("ff01"))]);
    assert_eq!((artifacts[0].0, &artifacts[0].2), (3, &None));
    gap_free(&records);
}

#[test]
fn a_link_after_delivery_is_an_edge() {
    let (recorder, memory) = recorder();
    let (span, other) = recorder.in_scope(|| (observe::span("batch").open(), observe::span("other").open()));
    flush(&recorder);
    memory.take();
    span.link(other.context());
    let (from, to) = (span.context().clone(), other.context().clone());
    span.end();
    other.end();
    flush(&recorder);
    let edges: Vec<_> = memory.take().into_iter().filter(|r| matches!(r.body, Body::Edge(_))).collect();
    let [edge] = &edges[..] else { panic!("{edges:?}") };
    let end = |c: &Context| Endpoint::Span { trace_id: c.trace_id().unwrap(), span_id: c.span_id().unwrap() };
    assert_eq!(edge.body, Body::Edge(Edge::new("custom.link", end(&from), end(&to))));
}

#[test]
fn a_name_that_has_no_room_takes_its_span_along() {
    for length in [1, 60, 199] {
        let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(0));
        recorder.in_scope(|| {
            observe::span("root").in_scope(|| {
                for _ in 0..3000 {
                    observe::span("x".repeat(length)).in_scope(|| ())
                }
            })
        });
        let dropped = flush(&recorder).dropped;
        let seen = spans(&memory.take());
        assert!(seen.iter().all(|s| !s.name.is_empty()));
        assert!(dropped > 0 && seen.len() as u64 + dropped == 3001, "{} and {dropped}", seen.len());
    }
}
