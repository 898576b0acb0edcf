//! What a stand-in lets through, answers and refuses, asked as adapters ask.

use super::*;
use crate::case::{Run, Span};
use serde_json::json;
use spanbridge::adapter::{Recorded, ask};
use spanbridge::observe::{self, Span as Live};
use spanbridge::{Memory, Primitive, Recorder, RunId};

fn id(n: u64) -> SpanId {
    SpanId::new(n).unwrap()
}

/// A handler that has acked, queried, and published.
fn case() -> Case {
    let entry = Span::new(id(1), "process", "messaging.process");
    let mut case = Case::new(Run::new(RunId::new(1).unwrap(), "order"), entry);
    for (n, name, primitive, attributes) in [
        (2, "ack orders", "messaging.settle", json!({})),
        (3, "INSERT orders", "db.query", json!({"db.namespace": "shop"})),
        (
            4,
            "publish x:y",
            "messaging.publish",
            json!({"messaging.destination.name": "x:y", "spanbridge.handoff.status": "confirmed", "n": 3, "ok": true,
                "ratio": 0.5, "list": [1]}),
        ),
    ] {
        let mut span = Span::new(id(n), name, primitive);
        span.parent_span_id = Some(id(1));
        span.status = "ok".to_owned();
        span.attributes = attributes.as_object().unwrap().clone();
        case.add(span)
    }
    case
}

/// What was seen while `work` ran in the span of the handler.
fn seen(case: &Case, work: impl FnOnce()) -> Seen {
    let stand_in = Arc::new(CaseStandIn::new(Arc::new(case.clone())));
    let recorder = Recorder::builder("replay").stand_in(stand_in.clone()).sink(Memory::new()).build().unwrap();
    let handler = || observe::span("process").primitive(Primitive::MESSAGING_PROCESS).in_scope_value(work);
    recorder.in_scope(|| observe::run("replay").in_scope(handler));
    stand_in.seen()
}

fn labels(seen: &Seen) -> Vec<String> {
    seen.steps.iter().map(|step| format!("{} {}", step.label, step.name)).collect()
}

fn call(name: &'static str, primitive: Primitive, target: &str) -> Reply {
    let span: Live = observe::span(name).primitive(primitive).open();
    let reply = ask(span.context(), || OutboundCall::new(primitive, target).with_body(&b""[..]));
    span.end();
    reply
}

