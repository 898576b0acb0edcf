//! Batches: links, parents, and which records the response names as failed.
#![cfg(feature = "runtime")]

mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent, LambdaInvocation};
use serde_json::{Value, json};
use spanbridge::record::{Body, Diagnostic, Edge, Endpoint, Record};
use spanbridge::w3c::TraceParent;
use spanbridge::{observe, semconv};
use spanbridge_lambda::{BatchResponse, FunctionOptions, Records, for_each_record, observed};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::time::Duration;
use support::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn sender(n: usize) -> String {
    format!("00-{TRACE}-{:016x}-01", 0xa0 + n)
}

/// Messages with these bodies; each has a sender unless its body is empty.
fn sqs(queue: &str, group: Option<&str>, bodies: &[&str]) -> Value {
    let message = |(n, body): (usize, &&str)| {
        let sender = json!({"traceparent": {"stringValue": sender(n), "dataType": "String"}});
        json!({
            "messageId": format!("m{n}"), "eventSource": "aws:sqs", "body": body,
            "eventSourceARN": format!("arn:aws:sqs:eu-west-1:123456789012:{queue}"),
            "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1600000000000", "MessageGroupId": group},
            "messageAttributes": if body.is_empty() { json!({}) } else { sender },
        })
    };
    json!({"Records": bodies.iter().enumerate().map(message).collect::<Vec<_>>()})
}

/// Records of one partition, each with its own sender.
fn kafka(count: usize) -> Value {
    let record = |n: usize| {
        let header: Vec<u8> = sender(n).into_bytes();
        json!({"topic": "orders", "partition": 0, "offset": n, "headers": [{ "traceparent": header }], "value": "e30="})
    };
    json!({"eventSource": "aws:kafka", "records": {"orders-0": (0..count).map(record).collect::<Vec<_>>()}})
}

/// An invocation whose flush has all the time it needs.
fn patiently(event: Value) -> (FunctionOptions, LambdaInvocation) {
    let mut context = context();
    context.deadline = in_ms(600_000);
    (FunctionOptions::new().flush_within(Duration::from_secs(300)), invocation(event, context))
}

/// Lambda passes on up to 10,000 records at once. Only the links of the batch say that they were received.
#[tokio::test]
async fn every_sender_of_a_large_batch_is_linked() {
    async fn all_at_once(event: LambdaEvent<Value>) -> Result<usize, Error> {
        Ok(bodies(&event.payload).len())
    }
    for count in [451, 452, 1_000, 10_000] {
        for event in [sqs("orders", None, &vec!["{}"; count]), kafka(count)] {
            let (recorded, answer) = record(answer(observed(service_fn(all_at_once)), patiently(event))).await;
            assert!(matches!(answer, Some(Answer::Value(_))));
            let batch = recorded.span("process orders");
            assert_eq!(batch.get(semconv::MESSAGING_BATCH_COUNT), count.to_string());
            // Links that do not fit into the span's record are in records of their own.
            let edge = |record: &Record<'_>| match record.body {
                Body::Edge(Edge {
                    from: Endpoint::Span { span_id, .. },
                    to: Endpoint::Span { trace_id, span_id: to },
                    ..
                }) => (Some(span_id) == batch.id).then_some((trace_id, to)),
                _ => None,
            };
            let edges = recorded.0.iter().filter_map(edge);
            let linked: BTreeSet<_> = batch.links.iter().map(|(trace, span)| (*trace, *span)).chain(edges).collect();
            let ids = |n| TraceParent::parse(sender(n).as_bytes()).map(|sent| (sent.trace_id, sent.span_id)).unwrap();
            assert!(linked == (0..count).map(ids).collect(), "{} of {count} are linked", linked.len());
            let is_cut = |record: &&Record<'_>| matches!(&record.body, Body::Diagnostic(Diagnostic { code, .. }) if code == semconv::ATTRIBUTES_CUT);
            assert_eq!(recorded.0.iter().filter(is_cut).count(), 0);
        }
    }
}

/// Lambda never passes on more. A record beyond the limit still has a span.
#[tokio::test]
async fn records_beyond_the_limit_are_worked_on() {
    let count = 10_002;
    let ship = |event| record(answer(observed(service_fn(ship)), patiently(event)));
    let (recorded, answer) = ship(sqs("orders", None, &vec!["1"; count])).await;
    assert_eq!(answer, failures(&[]));
    assert_eq!(recorded.spans("work").len(), count);
    let invocation = recorded.span("score");
    let cut = "event: it has 10002 records, of which the first 10000 were read";
    assert_eq!(invocation.diagnostics, [(semconv::HEADER_MALFORMED.to_owned(), cut.to_owned())]);
    let mut bodies = vec!["1"; count];
    bodies[count - 1] = "bad";
    let (_, answer) = ship(sqs("orders", None, &bodies)).await;
    assert!(matches!(answer, Some(Answer::Error(_))), "what it is called is not known: all of it comes again");
}

