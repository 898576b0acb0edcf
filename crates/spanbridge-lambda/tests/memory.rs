//! Callers choose the event. Reading it and capturing its records takes a small multiple of its size and a few
//! megabytes, whatever it holds. An allocator counts, so this is a process of its own.

#[path = "support/peak.rs"]
mod peak;
mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use peak::peak;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use spanbridge_lambda::__private::bodies;
use spanbridge_lambda::{
    CaptureMode, CapturePolicy, Event, FunctionOptions, InvocationMetadata, ReceiveOptions, Source, for_each_record,
};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use support::{Answer, answer, context, invocation, record};

const MIB: usize = 1 << 20;
/// A third of what Lambda accepts.
const SIZE: usize = 2 * MIB;
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The allocator counts for the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Repeats a string up to about this length.
fn fill(size: usize, unit: &str) -> String {
    unit.repeat(size / unit.len())
}

/// Events of nearly the largest size, with many tiny parts or one large part.
fn hostile(size: usize) -> Vec<(&'static str, Source, String)> {
    let of = |source: &str, rest: &str| format!(r#"{{"order":1,"Records":[{{"eventSource":"{source}"}}{rest}]}}"#);
    let (zeros, objects) = (fill(size, ",0"), fill(size, ",{}"));
    let (bytes, members) = (&fill(size, "0,")[1..], &fill(size, r#","":0"#)[1..]);
    let text = "x".repeat(size);
    let mut nested = "x".repeat(size) + "\n";
    for _ in 0..4 {
        nested = json!({"TopicArn": "t", "Message": nested}).to_string();
    }
    // The longest accepted names, over as many records as there is room for.
    let name = "n".repeat(260);
    let offsets = fill(size, r#",{"offset":1}"#);
    let (listed, listed_names) = (fill(size, r#","""#), fill(size, r#","traceparent":"x""#));
    let header = |name: &str| json!({"headers": {name: text}}).to_string();
    let sqs_body = |body: &str| json!({"Records": [{"eventSource": "aws:sqs", "body": body}]}).to_string();
    vec![
        ("zeros of SQS", Source::Sqs, of("aws:sqs", &zeros)),
        ("objects of SQS", Source::Sqs, of("aws:sqs", &objects)),
        ("zeros of SNS", Source::Sns, of("aws:sns", &zeros)),
        ("objects of SNS", Source::Sns, of("aws:sns", &objects)),
        ("zeros of Kinesis", Source::Kinesis, of("aws:kinesis", &zeros)),
        ("objects of Kinesis", Source::Kinesis, of("aws:kinesis", &objects)),
        ("zeros of DynamoDB", Source::DynamoDb, of("aws:dynamodb", &zeros)),
        ("objects of DynamoDB", Source::DynamoDb, of("aws:dynamodb", &objects)),
        ("zeros of S3", Source::S3, of("aws:s3", &zeros)),
        ("zeros of nobody", Source::Direct, of("nobody", &zeros)),
        ("an array of zeros", Source::Direct, format!("[0{zeros}]")),
        ("an array of a pipe", Source::Sqs, format!(r#"[{{"eventSource":"aws:sqs"}}{objects}]"#)),
        ("a pipe of Kafka", Source::Kafka, format!(r#"[{{"eventSource":"aws:kafka"}}{objects}]"#)),
        (
            "one group of Kafka",
            Source::Kafka,
            format!(r#"{{"eventSource":"aws:kafka","records":{{"a-0":[0{zeros}]}}}}"#),
        ),
        (
            "a long group",
            Source::Kafka,
            format!(
                r#"{{"eventSource":"aws:kafka","records":{{"{}-0":[0{}]}}}}"#,
                &text[..size / 2],
                &zeros[..size / 2]
            ),
        ),
        ("long topics", Source::Kafka, format!(r#"{{"eventSource":"aws:kafka","records":{{"{name}":[0{offsets}]}}}}"#)),
        ("groups of Kafka", Source::Kafka, format!(r#"{{"eventSource":"aws:kafka","records":{{{members}}}}}"#)),
        (
            "a header of Kafka",
            Source::Kafka,
            format!(
                r#"{{"eventSource":"aws:kafka","records":{{"a-0":[{{"headers":[{{"traceparent":[{bytes}0]}}]}}]}}}}"#
            ),
        ),
        (
            "headers of Kafka",
            Source::Kafka,
            format!(r#"{{"eventSource":"aws:kafka","records":{{"a-0":[{{"headers":[0{objects}]}}]}}}}"#),
        ),
        (
            "names of headers of Kafka",
            Source::Kafka,
            format!(r#"{{"eventSource":"aws:kafka","records":{{"a-0":[{{"headers":[{{{members}}}]}}]}}}}"#),
        ),
        ("a queue of RabbitMQ", Source::RabbitMq, format!(r#"{{"rmqMessagesByQueue":{{"a::/":[0{objects}]}}}}"#)),
        (
            "a long queue",
            Source::RabbitMq,
            format!(r#"{{"rmqMessagesByQueue":{{"{}::/":[0{}]}}}}"#, &text[..size / 2], &zeros[..size / 2]),
        ),
        (
            "headers of RabbitMQ",
            Source::RabbitMq,
            format!(r#"{{"rmqMessagesByQueue":{{"a::/":[{{"basicProperties":{{"headers":{{{members}}}}}}}]}}}}"#),
        ),
        (
            "deaths of RabbitMQ",
            Source::RabbitMq,
            format!(
                r#"{{"rmqMessagesByQueue":{{"a::/":[{{"basicProperties":{{"headers":{{"x-death":[0{objects}]}}}}}}]}}}}"#
            ),
        ),
        ("messages of ActiveMQ", Source::ActiveMq, format!(r#"{{"eventSource":"aws:mq","messages":[0{objects}]}}"#)),
        (
            "properties of ActiveMQ",
            Source::ActiveMq,
            format!(r#"{{"eventSource":"aws:mq","messages":[{{"properties":{{{members}}}}}]}}"#),
        ),
        ("a list of values", Source::Direct, format!(r#"{{"multiValueHeaders":{{"traceparent":["x"{listed}]}}}}"#)),
        (
            "a list of baggage",
            Source::Direct,
            format!(r#"{{"multiValueHeaders":{{"traceparent":"{PARENT}","baggage":["x"{listed}]}}}}"#),
        ),
        ("headers", Source::Direct, format!(r#"{{"headers":{{{members}}}}}"#)),
        ("many of a name", Source::Direct, format!(r#"{{"headers":{{"a":1{listed_names}}}}}"#)),
        ("a long traceparent", Source::Direct, header("traceparent")),
        ("a long header of X-Ray", Source::Direct, header("X-Amzn-Trace-Id")),
        ("a long user agent", Source::Direct, header("User-Agent")),
        (
            "long lists",
            Source::Direct,
            format!(
                r#"{{"headers":{{"traceparent":"{PARENT}","tracestate":"{}","baggage":"{}"}}}}"#,
                fill(size / 2, "a=1,"),
                fill(size / 2, "a=1,")
            ),
        ),
        ("hidden fields", Source::Direct, format!("{{{}}}", &fill(size, r#","__spanbridge":0"#)[1..])),
        ("names in a hidden field", Source::Direct, format!(r#"{{"a":1,"__spanbridge":{{{members}}}}}"#)),
        ("a long id", Source::Sqs, format!(r#"{{"Records":[{{"eventSource":"aws:sqs","messageId":"{text}"}}]}}"#)),
        ("a body that holds bodies", Source::Sqs, sqs_body(&nested[..size.min(nested.len())])),
        ("a body of records", Source::Sqs, sqs_body(&of("aws:sqs", &zeros))),
        (
            "attributes of SQS",
            Source::Sqs,
            format!(r#"{{"Records":[{{"eventSource":"aws:sqs","messageAttributes":{{{members}}}}}]}}"#),
        ),
        (
            "a message that holds messages",
            Source::Sns,
            json!({"Records": [{"eventSource": "aws:sns", "Sns": {"Message": nested}}]}).to_string(),
        ),
        (
            "data of Kinesis",
            Source::Kinesis,
            format!(r#"{{"Records":[{{"eventSource":"aws:kinesis","kinesis":{{"data":"{}"}}}}]}}"#, fill(size, "AAAA")),
        ),
        (
            "an image of DynamoDB",
            Source::DynamoDb,
            format!(r#"{{"Records":[{{"eventSource":"aws:dynamodb","dynamodb":{{"NewImage":{{{members}}}}}}}]}}"#),
        ),
        (
            "a detail",
            Source::EventBridge,
            format!(r#"{{"source":"a","detail-type":"b","detail":{{"Records":[0{zeros}]}}}}"#),
        ),
        (
            "what was sent on",
            Source::Direct,
            format!(r#"{{"requestContext":{{}},"requestPayload":{{"Records":[0{zeros}]}}}}"#),
        ),
    ]
}

/// As large as Lambda's largest.
fn real() -> Vec<(&'static str, Source, String)> {
    let attribute = json!({"traceparent": {"stringValue": PARENT, "dataType": "String"}});
    let message = |n: usize| {
        json!({
            "messageId": format!("059f36b4-87a3-44ab-83d2-{n:012}"),
            "receiptHandle": "r".repeat(180),
            "body": "{}",
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
            "messageAttributes": attribute,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:orders",
        })
    };
    let header: Vec<_> = PARENT.bytes().collect();
    let record = |n: usize| {
        json!({"topic": "orders", "partition": 0, "offset": n, "timestamp": 1545084650987u64, "value": "e30=",
            "headers": [{"traceparent": header}]})
    };
    let sqs: Vec<_> = (0..10_000).map(message).collect();
    let kafka: Vec<_> = (0..10_000).map(record).collect();
    vec![
        ("messages", Source::Sqs, json!({ "Records": sqs }).to_string()),
        ("records", Source::Kafka, json!({"eventSource": "aws:kafka", "records": {"orders-0": kafka}}).to_string()),
    ]
}

/// Reads every event, and returns those that took more memory than allowed.
fn too_much(
    events: impl FnOnce() -> Vec<(&'static str, Source, String)>,
    allowed: impl Fn(usize) -> usize,
    work: impl Fn(&str) -> Source,
) -> String {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = String::new();
    for (name, source, event) in events() {
        let (peak, read) = peak(|| work(&event));
        assert_eq!(read, source, "{name}");
        if peak > allowed(event.len()) {
            writeln!(told, "{name}: {} KiB for {} KiB", peak / 1024, event.len() / 1024).unwrap()
        }
    }
    told
}

/// The allowed memory: a few times the event's size, because nested strings are copied, and room for 10,000 records.
fn allowed(size: usize) -> usize {
    8 * size + 8 * MIB
}

#[test]
fn reading_an_event() {
    let read = |event: &str| Event::read(event.as_bytes(), InvocationMetadata::new()).0.source();
    assert_eq!(too_much(|| hostile(SIZE), allowed, read), "");
    assert_eq!(too_much(|| hostile(64 << 10), allowed, read), "");
    assert_eq!(too_much(real, |size| size + 6 * MIB, read), "");
}

#[test]
fn looking_at_its_records() {
    let look = |event: &str| {
        let source = Event::read(event.as_bytes(), InvocationMetadata::new()).0.source();
        // A million records leave almost nothing behind.
        assert!(bodies(source, event.as_bytes()).len() <= 10_000);
        source
    };
    assert_eq!(too_much(|| hostile(SIZE), allowed, look), "");
}

/// Everything at once: an invocation whose records are captured one by one, and are events with many records.
#[test]
fn an_invocation_that_captures() {
    let all = CaptureMode::Inline { max: 512 };
    let handle = |event: &str| {
        let (read, _) = Event::read(event.as_bytes(), InvocationMetadata::new());
        let count = read.records().len();
        let handler = service_fn(move |event: LambdaEvent<IgnoredAny>| async move {
            let done = for_each_record(&event.context, vec![(); count], |()| async {}).await?;
            assert!(done.is_empty());
            Ok::<_, Error>(())
        });
        let observe = FunctionOptions::new().with(ReceiveOptions::new().capture(CapturePolicy::from(all).headers(all)));
        let call = (observe, invocation(event, context()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (recorded, answer) = runtime.block_on(record(answer(handler, call)));
        assert_eq!(answer, Some(Answer::Value(Value::Null)));
        assert!(recorded.span("score").id.is_some());
        read.source()
    };
    let body = |n: usize| format!(r#"{{"Records":[{{"eventSource":"aws:sqs"}}{}]}}"#, fill(n, ",0"));
    let of = |count: usize, body: String| {
        let records = vec![json!({"eventSource": "aws:sqs", "messageId": "1", "body": body}); count];
        json!({ "Records": records }).to_string()
    };
    let detail = format!(r#"{{"source":"a","detail-type":"b","detail":{}}}"#, body(MIB));
    let events = || {
        vec![
            ("one of a megabyte", Source::Sqs, of(1, body(MIB))),
            ("five of a megabyte", Source::Sqs, of(5, body(MIB))),
            ("five of EventBridge", Source::Sqs, of(5, detail.clone())),
        ]
    };
    assert_eq!(too_much(events, |size| allowed(size) + 8 * MIB, handle), "");
}
