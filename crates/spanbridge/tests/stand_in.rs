//! A recorder with somebody who answers calls instead of the outside.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter::{
    BegunSpan, OutboundCall, Recorded, RecordedArtifact, RecordedError, Reply, SpanTemplate, StandIn, as_recorded, ask,
    span_with_id,
};
use spanbridge::carrier::{Extraction, Outgoing, outgoing};
use spanbridge::messaging::{CapturePolicy, MessageInfo, PartKind, ReceiveOptions, Received, Relation, Trust};
use spanbridge::{Context, Memory, Primitive, Recorder, SpanId, observe};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use support::*;

/// What was told and asked, and the answer to each call.
struct Notes {
    told: Mutex<Vec<String>>,
    answer: fn(&OutboundCall<'_>) -> Reply,
}

impl StandIn for Notes {
    fn began(&self, span: &BegunSpan<'_>) {
        assert_eq!(observe::current_context(), Context::EMPTY, "what it does is not recorded");
        let parent = span.parent.map_or("-".to_owned(), |parent| parent.to_string());
        let line = format!("{} {} {} under {parent}", span.id, span.primitive.name(), span.name);
        self.told.lock().unwrap().push(line);
    }

    fn call(&self, call: &OutboundCall<'_>) -> Reply {
        // A call of its own is made.
        let own = ask(&observe::current_context(), || panic!("asked about its own call"));
        assert!(matches!(own, Reply::Live));
        let mut headers = vec![];
        call.each_header(&mut |name, value| headers.push(format!("{name}={}", String::from_utf8_lossy(value))));
        self.told.lock().unwrap().push(format!(
            "call {} {} {:?} {:?} {headers:?} in {}",
            call.operation().name(),
            call.target(),
            call.content_type(),
            call.body().map(String::from_utf8_lossy),
            call.span().map_or("-".to_owned(), |span| span.to_string()),
        ));
        (self.answer)(call)
    }
}

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn replay(answer: fn(&OutboundCall<'_>) -> Reply) -> (Recorder, Memory, Arc<Notes>) {
    let notes = Arc::new(Notes { told: Mutex::default(), answer });
    let stands_in = notes.clone();
    let (recorder, memory) = with(|b| b.on_flush_only().stand_in(stands_in));
    (recorder, memory, notes)
}

fn refuse(_: &OutboundCall<'_>) -> Reply {
    Reply::refused("a replay refused the call")
}

fn call(body: &[u8]) -> OutboundCall<'_> {
    let headers = |each: &mut dyn FnMut(&str, &[u8])| each("tenant", b"acme");
    OutboundCall::new(Primitive::HTTP_CLIENT, "GET http://here/").with_body(body).with_headers(headers)
}

fn ask_here() -> Reply {
    ask(&observe::current_context(), || call(b"{}").with_content_type("application/json"))
}

fn text(reply: Reply) -> String {
    match reply {
        Reply::Live => "live".to_owned(),
        Reply::Recorded(then) => format!("recorded {:?}", then.error().map(ToString::to_string)),
        Reply::Refused(refused) => refused.to_string(),
    }
}

/// Every kind of span is told before what is inside it runs, and recorded as without a stand-in.
#[test]
fn it_is_told_of_each_span() {
    let work = || {
        observe::run("nightly").in_scope(|| {
            observe::span("read").primitive(Primitive::FLOW_STEP).attribute("file", "a.csv").in_scope(|| {
                let open = observe::span(String::from("owned")).open();
                open.in_scope(|| {
                    SpanTemplate::new("copied").kind(Primitive::DB_QUERY, Default::default()).begin().open()
                })
                .end();
                open.end();
                observe::span("detail").implicit_run(false).in_scope(|| ());
            });
            span_with_id("given", SpanId::new(7).unwrap()).in_scope(|| ());
            drop(observe::span("never begun"));
        });
        observe::span("alone").in_scope(|| ());
        observe::span("nobody's detail").implicit_run(false).in_scope(|| ());
    };
    let (recorder, memory, notes) = replay(refuse);
    recorder.in_scope(work);
    flush(&recorder);
    let replayed = memory.take();
    assert_eq!(tree(&replayed), tree(&record(work)));

    let seen = spans(&replayed);
    let line = |name: &str, primitive: &str| {
        let span = by_name(&seen, name);
        let parent = span.parent.map_or("-".to_owned(), |parent| parent.to_string());
        format!("{} {primitive} {name} under {parent}", span.id)
    };
    let told = notes.take();
    assert_eq!(
        told,
        [
            line("read", "flow.step"),
            line("owned", "custom.operation"),
            line("copied", "db.query"),
            line("detail", "custom.operation"),
            line("given", "custom.operation"),
            line("alone", "custom.operation"),
        ]
    );
}

/// The call is asked about in its span, with all that it sends; without a stand-in it is live, and nobody looks at it.
#[test]
fn a_call_is_asked_about() {
    let (recorder, _memory, notes) = replay(|call| match call.body() {
        Some(b"{}") => Recorded::new().with_error(RecordedError::new("timed out").of_class("timeout")).into(),
        _ => Reply::refused("a replay refused the call"),
    });
    recorder.in_scope(|| {
        let span = observe::span("GET").open();
        let id = span.id().unwrap();
        assert_eq!(text(span.in_scope(ask_here)), r#"recorded Some("timed out")"#);
        assert_eq!(text(ask(span.context(), || call(b"[]"))), "a replay refused the call");
        let told = notes.take();
        let headers = r#"["tenant=acme"]"#;
        assert_eq!(
            told[1..],
            [
                format!(r#"call http.client GET http://here/ Some("application/json") Some("{{}}") {headers} in {id}"#),
                format!(r#"call http.client GET http://here/ None Some("[]") {headers} in {id}"#),
            ]
        );
        // What nobody records is asked about all the same.
        assert_eq!(text(ask(&Context::detached(), || call(b"[]"))), "a replay refused the call");
        assert!(notes.take()[0].ends_with(" in -"));
        span.end();
    });
    let never = || -> OutboundCall<'static> { panic!("asked without a stand-in") };
    assert_eq!(text(ask(&observe::current_context(), never)), "live");
    record(|| {
        observe::span("GET").in_scope_value(|| assert_eq!(text(ask(&observe::current_context(), never)), "live"))
    });
}

/// A panic of the stand-in, or of the adapter that describes the call, refuses it; after a shutdown nothing leaves either.
#[test]
fn in_doubt_nothing_leaves() {
    let (recorder, _memory, _notes) = replay(|_| panic!("no such case"));
    let kept = recorder.in_scope(|| {
        let said = text(ask_here());
        assert!(said.starts_with("a replay refused the call, because its stand-in panicked: no such case"), "{said}");
        let said = text(ask(&observe::current_context(), || panic!("no URL")));
        assert!(said.contains("panicked: no URL"), "{said}");
        observe::span("kept").open()
    });
    recorder.shutdown(LONG);
    assert!(text(ask(kept.context(), || call(b""))).starts_with("a replay refused the call"));
}

/// Ids that come with a message are not continued: it is worked on where it is received. Its baggage counts.
#[test]
fn received_ids_are_not_continued() {
    let sent = [
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "a=1"),
        ("baggage", "tenant=acme"),
    ];
    let headers: HashMap<String, String> = sent.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let (recorder, memory, _) = replay(refuse);
    recorder.in_scope(|| {
        observe::span("replay").in_scope_value(|| {
            let here = observe::current_context();
            for trust in [Trust::Full, Trust::Ignore] {
                let options: ReceiveOptions = ReceiveOptions::new().trust(trust).relation(Relation::Parent);
                let received = Received::new(&headers).with(&options, MessageInfo::new());
                assert_eq!(received.context().trace_parent(), here.trace_parent());
                let baggage = if trust == Trust::Full { "tenant=acme" } else { "" };
                assert_eq!(received.context().baggage().as_str(), baggage);
                received.process(|| observe::span("process").open()).end();
            }
            // A handler that forwards the headers sends in its own run.
            assert!(matches!(outgoing(&here, &headers), Outgoing::Write));
            // A context of this process is one of the replay's.
            let own = observe::span("invocation").open();
            let inside = observe::in_scope(&here, || Received::from(Extraction::from(own.context().clone())));
            assert_eq!(inside.context(), own.context());
            own.end();
            let bare = Received::new(&HashMap::<String, String>::new());
            assert_eq!(bare.context().trace_parent(), here.trace_parent());
        })
    });
    flush(&recorder);
    let seen = spans(&memory.take());
    let run = by_name(&seen, "replay");
    let works: Vec<_> = seen.iter().filter(|span| span.name == "process").collect();
    assert_eq!(works.len(), 2);
    for work in works {
        assert_eq!((work.parent, work.run, work.trace), (Some(run.id), run.run, run.trace));
    }
}

/// A call is compared with its record, so it is shown as that was: redacted, and without what the hook fails for.
#[test]
fn a_call_is_shown_as_it_is_recorded() {
    let capture = CapturePolicy::default().redact(|part| {
        match (part.kind(), part.bytes()) {
            (PartKind::Payload, b"secret") => part.replace("***"),
            (PartKind::Payload, b"[]") => return Err("it cannot be parsed"),
            (PartKind::Header("tenant"), _) => part.replace("a tenant"),
            _ => {}
        }
        Ok(())
    });
    let shown = |body: &'static [u8]| {
        let call = as_recorded(call(body), Some(&capture));
        let mut headers = vec![];
        call.each_header(&mut |name, value| headers.push(format!("{name}={}", String::from_utf8_lossy(value))));
        assert_eq!(headers, ["tenant=a tenant"]);
        call.body().map(|body| String::from_utf8_lossy(body).into_owned())
    };
    assert_eq!([shown(b"secret"), shown(b"{}"), shown(b"[]")], [Some("***".into()), Some("{}".into()), None]);
}

/// What a recorded answer has is found by its names.
#[test]
fn a_recorded_answer_is_read_by_name() {
    let then = Recorded::new()
        .with_attribute("messaging.kafka.offset", "42")
        .with_attribute("spanbridge.handoff.status", "confirmed")
        .with_artifact(RecordedArtifact::new("output", *b"{}").content_type("application/json"));
    assert_eq!(then.integer("messaging.kafka.offset"), Some(42));
    assert_eq!(then.text("spanbridge.handoff.status"), Some("confirmed"));
    assert_eq!(then.integer("spanbridge.handoff.status"), None);
    assert_eq!(then.artifact("output").and_then(RecordedArtifact::media_type), Some("application/json"));
    assert!(then.artifact("output.properties").is_none() && then.error().is_none());
    let properties =
        br#"{"version": "HTTP/1.1", "headers": [["a", "1"], ["b", {"base64": "AP8="}], ["a", "2"], ["c"]]}"#;
    let then = Recorded::new().with_artifact(RecordedArtifact::new("output.properties", *properties));
    let headers: Vec<(String, Vec<u8>)> =
        vec![("a".into(), b"1".into()), ("b".into(), vec![0, 255]), ("a".into(), b"2".into())];
    assert_eq!(then.headers(), headers);
    assert_eq!(RecordedError::default().to_string(), "the recorded call failed");
}