fn recorded(reply: Reply) -> Recorded {
    match reply {
        Reply::Recorded(recorded) => *recorded,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settlements_are_answered_as_done() {
    let seen = seen(&case(), || {
        assert!(recorded(call("ack orders", Primitive::MESSAGING_SETTLE, "orders")).error().is_none());
        assert!(recorded(call("nack orders", Primitive::MESSAGING_SETTLE, "orders")).error().is_none());
    });
    assert_eq!(labels(&seen)[..3], ["re-executed process", "recorded ack orders", "diverged nack orders"]);
    let nack = seen.steps[2].divergence.as_ref().unwrap();
    assert_eq!((nack.kind, nack.index), (DivergenceKind::Added, Some(2)));
    assert!(seen.entry.is_some_and(|entry| seen.steps[0].span_id == Some(entry)));
    assert_eq!(seen.steps[0].recorded_span_id, Some(id(1)));
}

/// A transaction is asked about as a settlement, in its own span of a publish: it is the recorded one, and fails as that did.
#[test]
fn a_transaction_is_answered_as_recorded() {
    let entry = Span::new(id(1), "process", "messaging.process");
    let mut case = Case::new(Run::new(RunId::new(1).unwrap(), "order"), entry);
    let mut span = Span::new(id(2), "transaction", "messaging.publish");
    (span.parent_span_id, span.status, span.error) = (Some(id(1)), "error".to_owned(), Some("fenced".to_owned()));
    span.attributes.insert("messaging.operation.name".to_owned(), "transaction".into());
    case.add(span);
    let seen = seen(&case, || {
        let span: Live = observe::span("transaction").primitive(Primitive::MESSAGING_PUBLISH).open();
        let reply = ask(span.context(), || OutboundCall::new(Primitive::MESSAGING_SETTLE, "tx.select"));
        span.end();
        assert_eq!(recorded(reply).error().unwrap().message(), "fenced");
    });
    assert_eq!(labels(&seen), ["re-executed process", "recorded transaction"]);
    assert!(seen.steps.iter().all(|step| step.divergence.is_none()), "{:?}", seen.steps);
}

/// Messages that are let through would be sent, whatever becomes of a transaction that is answered from the record.
#[test]
fn a_transaction_of_live_messages_is_refused() {
    let entry = Span::new(id(1), "process", "messaging.process");
    let mut case = Case::new(Run::new(RunId::new(1).unwrap(), "order"), entry);
    case.live = vec!["messaging.publish orders".parse().unwrap()];
    let seen = seen(&case, || {
        let span: Live = observe::span("transaction").primitive(Primitive::MESSAGING_PUBLISH).open();
        let reply = ask(span.context(), || OutboundCall::new(Primitive::MESSAGING_SETTLE, "tx.select"));
        span.end();
        let Reply::Refused(why) = reply else { panic!("{reply:?}") };
        assert!(why.message().ends_with("what the transaction rolls back would be sent"), "{}", why.message());
    });
    assert_eq!(labels(&seen), ["re-executed process", "refused transaction"]);
}

/// Without a scratch database no query is let through; with one, those on it are. Either way the record's query counts as made.
#[test]
fn queries_go_to_the_scratch_database() {
    let mut case = case();
    let ask = |case: &Case, target: &'static str| {
        let reply = std::cell::Cell::new(None);
        let seen = seen(case, || reply.set(Some(call("INSERT orders", Primitive::DB_QUERY, target))));
        (reply.into_inner().unwrap(), seen)
    };
    let (reply, refused) = ask(&case, "shop");
    let Reply::Refused(why) = reply else { panic!("{reply:?}") };
    assert_eq!(
        why.message(),
        "a replay refused db.query shop: only queries of the scratch database are let through, which `--scratch` names"
    );
    assert_eq!(labels(&refused)[1], "refused INSERT orders");
    let divergence = refused.steps[1].divergence.as_ref().unwrap();
    assert_eq!((divergence.kind, divergence.actual.as_str()), (DivergenceKind::Refused, "db.query shop"));
    case.scratch = Some("scratch".to_owned());
    let (reply, live) = ask(&case, "scratch");
    assert!(matches!(reply, Reply::Live));
    assert_eq!(
        labels(&live),
        ["re-executed process", "live INSERT orders", "diverged ack orders", "diverged publish x:y"]
    );
    assert!(live.steps[1].divergence.is_none());
    assert!(matches!(ask(&case, "shop").0, Reply::Refused(_)));
}

/// A call that has no span of its own is a step of its own, and leaves the label of the span around it alone.
#[test]
fn calls_without_a_span_are_steps() {
    let mut case = case();
    let prepare = || {
        let ask_here = || OutboundCall::new(Primitive::DB_QUERY, "scratch");
        assert!(matches!(ask(&observe::current_context(), ask_here), Reply::Refused(_)))
    };
    let refused = seen(&case, prepare);
    assert_eq!(labels(&refused)[..2], ["re-executed process", "refused db.query"]);
    assert_eq!(refused.steps[1].depth, 1);
    case.scratch = Some("scratch".to_owned());
    let live = seen(&case, || {
        let ask_here = || OutboundCall::new(Primitive::DB_QUERY, "scratch");
        assert!(matches!(ask(&observe::current_context(), ask_here), Reply::Live))
    });
    // Nothing but what was not called.
    assert_eq!(live.steps.iter().filter(|step| step.divergence.is_none()).count(), 1);
}

/// A recorded answer has everything that its span has.
#[test]
fn an_answer_has_what_was_recorded() {
    let mut case = case();
    for (kind, text) in [("output.headers", "{}"), ("note", "")] {
        let artifact = crate::case::Artifact::whole(id(4), kind, "text/plain", text);
        case.artifacts.push(artifact)
    }
    let mut cut = crate::case::Artifact::whole(id(4), "input", "", "abc");
    cut.size_bytes = 4;
    case.artifacts.push(cut);
    let seen = seen(&case, || {
        let then = recorded(call("publish x:y", Primitive::MESSAGING_PUBLISH, "x/y"));
        assert_eq!(then.text("spanbridge.handoff.status"), Some("confirmed"));
        assert_eq!((then.integer("n"), then.artifact("input").is_none()), (Some(3), true));
        assert_eq!(then.artifact("note").unwrap().content(), b"");
        assert_eq!(then.attribute("list"), Some(spanbridge::Value::Json("[1]")));
    });
    assert_eq!(labels(&seen)[1], "not compared publish x:y"); // its body was not recorded
}

/// A call that failed fails again; one that nobody waited for has no answer.
#[test]
fn recorded_failures_fail_again() {
    for (status, error, class, expected) in [
        ("error", Some("refused"), Some("io"), ("refused", Some("io"))),
        ("cancelled", None, None, ("the recorded call was given up before it was answered", None)),
        ("open", None, None, ("the end of the recorded call was not recorded", None)),
    ] {
        let mut case = Case::from_json(case().to_json().as_bytes()).unwrap();
        let mut span = Span::new(id(9), "GET", "http.client");
        span.parent_span_id = Some(id(1));
        (span.status, span.error) = (status.to_owned(), error.map(str::to_owned));
        span.error_type = class.map(str::to_owned);
        let attributes = json!({"http.request.method": "GET", "url.full": "http://x/"});
        span.attributes = attributes.as_object().unwrap().clone();
        case.add(span);
        seen(&case, || {
            let then = recorded(call("GET", Primitive::HTTP_CLIENT, "GET http://x/"));
            let error = then.error().unwrap();
            assert_eq!((error.message(), error.class()), expected);
        });
    }
}
