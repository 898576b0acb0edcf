//! What is captured of calls and messages. The SDK is real; its requests are caught.

#[path = "support/artifacts.rs"]
mod artifacts;
#[macro_use]
#[path = "support/caught.rs"]
#[expect(dead_code, reason = "not all of what was sent is looked at here")]
mod caught;

use artifacts::captured;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use caught::Service;
use serde_json::json;
use spanbridge::conformance::{Seen, spans};
use spanbridge::record::Record;
use spanbridge::{Memory, Recorder, Sampler, observe, semconv};
use spanbridge_lambda::{CallExt, CaptureMode, CapturePolicy, Propagate};
use std::time::Duration;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";
const ALL: CaptureMode = CaptureMode::Inline { max: 4096 };

fn all() -> CapturePolicy {
    CapturePolicy::from(ALL).headers(ALL)
}

fn lambda(service: &Service, propagate: Option<Propagate>) -> aws_sdk_lambda::Client {
    let mut config = config!(aws_sdk_lambda, service);
    if let Some(propagate) = propagate {
        config = config.interceptor(propagate)
    }
    aws_sdk_lambda::Client::from_conf(config.build())
}

/// What a call under a span `order` records, whatever its result.
async fn recorded<F: Future>(call: impl FnOnce() -> F) -> Vec<Record<'static>> {
    let memory = Memory::new();
    let recorder = Recorder::builder("caller").sink(memory.clone()).build().unwrap();
    recorder.scope(|| observe::span("order").run_value(async || call().await)).await;
    recorder.flush_blocking(Duration::from_secs(60));
    memory.records()
}

