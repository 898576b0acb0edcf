//! Baggage does not depend on a trace: it comes and goes without one, and beside one that is unusable.

#[cfg(feature = "record")]
mod support;

use spanbridge::carrier::{Budget, extract, inject, inject_within};
use spanbridge::w3c::Baggage;
use spanbridge::{Context, observe};
use std::collections::HashMap;

type Headers = HashMap<String, String>;

fn headers<const N: usize>(pairs: [(&str, &str); N]) -> Headers {
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

fn sent(context: &Context) -> Headers {
    let mut out = Headers::new();
    inject(context, &mut out);
    out
}

/// With nothing, and with something, that is no trace.
fn without_a_trace() -> [Headers; 4] {
    [
        headers([("baggage", "tenant=acme")]),
        headers([("baggage", "tenant=acme"), ("tracestate", "a=1")]),
        headers([("baggage", "tenant=acme"), ("traceparent", "junk"), ("tracestate", "sb=r:x,a=1")]),
        headers([("baggage", "tenant=acme"), ("traceparent", "")]),
    ]
}

#[test]
fn it_is_taken_and_sent_on_by_itself() {
    for came in without_a_trace() {
        let found = extract(&came);
        assert!(found.context.is_empty() && found.context.travels(), "{came:?}");
        assert_eq!(found.context.baggage().get("tenant").as_deref(), Some("acme"));
        let told: Vec<_> = found.problems.iter().map(|p| p.header).collect();
        assert_eq!(told, vec!["traceparent"; usize::from(came.contains_key("traceparent"))], "{came:?}");
        assert_eq!(sent(&found.context), headers([("baggage", "tenant=acme")]));
        // Without a recorder it is current, and goes on from there.
        let inside = observe::in_scope(&found.context, || observe::span("s").in_scope_value(observe::current_context));
        assert_eq!(inside, found.context);
    }
    let broken = extract(&headers([("baggage", "=,=")]));
    assert_eq!((broken.context.travels(), broken.problems.len()), (false, 1));
    assert_eq!(broken.context, Context::EMPTY);
}

#[test]
fn it_has_a_budget_too() {
    let context = Context::EMPTY.with_baggage(Baggage::parse(b"tenant=acme").0);
    let cost = "baggage".len() + "tenant=acme".len() + 3;
    for (bytes, headers, fits) in [(cost, 1, true), (cost - 1, 1, false), (cost, 0, false), (usize::MAX, 3, true)] {
        let mut out = Headers::from([("baggage".to_owned(), "old=1".to_owned())]);
        let told = inject_within(&context, Budget::new(bytes, 3, headers), &mut out);
        assert_eq!(told.as_deref(), (!fits).then_some("no room for the baggage (11 bytes)"));
        assert_eq!(out.get("baggage").map(String::as_str), fits.then_some("tenant=acme"));
    }
}

#[test]
fn a_context_without_a_trace_can_be_given_some() {
    let context = Context::EMPTY.with_baggage(Baggage::parse(b"k=v").0);
    assert!(context.is_empty() && context.travels() && context != Context::EMPTY);
    assert_eq!((context.trace_parent(), context.run_id(), context.span_id()), (None, None, None));
    assert_eq!(format!("{context:?}"), "Context { baggage: 3 bytes, .. }");
    let none = context.with_baggage(Baggage::new());
    assert!(!none.travels() && none == Context::EMPTY && sent(&none).is_empty());
    assert!(!Context::EMPTY.with_baggage(Baggage::new()).travels());
}

/// Stored, as for a relay of an outbox, it is still there: in text, in bytes, and as a context.
#[cfg(feature = "json")]
#[test]
fn it_can_be_stored() {
    use spanbridge::RunContext;
    let context = Context::EMPTY.with_baggage(Baggage::parse(b"tenant=acme").0);
    let saved = RunContext::from(&context);
    assert_eq!(saved.to_string(), r#"{"version":1,"baggage":"tenant=acme"}"#);
    let read: RunContext = saved.to_string().parse().unwrap();
    assert_eq!((&read, read.is_empty()), (&saved, true));
    let bytes = postcard::to_stdvec(&saved).unwrap();
    assert_eq!(postcard::from_bytes::<RunContext>(&bytes).unwrap(), saved);
    assert_eq!(Context::from(read.clone()), context);
    let run = observe::resume_run(read);
    assert_eq!(run.in_scope(observe::current_context), context);
    let json = serde_json::to_string(&context).unwrap();
    assert_eq!(json, r#"{"baggage":"tenant=acme"}"#);
    assert_eq!(serde_json::from_str::<Context>(&json).unwrap(), context);
}

#[cfg(feature = "json")]
#[test]
fn it_travels_in_payloads() {
    use spanbridge::carrier::{extract_payload, inject_payload};
    let context = Context::EMPTY.with_baggage(Baggage::parse(b"tenant=acme").0);
    let payload = inject_payload(&context, br#"{"order":42}"#);
    assert_eq!(*payload, *br#"{"__spanbridge":{"baggage":"tenant=acme"},"order":42}"#);
    let (found, rest) = extract_payload(&payload);
    assert_eq!((found.context, &*rest, found.problems), (context, &br#"{"order":42}"#[..], vec![]));
    let stale = br#"{"__spanbridge":{"traceparent":"junk","baggage":"tenant=acme"},"order":42}"#;
    let found = extract_payload(stale).0;
    assert_eq!(found.context.baggage().as_str(), "tenant=acme");
}

#[cfg(feature = "http")]
#[test]
fn it_travels_over_http() {
    let mut headers = http::HeaderMap::new();
    headers.append("Baggage", "tenant=acme".parse().unwrap());
    headers.append("baggage", "tier=gold".parse().unwrap());
    let found = extract(&headers);
    assert_eq!((found.context.baggage().as_str(), found.problems), ("tenant=acme,tier=gold", vec![]));
    let mut out = http::HeaderMap::new();
    inject(&found.context, &mut out);
    assert_eq!((out.len(), out["baggage"].as_bytes()), (1, &b"tenant=acme,tier=gold"[..]));
}

#[cfg(feature = "record")]
mod recorded {
    use super::support::{by_name, flush, record, recorder, spans};
    use super::*;
    use spanbridge::ContextExt;
    use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Relation, Trust};
    use spanbridge::record::{Body, Diagnostic};

    /// What begins under it begins a trace, which has the baggage: spans, runs, and what is sent from there.
    #[test]
    fn a_trace_that_begins_under_it_has_it() {
        let context = || extract(&headers([("baggage", "tenant=acme")])).context;
        let mut out = vec![];
        let records = record(|| {
            observe::in_scope(&context(), || {
                out.push(observe::span("s").in_scope_value(|| sent(&observe::current_context())));
                out.push(observe::span("open").open().in_scope(|| sent(&observe::current_context())));
                out.push(observe::run("run").in_scope_value_for_test());
            });
            let waited = observe::span("future").run_value(async || sent(&observe::current_context()));
            drop(waited);
            let future = async { observe::span("f").run_value(async || sent(&observe::current_context())).await };
            out.push(futures_util::FutureExt::now_or_never(future.in_context(context())).unwrap());
        });
        let all = spans(&records);
        assert_eq!(by_name(&all, "s").parent, None);
        for out in out {
            assert_eq!((out["baggage"].as_str(), &out["traceparent"][52..]), ("tenant=acme", "-01"), "{out:?}");
        }
    }

    trait InScope {
        fn in_scope_value_for_test(self) -> Headers;
    }

    impl InScope for observe::RunBuilder<'_> {
        fn in_scope_value_for_test(self) -> Headers {
            let run = self.open();
            let sent = run.in_scope(|| sent(&observe::current_context()));
            run.end();
            sent
        }
    }

    fn worked_on(came: &Headers, receiving: &ReceiveOptions) -> (Headers, Vec<String>) {
        let (recorder, memory) = recorder();
        let sent = recorder.in_scope(|| {
            let received = Received::new(came).with(receiving, MessageInfo::new().run_name(&|| "work".into()));
            let span = received.process(|| observe::span("process").open());
            let sent = sent(span.context());
            span.end();
            sent
        });
        flush(&recorder);
        let told = memory.take().into_iter().filter_map(|record| match record.body {
            Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
            _ => None,
        });
        (sent, told.collect())
    }

    /// As much of it is taken as of baggage beside a trace, whatever the relation.
    #[test]
    fn trust_and_the_list_hold_for_it() {
        let listed = || Some(["tenant"]);
        let not_listed = "baggage.filtered: 1 members are not on the list";
        let ids = "baggage.filtered: the sender is trusted for its ids only: 23 bytes left out";
        let ignored = "context.ignored: the sender is not trusted: it said 23 bytes of baggage";
        for relation in [Relation::Parent, Relation::NewRun, Relation::Link] {
            for (trust, baggage, expected, told) in [
                (Trust::Full, None, Some("tenant=acme,secret=s3cr"), &[][..]),
                (Trust::Full, listed(), Some("tenant=acme"), &[not_listed]),
                (Trust::IdsOnly, None, None, &[ids]),
                (Trust::IdsOnly, listed(), None, &[ids]),
                (Trust::Ignore, None, None, &[ignored]),
                (Trust::Ignore, listed(), None, &[ignored]),
            ] {
                let options = <ReceiveOptions>::new().relation(relation).trust(trust);
                let receiving = match baggage {
                    Some(keys) => options.allow_baggage(keys),
                    None => options,
                };
                let came = headers([("baggage", "tenant=acme,secret=s3cr")]);
                let (sent, diagnostics) = worked_on(&came, &receiving);
                assert_eq!(sent.get("baggage").map(String::as_str), expected, "{receiving:?}");
                assert!(sent.contains_key("traceparent"), "a trace has begun: {receiving:?}");
                assert_eq!(diagnostics, told, "{receiving:?}");
            }
        }
    }

    /// A message with a trace that is unusable has its baggage all the same, and says what was wrong.
    #[test]
    fn beside_a_malformed_trace_it_is_taken() {
        let came = headers([("traceparent", "00-1-2-3"), ("baggage", "tenant=acme")]);
        let (sent, told) = worked_on(&came, &ReceiveOptions::default());
        assert_eq!(sent["baggage"], "tenant=acme");
        assert_eq!(told, ["header.malformed: traceparent: shorter than 55 characters"]);
    }
}
