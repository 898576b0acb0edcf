//! Everything emitted on Lambda is in `docs/conventions.md`, and everything there is emitted.

#[path = "support/caught.rs"]
#[expect(dead_code, reason = "what was sent is looked at by others")]
mod caught;
#[expect(dead_code, reason = "how spans hang together is looked at by others")]
mod support;
#[path = "../../../tests/src/tables.rs"]
#[expect(unreachable_pub, reason = "elsewhere it is a part of a library")]
mod tables;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use caught::Service;
use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::conformance::{Seen, spans};
use spanbridge::record::{Body, Record};
use spanbridge::{Kind, observe};
use spanbridge_lambda::{
    CallExt, CaptureMode, CapturePolicy, Event, FunctionOptions, InvocationMetadata, Propagate, ReceiveOptions,
    for_each_record, observed,
};
use std::collections::BTreeSet;
use support::{answer, context, invocation, record};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn all() -> CapturePolicy {
    CapturePolicy::default().hashed().headers(CaptureMode::Reference)
}

/// Handles an event; every second of its records fails.
async fn handled(event: Vec<u8>, capture: &CapturePolicy) -> Vec<Record<'static>> {
    let many = Event::read(&event, InvocationMetadata::new()).0.records().len();
    let handler = move |event: LambdaEvent<Value>| async move {
        let work = |n| async move { if n % 2 == 1 { Err("odd") } else { Ok(()) } };
        for_each_record(&event.context, 0..many, work).await?;
        if event.payload["do"] == "fail" { Err(Error::from("no")) } else { Ok(json!({ "statusCode": 200 })) }
    };
    let event = String::from_utf8(event).unwrap();
    let call =
        (FunctionOptions::new().with(ReceiveOptions::new().capture(capture.clone())), invocation(event, context()));
    record(answer(observed(service_fn(handler)), call)).await.0.0
}

/// What a call records, in a context with baggage.
async fn called<F: Future>(call: impl FnOnce() -> F) -> Vec<Record<'static>> {
    let work = async {
        let carried = json!({ "traceparent": CALLER, "baggage": format!("k={}", "v".repeat(3000)) });
        let context: spanbridge::Context = serde_json::from_value(carried).unwrap();
        observe::with_context(context, async || call().await).await;
        spanbridge::flush(std::time::Duration::from_secs(60)).await;
    };
    record(work).await.0.0
}

fn lambda(service: &Service, capture: &CapturePolicy) -> aws_sdk_lambda::Client {
    use aws_sdk_lambda::config::{BehaviorVersion, Builder, Credentials, Region, retry::RetryConfig};
    let config = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url("http://localhost")
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .retry_config(RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1)))
        .interceptor(Propagate::new().capture(capture.clone()))
        .http_client(service.clone());
    aws_sdk_lambda::Client::from_conf(config.build())
}

async fn functions(capture: &CapturePolicy) -> Vec<Vec<Record<'static>>> {
    let mut all = vec![];
    let folder = "tests/events";
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "json") {
            all.push(handled(std::fs::read(file).unwrap(), capture).await);
        }
    }
    let message = |sent: &str| json!({ "messageId": "m", "eventSource": "aws:sqs", "body": "", "attributes": { "SentTimestamp": sent } });
    let sqs = json!({ "Records": [message("4102444800000"), message("1700000000000")] });
    let queued = json!({ "basicProperties": { "correlationId": "c" }, "redelivered": true, "data": "e30=" });
    let mq = json!({ "eventSource": "aws:rmq", "rmqMessagesByQueue": { "orders::/": [queued] } });
    for event in [json!({ "do": "fail" }), sqs, mq] {
        all.push(handled(event.to_string().into_bytes(), capture).await);
    }
    all
}

async fn calls(capture: &CapturePolicy) -> Vec<Vec<Record<'static>>> {
    let mut all = vec![];
    for status in [200, 500] {
        let service = Service::new(status, json!({}));
        let invoke = || lambda(&service, capture).invoke().function_name("f");
        all.push(called(|| invoke().send()).await);
        all.push(called(|| invoke().client_context("!").send()).await);
        for kind in [InvocationType::Event, InvocationType::DryRun] {
            all.push(called(|| invoke().payload(Blob::new("[]")).invocation_type(kind).send()).await);
        }
    }
    let sqs = Service::new(200, json!({ "MessageId": "m" })).sqs();
    let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
    all.push(
        called(|| sqs.send_message().queue_url(queue).message_body("{}").observed().capture(capture).send()).await,
    );
    let refused = json!({ "Successful": [], "Failed": [{ "Id": "a", "Code": "no", "SenderFault": true }] });
    let (sqs, entry) = (Service::new(200, refused).sqs(), aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder());
    let entry = entry.id("a").message_body("x".repeat(1 << 20)).build().unwrap();
    all.push(
        called(|| sqs.send_message_batch().queue_url(queue).entries(entry).observed().capture(capture).send()).await,
    );
    let answer =
        |what: &str, inside: &str| format!("<{what}Response><{what}Result>{inside}</{what}Result></{what}Response>");
    let topic = "arn:aws:sns:eu-west-1:123456789012:orders";
    let sns = Service::new(200, answer("Publish", "<MessageId>m</MessageId>")).sns();
    all.push(called(|| sns.publish().topic_arn(topic).message("{}").observed().capture(capture).send()).await);
    let sns = Service::new(200, answer("PublishBatch", "<Successful/><Failed/>")).sns();
    let entry = aws_sdk_sns::types::PublishBatchRequestEntry::builder().id("a").message("{}").build().unwrap();
    all.push(
        called(|| {
            sns.publish_batch().topic_arn(topic).publish_batch_request_entries(entry).observed().capture(capture).send()
        })
        .await,
    );
    all
}