/// The last span.
fn span(records: &[Record<'_>]) -> Seen {
    spans(records).pop().unwrap()
}

#[tokio::test]
async fn a_call_has_an_input_and_an_output() {
    let service = Service::new(200, r#"{"points":7}"#);
    let client = lambda(&service, None);
    let order = || client.invoke().function_name("score").payload(Blob::new(r#"{"order":42}"#));
    assert_eq!(captured(&recorded(|| order().observed().send()).await), [""; 0], "nobody asked");
    assert_eq!(captured(&recorded(|| order().observed().capture(CaptureMode::Off).send()).await), [""; 0]);
    let sizes = ["invoke score: input application/json 12 -", "invoke score: output application/json 12 -"];
    assert_eq!(captured(&recorded(|| order().observed().capture(CapturePolicy::default()).send()).await), sizes);
    let both = [
        r#"invoke score: input application/json 12 {"order":42}"#,
        r#"invoke score: output application/json 12 {"points":7}"#,
    ];
    // Wherever the context is packed, and also if the payload has the field before.
    assert_eq!(captured(&recorded(|| order().observed().capture(all()).send()).await), both);
    assert_eq!(captured(&recorded(|| order().observed().in_payload().capture(all()).send()).await), both);
    assert!(service.body().contains("__spanbridge"), "{}", service.body());
    let forwarded = Blob::new(format!(r#"{{"__spanbridge":{{"traceparent":"{PARENT}"}},"order":42}}"#));
    let forward = || order().payload(forwarded);
    assert_eq!(captured(&recorded(|| forward().observed().capture(all()).send()).await), both);
    // Without a payload, and without a response.
    let nothing = || client.invoke().function_name("score").observed().capture(all()).send();
    assert_eq!(captured(&recorded(nothing).await), both[1..]);
    let empty = lambda(&Service::new(202, ""), None);
    let event = || {
        let call = empty.invoke().function_name("score").invocation_type(InvocationType::Event);
        call.payload(Blob::new(r#"{"order":42}"#)).observed().capture(all()).send()
    };
    assert_eq!(captured(&recorded(event).await), both[..1]);
}

#[tokio::test]
async fn a_hook_fails_closed_and_the_call_goes_on() {
    let service = Service::new(200, r#"{"card":"visa"}"#);
    let client = lambda(&service, None);
    let order = || client.invoke().function_name("score").payload(Blob::new(r#"{"card":"visa"}"#));
    let failed = ["invoke score: redaction.failed"; 2];
    for fails in [all().redact(|_| Err("visa")), all().redact(|_| -> Result<(), &str> { panic!("visa") })] {
        let records = recorded(|| async {
            let answer = order().observed().capture(&fails).send().await.unwrap();
            assert_eq!(answer.payload.unwrap().as_ref(), br#"{"card":"visa"}"#);
        })
        .await;
        assert_eq!(service.body(), r#"{"card":"visa"}"#);
        assert_eq!(captured(&records), failed);
        assert!(!format!("{records:?}").contains("visa"));
    }
    // What is not recorded is not read.
    let memory = Memory::new();
    let unsampled = Recorder::builder("caller").sink(memory.clone()).sampler(Sampler::ratio(0.0)).build().unwrap();
    let panics = all().redact(|_| -> Result<(), &str> { panic!("not recorded") });
    unsampled.scope(async || order().observed().capture(&panics).send().await.map(drop)).await.unwrap();
    unsampled.flush_blocking(Duration::from_secs(60));
    assert_eq!(captured(&memory.records()), [""; 0]);
}

#[tokio::test]
async fn a_client_captures_all_its_calls() {
    let client = lambda(&Service::new(200, "7"), Some(Propagate::new().capture(ALL)));
    let order = || client.invoke().function_name("score").payload(Blob::new("42"));
    let both = ["invoke score: input application/json 2 42", "invoke score: output application/json 1 7"];
    assert_eq!(captured(&recorded(|| order().send()).await), both);
    assert_eq!(captured(&recorded(|| order().observed().send()).await), both, "once");
    let off = CapturePolicy::from(CaptureMode::Off);
    assert_eq!(captured(&recorded(|| order().observed().capture(&off).send()).await), [""; 0]);
}

#[tokio::test]
async fn messages() {
    let sqs = Service::new(200, json!({"MessageId": "m", "Successful": [], "Failed": []})).sqs();
    let text = |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap();
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new("\u{fc}")).build().unwrap();
    let hidden = format!(r#"{{"__spanbridge":{{"traceparent":"{PARENT}"}},"order":42}}"#);
    let send = || {
        let send = sqs.send_message().queue_url(QUEUE).message_body(&hidden).message_attributes("b", bytes.clone());
        send.message_attributes("a", text("1")).message_attributes("traceparent", text(PARENT)).observed()
    };
    let records = recorded(|| send().capture(all()).send()).await;
    assert_eq!(
        captured(&records),
        [
            r#"send orders: output application/octet-stream 12 {"order":42}"#,
            r#"send orders: output.headers application/json 18 {"a":"1","b":"ü"}"#
        ]
    );
    let size = hidden.len().to_string();
    for (capture, size) in [(None, &*size), (Some(CaptureMode::Reference), &size), (Some(CaptureMode::Off), "")] {
        let send = || async {
            match capture {
                Some(capture) => send().capture(capture).send().await,
                None => send().send().await,
            }
        };
        let records = recorded(send).await;
        assert_eq!(
            (span(&records).get(semconv::MESSAGING_BODY_SIZE), captured(&records)),
            (size, vec![]),
            "{capture:?}"
        );
    }
    let fails = all().redact(|part| if part.header().is_some() { Err("no") } else { Ok(()) });
    assert_eq!(
        captured(&recorded(|| send().capture(&fails).send()).await),
        [r#"send orders: output application/octet-stream 12 {"order":42}"#, "send orders: redaction.failed"]
    );
    // In a batch, each message by itself.
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(id).build().unwrap();
    let batch = || sqs.send_message_batch().queue_url(QUEUE).entries(entry("x")).entries(entry("y"));
    let batch = || batch().observed().capture(CaptureMode::Inline { max: 9 }).send();
    assert_eq!(
        captured(&recorded(batch).await),
        ["x", "y"].map(|id| format!("send orders: output application/octet-stream 1 {id}"))
    );
}

#[tokio::test]
async fn notifications() {
    let answer = "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
    let sns = Service::new(200, answer).sns();
    let value = aws_sdk_sns::types::MessageAttributeValue::builder().data_type("String").string_value("1");
    let publish =
        || sns.publish().topic_arn(TOPIC).message("42").message_attributes("a", value.clone().build().unwrap());
    assert_eq!(
        captured(&recorded(|| publish().observed().capture(all()).send()).await),
        [
            "publish orders: output application/octet-stream 2 42",
            r#"publish orders: output.headers application/json 9 {"a":"1"}"#
        ]
    );
    let entry = aws_sdk_sns::types::PublishBatchRequestEntry::builder().id("x").message("42").build().unwrap();
    let batch = || sns.publish_batch().topic_arn(TOPIC).publish_batch_request_entries(entry.clone());
    let records = recorded(|| batch().observed().capture(ALL).send()).await;
    assert_eq!(captured(&records), ["publish orders: output application/octet-stream 2 42"]);
    let off = CapturePolicy::from(CaptureMode::Off);
    assert_eq!(span(&recorded(|| batch().observed().capture(&off).send()).await).get(semconv::MESSAGING_BODY_SIZE), "");
}

/// With `Whole`, what a function was asked and answered is recorded to the last byte.
#[tokio::test]
async fn a_call_is_recorded_whole() {
    let (asked, answered) = (json!(["a".repeat(200_000)]).to_string(), json!(["b".repeat(100_000)]).to_string());
    let client = lambda(&Service::new(200, answered.clone()), None);
    let order = || client.invoke().function_name("score").payload(Blob::new(asked.clone())).observed();
    let records = recorded(|| order().capture(CaptureMode::Whole { max: 1 << 20 }).send()).await;
    let all = captured(&records);
    let expected = [
        format!("invoke score: input application/json {} {asked}", asked.len()),
        format!("invoke score: output application/json {} {answered}", answered.len()),
    ];
    assert!(all == expected, "{:?}", all.iter().map(|one| &one[..60]).collect::<Vec<_>>());
}
