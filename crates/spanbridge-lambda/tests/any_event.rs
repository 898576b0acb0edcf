//! Any event is read without a panic, and nothing in it is lost.

#[path = "support/hidden.rs"]
mod hidden;

use hidden::without_hidden;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use spanbridge_lambda::{Event, InvocationMetadata, Source};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Names and strings with a meaning in some event.
const WORDS: &[&str] = &[
    "Records",
    "eventSource",
    "EventSource",
    "eventSourceARN",
    "aws:sqs",
    "aws:sns",
    "aws:kinesis",
    "aws:dynamodb",
    "aws:s3",
    "aws:kafka",
    "aws:rmq",
    "aws:mq",
    "aws:amq",
    "eventSourceKey",
    "requestPayload",
    "ExecutedVersion",
    "Payload",
    "SelfManagedKafka",
    "messageId",
    "attributes",
    "messageAttributes",
    "body",
    "AWSTraceHeader",
    "ApproximateReceiveCount",
    "SentTimestamp",
    "MessageGroupId",
    "stringValue",
    "binaryValue",
    "Sns",
    "MessageId",
    "TopicArn",
    "MessageAttributes",
    "Message",
    "Type",
    "Value",
    "Binary",
    "records",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "headers",
    "value",
    "rmqMessagesByQueue",
    "basicProperties",
    "bytes",
    "x-death",
    "x-delivery-count",
    "queue",
    "count",
    "messages",
    "messageID",
    "destination",
    "physicalName",
    "properties",
    "redelivered",
    "data",
    "kinesis",
    "sequenceNumber",
    "eventID",
    "approximateArrivalTimestamp",
    "dynamodb",
    "NewImage",
    "OldImage",
    "M",
    "S",
    "requestContext",
    "elb",
    "http",
    "stage",
    "domainName",
    "multiValueHeaders",
    "routeKey",
    "resource",
    "httpMethod",
    "path",
    "detail-type",
    "detail",
    "source",
    "aws.events",
    "Scheduled Event",
    "s3",
    "bucket",
    "object",
    "key",
    "name",
    "eventName",
    "awslogs",
    "request",
    "__spanbridge",
    "traceparent",
    "tracestate",
    "baggage",
    "x-amzn-trace-id",
    PARENT,
    "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
    "orders::/",
    "orders-0",
    "GET /",
    "arn:aws:sqs:eu-west-1:123456789012:orders",
    "{\"__spanbridge\":{\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"}}",
];

fn words() -> impl Strategy<Value = String> {
    prop_oneof![8 => prop::sample::select(WORDS).prop_map(str::to_owned), 1 => ".{0,12}"]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-300..300i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
        vec(-130..260i64, 0..60).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((words(), inner), 0..8).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Events of the corpus with some values replaced by arbitrary ones.
fn mutated() -> impl Strategy<Value = Value> {
    let folder = "tests/events";
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    let events: Vec<Value> =
        files.iter().map(|f| serde_json::from_slice(&std::fs::read(f).unwrap()).unwrap()).collect();
    (prop::sample::select(events), vec((any::<prop::sample::Index>(), values()), 1..4)).prop_map(
        |(mut event, changes)| {
            for (place, value) in changes {
                let mut all = Vec::new();
                places(&event, String::new(), &mut all);
                *event.pointer_mut(place.get(&all).as_str()).unwrap() = value;
            }
            event
        },
    )
}

fn places(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| places(v, format!("{at}/{i}"), all)),
        Value::Object(members) => {
            let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
            members.iter().for_each(|(name, v)| places(v, format!("{at}/{}", escaped(name)), all))
        }
        _ => {}
    }
    all.push(at)
}

