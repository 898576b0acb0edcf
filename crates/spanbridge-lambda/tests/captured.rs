//! What is captured of events, responses and the records of batches: as much as the policy says, and nothing that
//! the hook has not seen.
#![cfg(feature = "runtime")]

#[path = "support/artifacts.rs"]
mod artifacts;
mod support;

use artifacts::captured;
use base64::prelude::{BASE64_STANDARD, Engine};
use futures_util::stream;
use lambda_runtime::streaming::Response;
use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::record::Record;
use spanbridge::{Memory, Recorder, Sampler, semconv};
use spanbridge_lambda::{
    CaptureMode, CapturePolicy, Event, FunctionOptions, InvocationMetadata, ReceiveOptions, Trust, for_each_record,
    handler, observed,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use support::{Answer, Recorded, answer, context, invocation, record};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ALL: CaptureMode = CaptureMode::Inline { max: 4096 };

fn all() -> CapturePolicy {
    CapturePolicy::from(ALL).headers(ALL)
}

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    match event.payload["do"].as_str() {
        Some("fail") => Err("no such order".into()),
        _ => Ok(json!({ "got": event.payload })),
    }
}

async fn scored(observe: FunctionOptions, payload: impl ToString) -> (Recorded, Option<Answer>) {
    record(answer(observed(service_fn(score)), (observe, invocation(payload, context())))).await
}

/// What a policy captures of an invocation with this payload.
async fn of(capture: impl Into<CapturePolicy>, payload: impl ToString) -> Vec<String> {
    captured(&scored(FunctionOptions::new().with(ReceiveOptions::new().capture(capture)), payload).await.0.0)
}