/// The step of a span, by the table of spans. Checks the rest of its row.
fn step(span: &Seen, kind: Kind) -> String {
    let is_batch = span.attributes.contains_key("messaging.batch.message_count");
    let rows = tables::table("Spans on AWS Lambda");
    let row = rows
        .iter()
        .find(|row| row[2] == kind.name() && row[3] == span.primitive && (row[0].contains("batch") == is_batch));
    let row = row.unwrap_or_else(|| panic!("no row for {kind:?} {span:?}"));
    let operation = span.get("messaging.operation.name");
    if row[3].starts_with("messaging.") {
        let destination = span.get("messaging.destination.name");
        let name = if destination.is_empty() { operation.to_owned() } else { format!("{operation} {destination}") };
        assert_eq!(span.name, name);
        assert!(row[1].split(", ").any(|known| known == operation), "{operation} is not among {}", row[1]);
    }
    row[0].clone()
}

#[tokio::test]
async fn on_lambda() {
    let known = tables::attributes("Attributes on AWS Lambda");
    let rows = tables::table("Diagnostics on AWS Lambda").into_iter().skip(1);
    let on = |row: Vec<String>| row[1].split(", ").map(|step| (step.to_owned(), row[0].clone())).collect::<Vec<_>>();
    let codes: BTreeSet<_> = rows.flat_map(on).collect();
    let (mut seen, mut steps) = (BTreeSet::new(), BTreeSet::new());
    let (mut artifacts, mut told) = (BTreeSet::new(), BTreeSet::new());
    let fails = all().redact(|_| Err("no"));
    let mut recorded = vec![];
    recorded.extend(functions(&CaptureMode::Whole { max: 100 }.into()).await);
    for capture in [&all(), &fails] {
        recorded.extend(functions(capture).await);
        recorded.extend(calls(capture).await)
    }
    for records in recorded {
        let kinds = |span: &Seen| {
            records.iter().find_map(|r| match &r.body {
                Body::Span(start) if Some(start.span_id) == span.id => Some(start.kind),
                _ => None,
            })
        };
        for span in spans(&records).iter().filter(|s| !s.primitive.is_empty()) {
            let step = step(span, kinds(span).unwrap());
            // The class of an error is a field of the span's end.
            let error_type = (!span.error_type.is_empty()).then(|| "error.type".to_owned());
            for name in span.attributes.keys().cloned().chain(error_type) {
                let key = (step.clone(), name.clone());
                assert!(known.contains_key(&key), "{step} has `{name}`, which the table does not: {span:?}");
                seen.insert(key);
            }
            for ((_, name), _) in known.iter().filter(|((of, _), always)| *of == step && **always) {
                assert!(span.attributes.contains_key(name), "{step} has no `{name}`: {span:?}");
            }
            for (code, _) in &span.diagnostics {
                let key = (step.clone(), code.clone());
                assert!(codes.contains(&key), "{step} has `{code}`, which the table does not");
                told.insert(key);
            }
            artifacts.extend(records.iter().filter_map(|record| match &record.body {
                Body::Artifact(a) if Some(a.span_id) == span.id => Some((step.clone(), a.kind.to_string())),
                _ => None,
            }));
            steps.insert(step);
        }
    }
    let missing: Vec<_> = known.keys().filter(|key| !seen.contains(key)).collect();
    assert!(missing.is_empty(), "promised, and not emitted: {missing:?}");
    assert_eq!(artifacts, tables::attributes("Payloads on AWS Lambda").into_keys().collect());
    let missing: Vec<_> = codes.iter().filter(|key| !told.contains(key)).map(|(_, code)| code.as_str()).collect();
    // These need a process or time: see `flush.rs`, `handle.rs`, and `lambda_function.rs` in the workspace's tests.
    assert_eq!(missing, ["deadline.near", "flush.incomplete", "response.lost", "runtime.header"]);
    let promised = tables::table("Spans on AWS Lambda").into_iter().skip(1).map(|row| row[0].clone());
    assert_eq!(steps, promised.collect());
}
