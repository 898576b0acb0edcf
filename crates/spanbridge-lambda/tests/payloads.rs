//! Which payloads are changed: those of the functions that are named, and of the calls that ask for it. The SDK is
//! real; its requests are caught.

#[macro_use]
#[path = "support/caught.rs"]
#[expect(dead_code, reason = "not all of what was sent is looked at here")]
mod caught;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use caught::Service;
use spanbridge::conformance::{Seen, spans};
use spanbridge::{Memory, Recorder, observe, semconv};
use spanbridge_lambda::{CallExt, Propagate};
use std::time::Duration;

const OLD: &str =
    r#"{"__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},"order":42}"#;
const ORDER: &str = r#"{"order":42}"#;

/// The body and the client context that are sent to a function, and the span of the call.
async fn sent(
    propagate: Option<Propagate>,
    (function, kind): (&str, Option<InvocationType>),
    payload: &str,
    observed: bool,
) -> (String, Option<String>, Seen) {
    let service = Service::new(if kind.is_some() { 202 } else { 200 }, "");
    let mut config = config!(aws_sdk_lambda, service);
    if let Some(propagate) = propagate {
        config = config.interceptor(propagate)
    }
    let client = aws_sdk_lambda::Client::from_conf(config.build());
    let call = client.invoke().function_name(function).set_invocation_type(kind).payload(Blob::new(payload));
    let memory = Memory::new();
    let recorder = Recorder::builder("caller").sink(memory.clone()).build().unwrap();
    let work = async { if observed { call.observed().send().await } else { call.send().await } };
    recorder.scope(|| observe::span("order").run_value(|| work)).await.unwrap();
    recorder.flush_blocking(Duration::from_secs(60));
    let context =
        service.last.lock().unwrap().as_ref().unwrap().headers().get("x-amz-client-context").map(str::to_owned);
    (service.body(), context, spans(&memory.records()).pop().unwrap())
}

fn event(function: &str) -> (&str, Option<InvocationType>) {
    (function, Some(InvocationType::Event))
}

#[tokio::test]
async fn a_payload_is_changed_where_it_is_asked_for() {
    let all = Propagate::new;
    let named =
        || Propagate::new().in_payload_of(["score", "arn:aws:lambda:eu-west-1:123456789012:function:ship:live"]);
    for (propagate, call, observed, is_changed) in [
        (Some(all()), event("score"), false, false),
        (Some(all()), event("score"), true, true),
        (None, event("score"), true, true),
        (Some(all().in_payload()), event("score"), false, true),
        (Some(all().in_payload()), ("score", None), false, true),
        (Some(named()), event("score"), false, true),
        (Some(named()), event("score:7"), false, true),
        (Some(named()), event("arn:aws:lambda:eu-west-1:123456789012:function:score"), false, true),
        (Some(named()), event("123456789012:function:ship"), false, true),
        (Some(named()), event("shipping"), false, false),
        (Some(named()), ("score", None), false, true),
        (Some(named()), ("other", None), false, false),
        (Some(all()), ("score", None), false, false),
        (None, ("score", None), true, false),
    ] {
        let waits = call.1.is_none();
        let what = format!("{propagate:?} {call:?} {observed}");
        let (body, context, span) = sent(propagate, call, ORDER, observed).await;
        assert_eq!(body != ORDER, is_changed, "{what}");
        assert!(!is_changed || body.starts_with(r#"{"__spanbridge":{"traceparent":"00-"#), "{what}: {body}");
        assert_eq!(context.is_some(), waits && !is_changed, "{what}");
        let told = span.diagnostics.iter().any(|(code, _)| code == semconv::INJECTION_NOT_POSSIBLE);
        assert_eq!(told, !waits && !is_changed, "{what}: {:?}", span.diagnostics);
    }
}

/// A payload that has the field already belongs to a function that expects it.
#[tokio::test]
async fn a_field_that_is_there_stays_current() {
    let (body, _, span) = sent(Some(Propagate::new()), event("score"), OLD, false).await;
    assert_eq!((body.as_str(), span.links.len()), (OLD, 1), "of another trace: the user means it");
    assert!(span.diagnostics.is_empty(), "{:?}", span.diagnostics);
}