#[tokio::test]
async fn as_much_as_was_asked_for() {
    let event = json!({"order": 42, "__spanbridge": {"traceparent": PARENT}});
    assert_eq!(captured(&scored(FunctionOptions::new(), &event).await.0.0), [""; 0], "nobody asked");
    assert_eq!(of(CaptureMode::Off, &event).await, [""; 0]);
    assert_eq!(of(CapturePolicy::from(CaptureMode::Off).hashed().headers(ALL), &event).await, [""; 0]);
    // No attribute has the sizes.
    let sizes = ["score: input application/json 12 -", "score: output application/json 20 -"];
    assert_eq!(of(CaptureMode::Reference, &event).await, sizes);
    let hashed = of(CapturePolicy::default().hashed(), &event).await;
    assert_eq!(hashed, sizes.map(|size| size.replace(" -", " hashed -")));
    let (seen, answer) =
        scored(FunctionOptions::new().with(ReceiveOptions::new().capture(CaptureMode::Inline { max: 14 })), &event)
            .await;
    assert_eq!(
        captured(&seen.0),
        [r#"score: input application/json 12 {"order":42}"#, r#"score: output application/json 20 {"got":{"order"#]
    );
    assert_eq!(answer, Some(Answer::Value(json!({"got": {"order": 42}}))), "the caller gets what it would get");
    assert_eq!(of(ALL, json!({"do": "fail"})).await, [r#"score: input application/json 13 {"do":"fail"}"#]);
}

#[tokio::test]
async fn a_hook_sees_all_and_fails_closed() {
    let secret = json!({"card": "visa"});
    let redacted = all().redact(|part| {
        let text = String::from_utf8(part.bytes().to_vec())?;
        part.replace(text.replace("visa", "****"));
        Ok::<_, std::string::FromUtf8Error>(())
    });
    assert_eq!(
        of(redacted, &secret).await,
        [
            r#"score: input application/json 15 {"card":"****"}"#,
            r#"score: output application/json 23 {"got":{"card":"****"}}"#
        ]
    );
    let failed = ["score: redaction.failed", "score: redaction.failed"];
    assert_eq!(of(all().redact(|_| Err("visa")), &secret).await, failed);
    let panics = FunctionOptions::new()
        .with(ReceiveOptions::new().capture(all().redact(|_| -> Result<(), &str> { panic!("visa") })));
    let (seen, answer) = scored(panics, &secret).await;
    assert_eq!(captured(&seen.0), failed);
    assert!(!format!("{:?}", seen.0).contains("visa"), "nor anywhere else");
    assert_eq!(answer, Some(Answer::Value(json!({"got": secret}))));
}

#[tokio::test]
async fn a_request_has_headers() {
    let api = json!({
        "requestContext": {"stage": "prod"}, "httpMethod": "GET", "resource": "/orders",
        "headers": {"Authorization": "Bearer x", "Traceparent": PARENT, "BAGGAGE": "a=b", "x-n": 7, "tracestate": null},
    });
    let mut many = api.clone();
    many["multiValueHeaders"] = json!({"Accept": ["a", "b"], "traceparent": [PARENT], "Cookie": ["c=1"]});
    let only_headers = || CapturePolicy::from(CaptureMode::Off).headers(ALL);
    assert_eq!(
        of(only_headers(), &api).await,
        [r#"/orders: input.headers application/json 38 {"Authorization":"Bearer x","x-n":"7"}"#]
    );
    assert_eq!(
        of(only_headers(), &many).await,
        [r#"/orders: input.headers application/json 31 {"Accept":"a,b","Cookie":"c=1"}"#]
    );
    let hook = only_headers().redact(|part| {
        if part.header().is_some_and(|name| name.eq_ignore_ascii_case("authorization")) {
            part.replace("***")
        }
        Ok::<_, Error>(())
    });
    assert_eq!(
        of(hook, &api).await,
        [r#"/orders: input.headers application/json 33 {"Authorization":"***","x-n":"7"}"#]
    );
    // A caller may write anything.
    let direct = json!({"headers": {"a": "b"}});
    assert_eq!(of(only_headers(), &direct).await, [""; 0]);
}

#[tokio::test]
async fn streams_are_not_captured_or_held_back() {
    let chunks = |_: LambdaEvent<Value>| async {
        let chunks = stream::iter(["a", "b"].map(|text| Ok::<_, Error>(bytes::Bytes::from(text))));
        Ok::<_, Error>(Response::from(chunks))
    };
    let call = (FunctionOptions::new().with(ReceiveOptions::new().capture(all())), invocation("{}", context()));
    let (seen, answer) = record(answer(observed(service_fn(chunks)), call)).await;
    assert_eq!(answer, Some(Answer::Stream(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(captured(&seen.0), ["score: input application/json 2 {}"]);
}

#[handler]
async fn annotated(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

#[tokio::test]
async fn the_attribute_alone_does_not_see_the_answer() {
    let call = || (FunctionOptions::new().with(ReceiveOptions::new().capture(all())), invocation("{}", context()));
    let (seen, _) = record(answer(service_fn(annotated), call())).await;
    assert_eq!(captured(&seen.0), ["score: input application/json 2 {}"]);
    let (seen, _) = record(answer(observed(service_fn(annotated)), call())).await;
    assert_eq!(captured(&seen.0), ["score: input application/json 2 {}", "score: output application/json 2 {}"]);
}

/// A handler of this many records.
macro_rules! working {
    ($many:expr) => {{
        let many = $many;
        observed(service_fn(move |event: LambdaEvent<Value>| async move {
            for_each_record(&event.context, 0..many, |_| async {}).await.map_err(Error::from)
        }))
    }};
}

/// Handles an event with `for_each_record`.
async fn worked(observe: FunctionOptions, event: impl ToString) -> Vec<Record<'static>> {
    let event = event.to_string();
    let many = Event::read(event.as_bytes(), InvocationMetadata::new()).0.records().len();
    record(answer(working!(many), (observe, invocation(event, context())))).await.0.0
}

/// What is captured of the records of an event.
async fn of_records(capture: impl Into<CapturePolicy>, event: impl ToString) -> Vec<String> {
    let records = worked(FunctionOptions::new().with(ReceiveOptions::new().capture(capture)), event).await;
    captured(&records).into_iter().filter(|told| told.starts_with("process")).collect()
}

#[tokio::test]
async fn the_records_of_every_source() {
    let hidden = format!(r#"{{"__spanbridge":{{"traceparent":"{PARENT}"}},"order":42}}"#);
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    let field = json!({"M": {"traceparent": {"S": PARENT}}});
    let text = |value: &str| json!({"dataType": "String", "stringValue": value});
    let sns = |value: &str| json!({"Type": "String", "Value": value});
    let notification = json!({"MessageId": "m", "TopicArn": "a:b:orders", "Message": hidden,
        "MessageAttributes": {"tenant": sns("acme"), "traceparent": sns(PARENT)}});
    let events = [
        (
            json!({"Records": [
                {"eventSource": "aws:sqs", "eventSourceARN": "a:b:orders", "messageId": "1", "body": hidden,
                 "messageAttributes": {"tenant": text("acme"), "traceparent": text(PARENT),
                     "raw": {"dataType": "Binary", "binaryValue": "Nw=="}, "none": {"dataType": "String"}}},
                {"eventSource": "aws:sqs", "eventSourceARN": "a:b:orders", "messageId": "2", "body": "a \"b\" \u{fc}"},
                {"eventSource": "aws:sqs", "eventSourceARN": "a:b:orders", "messageId": "3"},
            ]}),
            vec![
                r#"process orders: input application/octet-stream # {"order":42}"#,
                r#"process orders: input.headers application/json # {"none":"{\"dataType\":\"String\"}","raw":"7","tenant":"acme"}"#,
                r#"process orders: input application/octet-stream # a "b" ü"#,
                "process orders: input.headers application/json # {}",
                "process orders: input.headers application/json # {}",
            ],
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns", "Sns": notification}, {"EventSource": "aws:sns"}]}),
            vec![
                r#"process orders: input application/octet-stream # {"order":42}"#,
                r#"process orders: input.headers application/json # {"tenant":"acme"}"#,
                "process: input.headers application/json # {}",
            ],
        ),
        (
            json!({"Records": [
                {"eventSource": "aws:kinesis", "eventSourceARN": "a/orders", "kinesis": {"data": base64(&hidden)}},
                {"eventSource": "aws:kinesis", "eventSourceARN": "a/orders", "kinesis": {"data": "?"}},
            ]}),
            vec![r#"process orders: input application/octet-stream # {"order":42}"#],
        ),
        (
            json!({"Records": [{"eventSource": "aws:dynamodb", "eventSourceARN": "a/orders/b", "dynamodb": {
                "NewImage": {"__spanbridge": field, "id": {"N": "1"}}, "OldImage": {"id": {"N": "1"}, "__spanbridge": field},
            }}]}),
            vec![
                r#"process orders: input application/json # {"NewImage":{"id":{"N":"1"}},"OldImage":{"id":{"N":"1"}}}"#,
            ],
        ),
        (
            json!({"eventSource": "aws:kafka", "records": {"orders-0": [
                {"topic": "orders", "partition": 0, "offset": 1, "value": base64(&hidden),
                 "headers": [{"tenant": [97, 99, 109, 101]}, {"tenant": [-61, -68]}, {"traceparent": [48, 48]}]},
                {"topic": "orders", "partition": 0, "offset": 2, "value": null, "headers": []},
            ]}}),
            vec![
                r#"process orders: input application/octet-stream # {"order":42}"#,
                r#"process orders: input.headers application/json # {"tenant":"acme","tenant":"ü"}"#,
                "process orders: input.headers application/json # {}",
            ],
        ),
        (
            json!({"eventSource": "aws:rmq", "rmqMessagesByQueue": {"orders::/": [{
                "basicProperties": {"contentType": "text/x-order", "headers": {
                    "tenant": {"bytes": [97, 99, 109, 101]}, "n": 7, "traceparent": {"bytes": [48]}}},
                "data": base64("42"),
            }]}}),
            vec![
                "process orders: input text/x-order # 42",
                r#"process orders: input.headers application/json # {"n":"7","tenant":"acme"}"#,
            ],
        ),
        (
            json!({"eventSource": "aws:mq", "messages": [{
                "destination": {"physicalName": "orders"}, "data": base64("42"),
                "properties": {"tenant": "acme", "baggage": "a=b", "JMSXDeliveryCount": "3"},
            }]}),
            vec![
                "process orders: input application/octet-stream # 42",
                r#"process orders: input.headers application/json # {"JMSXDeliveryCount":"3","tenant":"acme"}"#,
            ],
        ),
    ];
    for (event, expected) in events {
        let sized = |told: &str| {
            let (before, all) = told.split_once('#').unwrap();
            format!("{before}{}{all}", all.len() - 1)
        };
        let expected: Vec<_> = expected.into_iter().map(sized).collect();
        assert_eq!(of_records(all(), &event).await, expected);
        assert_eq!(of_records(CaptureMode::Reference, &event).await, [""; 0], "its size is an attribute");
        let fails = of_records(all().redact(|_| Err("no")), &event).await;
        assert!(fails.iter().all(|told| told.contains("redaction.failed") || told.ends_with(" {}")), "{fails:?}");
    }
}

/// Checked with every event of the corpus.
#[tokio::test]
async fn our_headers_are_never_captured() {
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for file in std::fs::read_dir("tests/events").unwrap() {
        let file = file.unwrap().path();
        let Some(event) = std::fs::read_to_string(&file).ok().filter(|_| file.extension().is_some_and(|e| e == "json"))
        else {
            continue;
        };
        for told in of_records(all(), &event).await {
            let kind = told.split(' ').find(|word| word.starts_with("input")).unwrap().to_owned();
            *kinds.entry(kind).or_default() += 1;
            // Except where a whole SNS notification is the body of an SQS message.
            let is_nested = told.contains(r#""TopicArn""#) || told.contains(r#"\"TopicArn\""#);
            let is_ours = [r#""__spanbridge":"#, r#""traceparent":"#].iter().any(|name| told.contains(name));
            assert!(is_nested || !is_ours, "{file:?} {told}");
        }
    }
    assert!(kinds["input"] > 30 && kinds["input.headers"] > 30, "{kinds:?}");
}

#[tokio::test]
async fn off_tells_no_size() {
    let event = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "42"}]});
    for (observe, size) in [
        (FunctionOptions::new(), "2"),
        (FunctionOptions::new().with(ReceiveOptions::new().capture(CaptureMode::Reference)), "2"),
        (FunctionOptions::new().with(ReceiveOptions::new().capture(ALL)), "2"),
        (FunctionOptions::new().with(ReceiveOptions::new().capture(CaptureMode::Off)), ""),
        (
            FunctionOptions::new()
                .with(ReceiveOptions::new().capture(CapturePolicy::from(CaptureMode::Off).headers(ALL))),
            "",
        ),
    ] {
        let seen = Recorded(worked(observe.clone(), &event).await);
        assert_eq!(seen.span("process").get(semconv::MESSAGING_BODY_SIZE), size, "{observe:?}");
    }
}

/// A hook that counts its calls.
fn counting() -> (FunctionOptions, Arc<AtomicUsize>) {
    let shown = Arc::<AtomicUsize>::default();
    let count = shown.clone();
    let hook = all().redact(move |_| {
        count.fetch_add(1, Relaxed);
        Ok::<_, Error>(())
    });
    (FunctionOptions::new().with(ReceiveOptions::new().capture(hook)), shown)
}

#[tokio::test]
async fn nobody_looks_at_what_is_not_recorded() {
    let event = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "42"}]});
    let (observe, shown) = counting();
    let call = || (observe.clone(), invocation(&event, context()));
    answer(working!(1), call()).await; // without a recorder
    let memory = Memory::new();
    let unsampled = Recorder::builder("lambda").sink(memory.clone()).sampler(Sampler::ratio(0.0)).build().unwrap();
    unsampled.scope(|| answer(working!(1), call())).await;
    assert_eq!((shown.load(Relaxed), captured(&memory.records()).len()), (0, 0));
    record(answer(working!(1), call())).await;
    assert_eq!(shown.load(Relaxed), 3, "the event, the message, and the answer");
}

/// A message from a sampled sender, in a batch that is not sampled.
#[tokio::test]
async fn a_record_is_captured_by_itself() {
    let message = |n: u32, flags: &str| {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{n:016x}-{flags}");
        json!({"eventSource": "aws:sqs", "messageId": n.to_string(), "body": n.to_string(),
            "messageAttributes": {"traceparent": {"dataType": "String", "stringValue": parent}}})
    };
    let event = json!({"Records": [message(1, "01"), message(2, "00")]});
    let memory = Memory::new();
    let recorder =
        Recorder::builder("lambda").sink(memory.clone()).sampler(Sampler::parent_based(0.0)).build().unwrap();
    let call = (FunctionOptions::new().with(ReceiveOptions::new().capture(ALL)), invocation(&event, context()));
    recorder.scope(|| answer(working!(2), call)).await;
    assert_eq!(captured(&memory.records()), ["process: input application/octet-stream 1 1"]);
}

/// Options made for any consumer work for functions, too.
#[tokio::test]
async fn receiving_is_taken_as_a_whole() {
    let receiving = |capture: Option<CapturePolicy>| {
        let options = ReceiveOptions::new().trust(Trust::Ignore);
        match capture {
            Some(capture) => options.capture(capture),
            None => options,
        }
    };
    let event = json!({"order": 42, "headers": {"traceparent": PARENT}});
    for (capture, expected) in [
        (Some(all()), vec!["score: input application/json", "score: output application/json"]),
        (Some(CaptureMode::Off.into()), vec![]),
        (None, vec![]),
    ] {
        let (recorded, _) = scored(FunctionOptions::new().with(receiving(capture)), &event).await;
        let told = captured(&recorded.0);
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert!(told.iter().zip(expected).all(|(told, expected)| told.starts_with(expected)), "{told:?}");
        assert_eq!(recorded.span("score").parent, None, "the caller is not believed");
    }
}

/// The path and user agent of a request, and the text of the handler's error.
#[tokio::test]
async fn values_and_errors_go_by_the_policy() {
    const SECRET: &str = "amelie@example.org";
    let event = json!({
        "requestContext": {"http": {"method": "GET"}, "apiId": "a"},
        "rawPath": format!("/users/{SECRET}"),
        "headers": {"User-Agent": SECRET},
    });
    let fail = |_: LambdaEvent<Value>| async { Err::<Value, Error>(SECRET.into()) };
    let panics = |_: LambdaEvent<Value>| async { panic!("{SECRET}") as Result<Value, Error> };
    let starred = CapturePolicy::default().redact(|part| {
        part.replace("***");
        Ok::<_, std::convert::Infallible>(())
    });
    for (capture, left) in [
        (CapturePolicy::default(), Some(SECRET)),
        (CaptureMode::Off.into(), None),
        (starred, Some("***")),
        (CapturePolicy::default().redact(|_| Err("no")), None),
    ] {
        let observe = || FunctionOptions::new().with(ReceiveOptions::new().capture(capture.clone()));
        let (failed, _) = record(answer(observed(service_fn(fail)), (observe(), invocation(&event, context())))).await;
        let (panicked, _) =
            record(answer(observed(service_fn(panics)), (observe(), invocation(&event, context())))).await;
        for (seen, end) in [(failed, "error"), (panicked, "panic")] {
            let records = format!("{:?}", seen.0);
            let spans = spanbridge::conformance::spans(&seen.0);
            let span = spans.iter().find(|span| span.primitive == "function.handle").expect(end);
            let path = span.get(semconv::URL_PATH);
            assert_eq!(
                path,
                left.map_or("".into(), |left| if left == SECRET { format!("/users/{SECRET}") } else { left.into() })
            );
            assert_eq!(span.get(semconv::USER_AGENT_ORIGINAL), left.unwrap_or_default());
            assert_eq!(span.error.split(", at ").next().unwrap(), left.unwrap_or_default(), "{end} {capture:?}");
            assert!(!span.get(semconv::ERROR_TYPE).is_empty(), "{end}");
            // With a policy, the event is recorded by its size.
            assert_eq!(records.contains(SECRET), left == Some(SECRET), "{end} {capture:?}");
        }
    }
}

/// With `Whole`, an event and its response are recorded to their last byte, and what comes beside the event.
#[tokio::test]
async fn an_invocation_can_be_made_again() {
    let event = json!({"order": "x".repeat(100_000)}).to_string();
    let mut context = context();
    context.request_id = "r-1".to_owned();
    context.deadline += 1_000_000;
    context.xray_trace_id = Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned());
    context.tenant_id = Some("t".to_owned());
    context.client_context =
        serde_json::from_value(json!({"custom": {"card": "4111"}, "environment": {"a": "b"}})).unwrap();
    context.identity = serde_json::from_value(json!({"identityId": "i", "identityPoolId": "p"})).unwrap();
    let whole = CapturePolicy::from(CaptureMode::Whole { max: 1 << 20 });
    let record_with = async |policy: CapturePolicy| {
        let options = FunctionOptions::new().with(ReceiveOptions::new().capture(policy));
        let call = (options, invocation(&event, context.clone()));
        record(answer(observed(service_fn(score)), call)).await.0.0
    };
    let all = captured(&record_with(whole.clone()).await);
    assert_eq!(all.len(), 3);
    let found = |kind: &str| {
        let one = all.iter().find(|one| one.starts_with(&format!("score: {kind} application/json "))).unwrap();
        one.splitn(5, ' ').nth(4).unwrap().to_owned()
    };
    assert!(found("input") == event && found("output") == format!(r#"{{"got":{event}}}"#));
    let properties: Value = serde_json::from_str(&found("input.properties")).unwrap();
    let mut client = serde_json::to_value(&context.client_context).unwrap();
    let of_context = json!({
        "requestId": "r-1", "deadline": context.deadline, "invokedFunctionArn": context.invoked_function_arn,
        "xrayTraceId": "Root=1-5759e988-bd862e3fe1be46a994272793", "clientContext": client,
        "identity": {"identityId": "i", "identityPoolId": "p"}, "tenantId": "t",
    });
    assert_eq!(properties, json!({"transport": "lambda", "context": of_context}));

    // The hook decides about each value.
    client["custom"]["card"] = "***".into();
    let shown = client.to_string();
    let hides = whole.clone().redact(move |part| {
        if part.header() == Some("clientContext") {
            part.replace(shown.clone())
        }
        Ok::<_, std::convert::Infallible>(())
    });
    let records = captured(&record_with(hides).await);
    assert!(!records.iter().any(|one| one.contains("4111")) && records.iter().any(|one| one.contains("***")));
    let fails = whole.redact(|part| if part.header() == Some("identity") { Err("no") } else { Ok(()) });
    let records = captured(&record_with(fails).await);
    assert!(records.iter().any(|one| one == "score: redaction.failed"), "{records:?}");
    assert!(!records.iter().any(|one| one.contains("input.properties")));
}
