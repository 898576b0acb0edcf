//! What all adapters build on: the beginning of a send, the span until the broker has answered, and what came.
#![cfg(feature = "record")]

use spanbridge::adapter::{Handoff, HandoffStatus, StoppedSpan, Values, send, send_in};
use spanbridge::carrier::{Budget, inject_within};
use spanbridge::messaging::Received;
use spanbridge::record::{Body, Diagnostic, Record, SpanData};
use spanbridge::{Failure, Memory, Recorder, Status, observe};
use std::collections::HashMap;
use std::time::Duration;

type Headers = HashMap<String, String>;

const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(parent: &str) -> Headers {
    [("traceparent".to_owned(), parent.to_owned())].into()
}

fn recorded(work: impl FnOnce()) -> Vec<Record<'static>> {
    let memory = Memory::new();
    let recorder = Recorder::builder("test").sink(memory.clone()).on_flush_only().build().unwrap();
    recorder.in_scope(work);
    recorder.flush_blocking(Duration::from_secs(60));
    memory.records()
}

/// Name, status, error, the status of the hand-off and the number of links of each span.
fn spans(records: &[Record<'_>]) -> Vec<String> {
    let mut shown = vec![];
    for record in records {
        if let Body::Span(start @ SpanData { end: Some(end), .. }) = &record.body {
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
        open("a").ended(HandoffStatus::Confirmed);
        open("b").failed(HandoffStatus::Rejected, &Failure::new(&"full"));
        drop(open("c"));
        open("d").stop().unwrap().failed(HandoffStatus::Returned, &Failure::new(&"no route"));
        let handoff = open("e");
        assert_eq!(handoff.context().span_id(), handoff.span().and_then(|s| s.id()));
    });
    assert_eq!(
        spans(&records),
        [
            "a ok \"\" \"confirmed\" 0",
            "b error \"full\" \"rejected\" 0",
            "c ok \"\" \"unknown\" 0",
            "d error \"no route\" \"returned\" 0",
            "e ok \"\" \"unknown\" 0"
        ]
    );
}

/// A span that has stopped ends with the time at which it did, unless its work goes on.
#[test]
fn a_stopped_span_ends_when_it_stopped() {
    let records = recorded(|| {
        let stop = |name| StoppedSpan::of(observe::span(name).open());
        let [ok, failed, resumed, dropped] = ["ok", "failed", "resumed", "dropped"].map(stop);
        observe::span("between").in_scope(|| ());
        ok.attribute("k", 1);
        ok.end();
        failed.failed(&Failure::new(&"no").class("x"));
        resumed.resume().end();
        drop(dropped)
    });
    let of = |name: &str| {
        let found = records.iter().find_map(|record| match &record.body {
            Body::Span(span) if span.name == name => Some((span.started_at, span.end.clone()?)),
            _ => None,
        });
        found.unwrap()
    };
    let (between, _) = of("between");
    let shown = ["ok", "failed", "resumed", "dropped"].map(|name| {
        let (_, end) = of(name);
        (end.status, end.ended_at <= between, end.error_type.map(|class| class.into_owned()).unwrap_or_default())
    });
    let [ok, failed, resumed, dropped] = shown;
    assert_eq!(ok, (Status::Ok, true, String::new()));
    assert_eq!(failed, (Status::Error, true, "x".to_owned()));
    assert_eq!(resumed, (Status::Ok, false, String::new()));
    assert_eq!(dropped, (Status::Cancelled, false, String::new()));
}

/// Sends a message with these headers, and says whose context it carries.
fn sent(name: &'static str, headers: &mut Headers, bytes: usize) -> (Handoff, Option<String>) {
    let budget = Budget::new(bytes, 0, usize::MAX);
    let handoff = send(observe::span(name), &Values::of(None), headers, |_, _| budget);
    let carries = handoff.carries().map(|(trace, span)| format!("00-{trace}-{span}-01"));
    (handoff, carries)
}

/// It writes its own context, unless the message has one of another trace: then it links to that.
#[test]
fn a_send_writes_its_context_or_links() {
    let records = recorded(|| {
        let mut message = Headers::new();
        let (fresh, carries) = sent("fresh", &mut message, usize::MAX);
        assert_eq!(carries.as_ref(), message.get("traceparent"));
        // Sent on in the same trace.
        observe::in_scope(&fresh.context(), || {
            let (forwarded, carries) = sent("forwarded", &mut message, usize::MAX);
            assert_eq!(carries.as_ref(), message.get("traceparent"));
            forwarded.ended(HandoffStatus::Sent);
        });
        fresh.ended(HandoffStatus::Sent);
        // Another trace's is meant.
        let mut meant = headers(THEIRS);
        let (kept, carries) = sent("meant", &mut meant, usize::MAX);
        assert_eq!((carries.as_deref(), meant), (Some(THEIRS), headers(THEIRS)));
        kept.ended(HandoffStatus::Sent);
        let mut small = Headers::new();
        let (dropped, carries) = sent("small", &mut small, 20);
        assert_eq!((carries, small), (None, Headers::new()));
        dropped.ended(HandoffStatus::Sent);
    });
    let spans = spans(&records);
    for expected in ["meant ok \"\" \"sent\" 1", "fresh ok \"\" \"sent\" 0", "small ok \"\" \"sent\" 0"] {
        assert!(spans.contains(&expected.to_owned()), "{spans:?}");
    }
    let told = records
        .iter()
        .filter_map(|r| if let Body::Diagnostic(Diagnostic { code, .. }) = &r.body { Some(&**code) } else { None });
    assert_eq!(told.collect::<Vec<_>>(), ["injection.dropped"]);
}

/// The same for a span that was open before the message was seen.
#[test]
fn an_open_span_is_written_or_linked() {
    let records = recorded(|| {
        let cases = [("fresh", Headers::new(), 99), ("meant", headers(THEIRS), 99), ("small", Headers::new(), 20)];
        for (name, mut message, bytes) in cases {
            let before = message.clone();
            let span = observe::span(name).open();
            let budget = Budget::new(bytes, 0, usize::MAX);
            let is_written = send_in(&span, &mut message, |message, context| inject_within(context, budget, message));
            assert_eq!(is_written, name != "meant");
            assert_eq!(message != before, name == "fresh", "{message:?}");
            span.end()
        }
    });
    let told = records.iter().filter_map(|r| match &r.body {
        Body::Diagnostic(Diagnostic { code, .. }) => Some(code.to_string()),
        Body::Span(start @ SpanData { end: Some(_), .. }) if !start.links.is_empty() => {
            Some(format!("{} is linked", start.name))
        }
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["meant is linked", "injection.dropped"]);
}

/// Without a recorder and a current context nothing is written.
#[test]
fn a_send_of_nobody_writes_nothing() {
    let mut message = Headers::new();
    let (handoff, carries) = sent("s", &mut message, usize::MAX);
    handoff.ended(HandoffStatus::Sent);
    assert_eq!((carries, message), (None, Headers::new()));
    let span = observe::span("s").open();
    assert!(!send_in(&span, &mut headers(THEIRS), |_, _| unreachable!("it has nothing to write")));
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
            Body::Span(start @ SpanData { end: Some(end), .. }) => {
                assert_eq!(end.status, Status::Ok);
                parents.push((start.name.clone(), start.parent_span_id.map(|p| p.to_string())))
            }
            Body::Diagnostic(Diagnostic { code, message, .. }) => told.push(format!("{code}: {message}")),
            _ => {}
        }
    }
    parents.sort();
    let sender = Some(THEIRS[36..52].to_owned());
    let expected = [("again", sender.clone()), ("loop", None), ("own", None), ("process", sender)];
    assert_eq!(parents, expected.map(|(name, parent)| (name.into(), parent)));
    assert_eq!(told, ["header.malformed: traceparent: shorter than 55 characters"]);
}
