//! What all adapters build on: the beginning of a send, the span until the broker has answered, and what came.
#![cfg(feature = "record")]

use spanbridge::carrier::{Outgoing, inject};
use spanbridge::messaging::{Handoff, Received, begin_send};
use spanbridge::record::{Body, Record};
use spanbridge::{Memory, Recorder, Status, observe};
use std::collections::HashMap;
use std::time::Duration;

type Headers = HashMap<String, String>;

const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(parent: &str) -> Headers {
    [("traceparent".to_owned(), parent.to_owned())].into()
}

fn recorded(work: impl FnOnce()) -> Vec<Record<'static>> {
    let memory = Memory::new();
    let recorder = Recorder::builder("test").sink(memory.clone()).build().unwrap();
    recorder.in_scope(work);
    recorder.flush_blocking(Duration::from_secs(5));
    memory.records()
}

/// Name, status, error, the status of the hand-off and the number of links of each span.
fn spans(records: &[Record<'_>]) -> Vec<String> {
    let mut shown = vec![];
    for record in records {
        if let Body::Span(start, end) = &record.body {
            let status = start.attributes.iter().find(|(k, _)| *k == "spanbridge.handoff.status");
            let status = status.map(|(_, v)| v.as_str().unwrap_or_default().to_owned()).unwrap_or_default();
            let error = end.error.as_deref().unwrap_or_default();
            shown.push(format!("{} {} {error:?} {status:?} {}", start.name, end.status.name(), start.links.len()))
        }
    }
    shown
}

#[test]
fn a_handoff_says_what_became_of_the_message() {
    let records = recorded(|| {
        let open = |name: &'static str| Handoff::new(observe::span(name).open());
        open("a").ended("confirmed");
        open("b").failed("rejected", "full");
        drop(open("c"));
        let taken = open("d").into_span().unwrap();
        taken.end();
        let handoff = open("e");
        assert_eq!(handoff.context().span_id(), handoff.span().and_then(|s| s.id()));
    });
    assert_eq!(
        spans(&records),
        [
            "a ok \"\" \"confirmed\" 0",
            "b error \"full\" \"rejected\" 0",
            "c ok \"\" \"unknown\" 0",
            "d ok \"\" \"\" 0",
            "e ok \"\" \"unknown\" 0"
        ]
    );
}

/// It writes its own context, unless the message has one of another trace: then it links to that.
#[test]
fn a_send_writes_its_context_or_links() {
    let records = recorded(|| {
        let (span, outgoing) = begin_send(observe::span("fresh"), &Headers::new());
        assert!(matches!(outgoing, Outgoing::Write));
        let mut sent = Headers::new();
        inject(span.context(), &mut sent);
        // Sent on in the same trace.
        span.in_scope(|| {
            let (_, outgoing) = begin_send(observe::span("forwarded"), &sent);
            assert!(matches!(outgoing, Outgoing::Write));
        });
        span.end();
        let (span, outgoing) = begin_send(observe::span("meant"), &headers(THEIRS));
        let Outgoing::Keep(theirs) = outgoing else { panic!("theirs is kept") };
        assert_eq!(theirs.trace_id().unwrap().to_string(), THEIRS[3..35]);
        span.end();
    });
    let spans = spans(&records);
    assert!(spans.contains(&"meant ok \"\" \"\" 1".to_owned()), "{spans:?}");
    assert!(spans.contains(&"fresh ok \"\" \"\" 0".to_owned()), "{spans:?}");
}

#[test]
fn work_and_settlement_belong_to_what_came() {
    let records = recorded(|| {
        let received = Received::new(&headers(THEIRS));
        assert_eq!(&received.settling(), received.context(), "before there is a process span");
        assert!(received.span().is_none());
        let process = received.process(|| observe::span("process").open());
        assert_eq!(received.settling().span_id(), process.id());
        assert_eq!(received.span().and_then(|s| s.id()), process.id());
        process.end();
        let again = received.process(|| observe::span("again").open());
        assert_eq!(received.settling().span_id(), again.id(), "the last one");
        again.end();
        // Without a context: no part of what is current here.
        observe::span("loop").in_scope(|| {
            let received = Received::new(&headers("junk"));
            assert!(received.context().is_empty());
            received.process(|| observe::span("own").open()).end();
        });
    });
    let (mut parents, mut told) = (vec![], vec![]);
    for record in &records {
        match &record.body {
            Body::Span(start, end) => {
                assert_eq!(end.status, Status::Ok);
                parents.push((start.name.clone(), start.parent_span_id.map(|p| p.to_string())))
            }
            Body::Diagnostic { code, message, .. } => told.push(format!("{code}: {message}")),
            _ => {}
        }
    }
    parents.sort();
    let sender = Some(THEIRS[36..52].to_owned());
    let expected = [("again", sender.clone()), ("loop", None), ("own", None), ("process", sender)];
    assert_eq!(parents, expected.map(|(name, parent)| (name.into(), parent)));
    assert_eq!(told, ["header.malformed: traceparent: shorter than 55 characters"]);
}