fn check(sent: &Value) {
    let bytes = sent.to_string().into_bytes();
    let (event, payload) = Event::read(&bytes, InvocationMetadata::new());
    let expected: Value = serde_json::from_slice(&bytes).unwrap(); // not `sent`: numbers may lose a digit
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), without_hidden(expected, event.source()));
    if let Some(all) = sent.as_array() {
        // From a pipe, or from no known source.
        assert!([0, all.len()].contains(&event.records().len()));
        return;
    }
    let count = |name: &str| sent.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    match event.source() {
        Source::Sqs | Source::Kinesis | Source::DynamoDb => assert_eq!(event.records().len(), count("Records")),
        Source::Sns if count("Records") == 1 => assert!(event.records().is_empty()),
        Source::Sns => assert_eq!(event.records().len(), count("Records")),
        Source::ActiveMq => assert_eq!(event.records().len(), count("messages")),
        Source::Kafka | Source::RabbitMq => {
            let name = if event.source() == Source::Kafka { "records" } else { "rmqMessagesByQueue" };
            let lists = sent[name].as_object().unwrap().values();
            assert_eq!(event.records().len(), lists.filter_map(Value::as_array).map(Vec::len).sum::<usize>());
        }
        _ => assert!(event.records().is_empty()),
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300), xray: Option<String>) {
        let (event, payload) = Event::read(&bytes, InvocationMetadata::new().xray(xray.as_deref()));
        prop_assert_eq!(event.source(), Source::Direct);
        prop_assert_eq!(&*payload, &*bytes);
    }

    #[test]
    fn any_json(value in values()) {
        check(&value)
    }

    #[test]
    fn any_event_with_anything_in_it(value in mutated()) {
        check(&value)
    }

    #[test]
    fn one_bad_record_hides_no_other(bad in vec(values(), 0..4), at in 0..5usize) {
        let attributes = json!({"traceparent": {"stringValue": PARENT, "dataType": "String"}});
        let good = json!({"eventSource": "aws:sqs", "messageId": "good", "messageAttributes": attributes});
        let mut records = bad;
        let names_another = |record: &Value| ["eventSource", "EventSource"].iter().any(|name| record.get(name).is_some());
        records.retain(|record| !names_another(record));
        let at = at.min(records.len());
        records.insert(at, good);
        let count = records.len();
        let event = json!({ "Records": records }).to_string();
        let (event, _) = Event::read(event.as_bytes(), InvocationMetadata::new());
        prop_assert_eq!((event.source(), event.records().len()), (Source::Sqs, count));
        let record = &event.records()[at];
        prop_assert_eq!(&*record.id, "good");
        prop_assert_eq!(record.carried.context.trace_parent().unwrap().to_string(), PARENT);
    }
}

/// Lambda accepts 6 MiB and any nesting; neither takes long or much of the stack.
#[test]
fn hostile_sizes() {
    let deep = |n: usize| format!("{{\"Records\":{}{}}}", "[".repeat(n), "]".repeat(n));
    let wide = format!("{{\"Records\":[{}{{}}]}}", r#"{"eventSource":"aws:sqs"},"#.repeat(200_000));
    let long =
        format!(r#"{{"headers":{{"traceparent":"{}","baggage":"{}"}}}}"#, "0".repeat(3 << 20), "k=v,".repeat(500_000));
    let many = format!(r#"{{"headers":{{{}"traceparent":"{PARENT}"}}}}"#, r#""traceparent":"x","#.repeat(200_000));
    let nested =
        format!(r#"{{"Records":[{{"eventSource":"aws:sqs","body":{}}}]}}"#, json!(deep(1 << 20) + "traceparent"));
    for (payload, records, found) in
        [(deep(3 << 20), 0, false), (wide, 10_000, false), (long, 0, false), (many, 0, true), (nested, 1, false)]
    {
        let (event, unchanged) = Event::read(payload.as_bytes(), InvocationMetadata::new());
        assert_eq!(event.records().len(), records);
        let problems: Vec<_> = event.carried().problems.iter().map(ToString::to_string).collect();
        let cut = "event: it has 200001 records, of which the first 10000 were read".to_owned();
        assert_eq!(problems.contains(&cut), records == 10_000);
        assert_eq!(!event.carried().context.is_empty(), found);
        assert!(*unchanged == *payload.as_bytes());
    }
}