async fn work(body: String) -> Result<(), String> {
    observe::span("work").in_scope(|| ());
    match body.as_str() {
        "bad" => Err("no such order".to_owned()),
        "panic" => panic!("out of paper"),
        _ => Ok(()),
    }
}

fn bodies(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().into_iter().flatten();
    records.map(|record| record["body"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn ship(event: LambdaEvent<Value>) -> Result<BatchResponse, Error> {
    Ok(for_each_record(&event.context, bodies(&event.payload), work).await?)
}

async fn shipped(event: Value) -> (Recorded, Option<Answer>) {
    record(answer(observed(service_fn(ship)), invocation(event, context()))).await
}

fn failures(ids: &[&str]) -> Option<Answer> {
    let items: Vec<_> = ids.iter().map(|id| json!({"itemIdentifier": id})).collect();
    Some(Answer::Value(json!({"batchItemFailures": items})))
}

#[tokio::test]
async fn messages_under_senders_batch_linked_to_all() {
    let (seen, answer) = shipped(sqs("orders", None, &["a", "bad", "", "panic"])).await;
    assert_eq!(answer, failures(&["m1", "m3"]));
    let status = [semconv::MESSAGING_MESSAGE_ID, semconv::DELIVERY_ATTEMPT, semconv::BATCH_FAILED_COUNT];
    let tree = seen.tree(&status);
    assert_eq!(
        tree,
        "score (root)\n  \
           process orders failed_count=I64(2)\n    \
             process orders id=m2 attempt=I64(2)\n      \
               work\n\
         process orders (remote) id=m0 attempt=I64(2)\n  \
           work\n\
         process orders (remote) [error] id=m1 attempt=I64(2)\n  \
           work\n\
         process orders (remote) [panicked] id=m3 attempt=I64(2)\n  \
           work\n"
    );
    let spans = seen.spans("process orders");
    let batch = &spans[0];
    let linked: Vec<_> = batch.links.iter().map(|(_, span)| span.get()).collect();
    assert_eq!(linked, [0xa0, 0xa1, 0xa3]);
    assert_eq!(batch.get(semconv::MESSAGING_BATCH_COUNT), "4");
    for message in spans[1..].iter().filter(|s| s.parent != batch.id) {
        assert_eq!(message.parent.unwrap().get() & 0xf0, 0xa0);
        assert_eq!(message.links, [(batch.trace.unwrap(), batch.id.unwrap())]);
        assert!(!message.get(semconv::QUEUE_TIME_MS).is_empty());
    }
    let errors: Vec<_> = spans.iter().map(|s| s.error.as_str()).filter(|e| !e.is_empty()).collect();
    let [order, paper] = errors[..] else { panic!("{errors:?}") };
    assert_eq!(order, "no such order");
    assert!(paper.starts_with(&format!("out of paper, at {}:", file!())), "{paper}");
}

/// There is no other message that could be the cause.
#[tokio::test]
async fn a_single_message_causes_the_invocation() {
    let (seen, answer) = shipped(sqs("orders", None, &["a"])).await;
    assert_eq!(answer, failures(&[]));
    assert_eq!(seen.tree(&[]), "score (remote)\n  process orders\n    work\n");
    assert_eq!(seen.span("score").parent.unwrap().get(), 0xa0);
}

#[tokio::test]
async fn problems_with_a_message_are_recorded_once() {
    let told = |seen: &Recorded| {
        let spans = [seen.spans("score"), seen.spans("process orders")].concat();
        let diagnostics =
            spans.into_iter().flat_map(|span| span.diagnostics.into_iter().map(move |d| (span.name.clone(), d.0)));
        diagnostics.collect::<Vec<_>>()
    };
    let header = |value: &str| json!({"stringValue": value, "dataType": "String"});
    let at = |name: &str| [(name.to_owned(), "header.malformed".to_owned())];
    for wrong in [
        json!({"traceparent": header("00-1-2-3")}),
        json!({"traceparent": header(&sender(0)), "tracestate": header("=,")}),
    ] {
        let mut alone = sqs("orders", None, &["a"]);
        alone["Records"][0]["messageAttributes"] = wrong.clone();
        assert_eq!(told(&shipped(alone.clone()).await.0), at("score"), "{wrong}");
        let plain = |_: LambdaEvent<Value>| async { Ok::<_, Error>(()) };
        let (seen, _) = record(answer(observed(service_fn(plain)), invocation(alone, context()))).await;
        assert_eq!(told(&seen), at("score"), "without the helper: {wrong}");
        let mut two = sqs("orders", None, &["a", "b"]);
        two["Records"][0]["messageAttributes"] = wrong.clone();
        assert_eq!(told(&shipped(two).await.0), at("process orders"), "{wrong}");
    }
}

#[tokio::test]
async fn a_batch_span_without_the_helper() {
    let plain = |_: LambdaEvent<Value>| async {
        observe::span("own loop").in_scope(|| ());
        Ok::<_, Error>(())
    };
    let event = invocation(sqs("orders", None, &["a", "b"]), context());
    let (seen, _) = record(answer(observed(service_fn(plain)), event)).await;
    assert_eq!(seen.tree(&[]), "score (root)\n  process orders\n    own loop\n");
    assert_eq!(seen.span("process orders").links.len(), 2);
}

#[tokio::test]
async fn a_fifo_group_stops_at_its_first_failure() {
    let (seen, answer) = shipped(sqs("orders.fifo", Some("g"), &["a", "bad", "b", "c"])).await;
    assert_eq!(answer, failures(&["m1", "m2", "m3"]));
    assert_eq!(seen.spans("work").len(), 2);
    let mut two = sqs("orders.fifo", Some("g"), &["a", "bad", "b", "c"]);
    two["Records"][3]["attributes"]["MessageGroupId"] = json!("another");
    assert_eq!(shipped(two).await.1, failures(&["m1", "m2"]));
    // In standard queues, message groups are for fairness, not for order.
    assert_eq!(shipped(sqs("orders", Some("g"), &["a", "bad", "b"])).await.1, failures(&["m1"]));
}

#[tokio::test]
async fn several_at_a_time() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);
    let ship = |event: LambdaEvent<Value>| async move {
        let records = Records::new(&event.context, bodies(&event.payload)).concurrency(3);
        let work = |body: String| async move {
            PEAK.fetch_max(NOW.fetch_add(1, AcqRel) + 1, AcqRel);
            tokio::task::yield_now().await;
            NOW.fetch_sub(1, AcqRel);
            work(body).await
        };
        Ok::<_, Error>(records.for_each(work).await?)
    };
    let many: Vec<_> = std::iter::repeat_n("a", 19).chain(["bad"]).collect();
    let run = |event| record(answer(observed(service_fn(ship)), invocation(event, context())));
    assert_eq!(run(sqs("orders", None, &many)).await.1, failures(&["m19"]));
    assert_eq!(PEAK.swap(0, AcqRel), 3);
    assert_eq!(run(sqs("orders.fifo", Some("g"), &many)).await.1, failures(&["m19"]));
    assert_eq!(PEAK.load(Acquire), 1, "what is in order stays in order");
}

#[tokio::test]
async fn an_error_if_failed_records_are_unknown() {
    let error = |answer: Option<Answer>| match answer {
        Some(Answer::Error(error)) => error.error_message,
        other => panic!("{other:?}"),
    };
    let fewer = |event: LambdaEvent<Value>| async move {
        let records = bodies(&event.payload).into_iter().skip(1);
        Ok::<_, Error>(for_each_record(&event.context, records, work).await?)
    };
    let run = |event| record(answer(observed(service_fn(fewer)), invocation(event, context())));
    let (seen, answer) = run(sqs("orders", None, &["a", "b", "bad"])).await;
    let why = "handle 1 of 2 records, and it is unknown which records of the event they are";
    assert_eq!(error(answer), why);
    assert_eq!(seen.spans("process").len(), 2, "they are seen, under the batch: {}", seen.tree(&[]));
    assert_eq!(run(sqs("orders", None, &["bad", "b", "c"])).await.1, failures(&[]));
    // Without the layer the event is unknown.
    let alone = LambdaEvent::new(sqs("orders", None, &["bad"]), context());
    assert_eq!(ship(alone).await.unwrap_err().to_string(), why.replace("1 of 2", "1 of 1"));
}

#[tokio::test]
async fn records_are_found_by_their_ids() {
    let reversed = |event: LambdaEvent<Value>| async move {
        let records = event.payload["Records"].as_array().cloned().unwrap_or_default().into_iter().rev();
        let id = |record: &Value| record["messageId"].as_str().unwrap_or_default().to_owned();
        let work = |record: Value| work(record["body"].as_str().unwrap_or_default().to_owned());
        Ok::<_, Error>(Records::new(&event.context, records.take(2)).identified_by(id).for_each(work).await?)
    };
    let event = invocation(sqs("orders", None, &["bad", "bad", "c"]), context());
    let (_, answer) = record(answer(observed(service_fn(reversed)), event)).await;
    assert_eq!(answer, failures(&["m1"]));
}

/// Lambda resumes the stream at the first record that the response names.
#[tokio::test]
async fn a_stream_resumes_at_its_first_failure() {
    let records = ["a", "bad", "b"].iter().enumerate().map(|(n, body)| {
        json!({
            "kinesis": {"partitionKey": body, "sequenceNumber": format!("s{n}"), "data": "e30=", "kinesisSchemaVersion": "1.0"},
            "eventSource": "aws:kinesis", "eventID": format!("shardId-000000000006:s{n}"), "body": body,
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
        })
    });
    let (seen, answer) = shipped(json!({"Records": records.collect::<Vec<_>>()})).await;
    assert_eq!(answer, failures(&["s1"]));
    assert_eq!(seen.spans("work").len(), 2);
    let records = ["a", "bad", "b"].iter().enumerate().map(|(n, body)| {
        json!({
            "eventID": n.to_string(), "eventSource": "aws:dynamodb", "eventName": "INSERT", "body": body,
            "dynamodb": {"SequenceNumber": format!("d{n}"), "Keys": {}},
            "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000",
        })
    });
    assert_eq!(shipped(json!({"Records": records.collect::<Vec<_>>()})).await.1, failures(&["d1"]));
}

/// Each partition resumes at its own first failure. JSON objects have no order, so records are found by their
/// ids.
#[tokio::test]
async fn each_partition_resumes_at_its_first_failure() {
    let kafka = |partition: u32, bodies: &[&str]| {
        let record = |(offset, body): (usize, &&str)| json!({"topic": "orders", "partition": partition, "offset": offset, "body": body, "value": "e30=", "headers": []});
        bodies.iter().enumerate().map(record).collect::<Vec<_>>()
    };
    let event = json!({"eventSource": "aws:kafka", "records": {
        "orders-0": kafka(0, &["a", "bad", "b"]), "orders-1": kafka(1, &["a"]), "orders-2": kafka(2, &["bad", "bad"]),
    }});
    let flat = |event: &Value| -> Vec<Value> {
        let partitions = event["records"].as_object().into_iter().flat_map(|p| p.values().rev());
        partitions.flat_map(|records| records.as_array().cloned().unwrap_or_default()).collect()
    };
    let id = |record: &Value| {
        format!("{}-{}-{}", record["topic"].as_str().unwrap_or_default(), record["partition"], record["offset"])
    };
    let body = |record: Value| work(record["body"].as_str().unwrap_or_default().to_owned());
    let ship = move |named: bool| {
        observed(service_fn(move |event: LambdaEvent<Value>| async move {
            let records = Records::new(&event.context, flat(&event.payload)).concurrency(2);
            let records = if named { records.identified_by(id) } else { records };
            Ok::<_, Error>(records.for_each(body).await?)
        }))
    };
    let (seen, told) = record(answer(ship(true), invocation(&event, context()))).await;
    let item = |partition, offset| json!({"itemIdentifier": {"partition": partition, "offset": offset}});
    let expected = json!({"batchItemFailures": [item("orders-0", 1), item("orders-2", 0)]});
    assert_eq!(told, Some(Answer::Value(expected)), "{}", seen.tree(&[]));
    let (_, told) = record(answer(ship(false), invocation(&event, context()))).await;
    assert!(matches!(told, Some(Answer::Error(_))), "in no order and without ids nobody knows: {told:?}");
}

/// Amazon MQ accepts no partial response, so the whole batch is delivered again.
#[tokio::test]
async fn sources_without_partial_responses_fail() {
    let message = |body: &str| json!({"basicProperties": {"headers": {}}, "data": "e30=", "body": body});
    let event = json!({"eventSource": "aws:rmq", "eventSourceArn": "arn:aws:mq:eu-west-1:123456789012:broker:b:b-1",
        "rmqMessagesByQueue": {"orders::/": [message("a"), message("bad")]}});
    let ship = |event: LambdaEvent<Value>| async move {
        let records = event.payload["rmqMessagesByQueue"]["orders::/"].as_array().cloned().unwrap_or_default();
        let body = |record: Value| work(record["body"].as_str().unwrap_or_default().to_owned());
        Ok::<_, Error>(for_each_record(&event.context, records, body).await?)
    };
    let (seen, told) = record(answer(observed(service_fn(ship)), invocation(event, context()))).await;
    let Some(Answer::Error(error)) = told else { panic!("{told:?}") };
    assert_eq!(error.error_message, "handle 1 of 2 records, and the source accepts no partial response");
    assert_eq!(seen.span("score").status, Some(spanbridge::Status::Error));
}
