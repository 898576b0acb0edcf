//! `POST /v1/traces`.

use crate::support::{Answer, Serving, gzip, lines};
use serde_json::{Value, json};
use spanbridge::{SpanId, TraceId};
use spanbridge_otel::otlp::model::{AnyValue, KeyValue, Resource, Scope, Span};
use spanbridge_otel::otlp::{json as otlp_json, protobuf};
use spanbridge_otel::spans;
use spanbridge_query::{RunFilter, Store};
use std::time::{Duration, Instant};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

fn spans_of(trace: u128, count: u64) -> Vec<Span<'static>> {
    let span = |number: u64| {
        let mut span = Span::new(TraceId::new(trace).unwrap(), SpanId::new(number + 1).unwrap());
        span.parent_span_id = SpanId::new(number);
        span.name = format!("step {number}").into();
        span.start_time = 1_790_000_000_000_000_000 + number;
        span.end_time = span.start_time + 9;
        span.attributes = vec![
            KeyValue::new("shelf", 7_i64),
            KeyValue::new("note", "é\n"),
            KeyValue::new("list", AnyValue::Array(vec![AnyValue::I64(1), AnyValue::Bool(true)])),
        ];
        span
    };
    (0..count).map(span).collect()
}

fn request(media: &str, service: &'static str, spans: &[Span<'_>]) -> Vec<u8> {
    let resource = Resource { attributes: vec![KeyValue::new("service.name", service)] };
    request_of(media, &resource, spans)
}

fn request_of(media: &str, resource: &Resource<'_>, spans: &[Span<'_>]) -> Vec<u8> {
    let (mut body, mut request, scope) = (Vec::new(), Vec::new(), Scope::default());
    if media == JSON {
        spans.iter().for_each(|span| otlp_json::write_span(span, &mut body));
        otlp_json::write_request(resource, &scope, &body, &mut request);
    } else {
        spans.iter().for_each(|span| protobuf::write_span(span, &mut body));
        protobuf::write_request(resource, &scope, &body, &mut request);
    }
    request
}

fn send(serving: &Serving, media: &str, body: &[u8]) -> Answer {
    serving.post("/v1/traces", &[("content-type", media)], body)
}

/// Both forms, compressed or not, are stored once, and the answer has the form of the request.
#[test]
fn both_forms_are_stored_once() {
    let serving = Serving::start();
    let spans = spans_of(1, 10);
    for (media, whole) in [(PROTOBUF, &b""[..]), (JSON, b"{}")] {
        let body = request(media, "stock", &spans);
        for (encoding, body) in [("identity", body.clone()), ("gzip", gzip(&body))] {
            let answer = serving.post("/v1/traces", &[("content-type", media), ("content-encoding", encoding)], &body);
            assert_eq!((answer.status, &*answer.media, &*answer.body), (200, media, whole), "{answer:?}");
        }
    }
    let store = Store::open(&serving.store).unwrap();
    let row = &store.runs(&RunFilter::default(), 9).unwrap()[0];
    let graph = store.graph(row.run_id).unwrap().unwrap();
    assert_eq!((graph.spans.len(), graph.diagnostics.len(), serving.stored().len()), (10, 0, 10));
    assert_eq!(&*graph.spans[9].name, "step 9");
}

/// `partialSuccess` says how many were rejected and why. The others are stored.
#[test]
fn one_bad_span_of_ten() {
    let serving = Serving::start();
    let text = String::from_utf8(request(JSON, "stock", &spans_of(2, 10))).unwrap();
    // A trace id of zeros is none.
    let bad = text.replacen("00000000000000000000000000000002", "00000000000000000000000000000000", 1);
    let answer = send(&serving, JSON, bad.as_bytes()).json();
    assert_eq!(
        answer,
        json!({"partialSuccess": {
            "rejectedSpans": "1", "errorMessage": "1 without a valid trace id, span id or parent id"
        }})
    );
    assert_eq!(serving.stored().len(), 9);
    let mut body = request(PROTOBUF, "stock", &spans_of(2, 10));
    let at = body.windows(16).rposition(|id| id == 2_u128.to_be_bytes()).unwrap();
    body[at + 15] = 0;
    let answer = send(&serving, PROTOBUF, &body);
    // Field 1, a message; in it field 1, the number 1.
    assert_eq!((answer.status, answer.body[0], &answer.body[2..4]), (200, 0x0a, &[0x08, 1][..]), "{answer:?}");
    assert_eq!(serving.stored().len(), 10);
}

/// A record that is too large for the store is a span that is rejected.
#[test]
fn a_span_that_is_too_large() {
    let serving = Serving::start();
    let mut spans = spans_of(3, 3);
    spans[1].attributes.push(KeyValue::new("large", "x".repeat(9 << 20)));
    let answer = send(&serving, JSON, &request(JSON, "stock", &spans)).json();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1");
    let why = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(why.starts_with("1 that cannot be stored: it has ") && why.ends_with("the most is 8388608"), "{why}");
    assert_eq!(serving.stored().len(), 2);
}

/// Errors are `google.rpc.Status` in the form of the request.
#[test]
fn errors_have_the_form_of_the_request() {
    let serving = Serving::start();
    let answer = send(&serving, JSON, b"[]");
    assert_eq!((answer.status, &*answer.media), (400, JSON));
    assert_eq!(answer.json(), json!({"code": 3, "message": "read OTLP as JSON: it is not an object at byte 0"}));
    let answer = send(&serving, PROTOBUF, b"\x0a\x05\x00");
    assert_eq!((answer.status, &*answer.media), (400, PROTOBUF));
    assert_eq!(answer.body[..3], [0x08, 3, 0x12]);
    assert!(answer.body.ends_with(b"read OTLP as protobuf: a field is cut off at byte 1"), "{answer:?}");
    // Nothing of a request that is broken at its end is stored.
    let mut body = request(PROTOBUF, "stock", &spans_of(1, 10));
    body.extend_from_slice(b"\x0a\x05\x00");
    assert_eq!(send(&serving, PROTOBUF, &body).status, 400);
    let answer = serving.post("/v1/traces", &[("content-type", JSON), ("content-encoding", "gzip")], b"no gzip");
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(3)));
    assert_eq!(serving.stored(), [""; 0]);
}

/// A collector also has our own spans. Beside their records, they say nothing new.
#[test]
fn recorded_spans_are_not_doubled() {
    let serving = Serving::start();
    let recorded = crate::support::span(0, "work");
    serving.records(&lines(std::slice::from_ref(&recorded)));
    let mut span = spans_of(1, 1).remove(0);
    span.name = "work".into();
    let sdk = KeyValue::new("telemetry.sdk.name", "spanbridge");
    let ours = Resource { attributes: vec![KeyValue::new("service.name", "shop"), sdk] };
    let mut of_span = Vec::new();
    spans::records(&ours, span.clone(), |record| of_span.push(record.run_id));
    assert_eq!(of_span, [recorded.run_id], "the same span");
    assert_eq!(send(&serving, PROTOBUF, &request_of(PROTOBUF, &ours, &[span.clone()])).status, 200);
    assert_eq!(serving.stored().len(), 1);
    // One that was not recorded is stored.
    span.span_id = SpanId::new(99).unwrap();
    assert_eq!(send(&serving, PROTOBUF, &request_of(PROTOBUF, &ours, &[span])).status, 200);
    assert_eq!(serving.stored().len(), 2);
}

/// Whether a span was recorded is known without reading its whole run again for each request.
#[test]
fn a_growing_run_costs_no_more_each_time() {
    let attributes = vec![KeyValue::new("telemetry.sdk.name", "spanbridge")];
    let (ours, spans) = (Resource { attributes }, spans_of(1, 12_800));
    let requests: Vec<Vec<u8>> = spans.chunks(128).map(|spans| request_of(PROTOBUF, &ours, spans)).collect();
    let times = || {
        let serving = Serving::start();
        let took: Vec<Duration> = requests
            .iter()
            .map(|request| {
                let begun = Instant::now();
                assert_eq!(send(&serving, PROTOBUF, request).status, 200);
                begun.elapsed()
            })
            .collect();
        // The quickest of some: others use this machine, too.
        let quickest = |some: &[Duration]| some.iter().min().unwrap().as_secs_f64();
        (quickest(&took[5..25]), quickest(&took[80..]))
    };
    // And they may begin to use it in the middle. A run that costs more each time does so each time.
    assert!((0..6).map(|_| times()).any(|(first, last)| last < first * 4.0));
}

/// Another span under the same ids is kept, and the answer warns.
#[test]
fn a_contradiction_is_a_warning() {
    let serving = Serving::start();
    let mut spans = spans_of(1, 1);
    send(&serving, JSON, &request(JSON, "stock", &spans));
    spans[0].name = "other".into();
    let answer: Value = send(&serving, JSON, &request(JSON, "stock", &spans)).json();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], Value::Null, "{answer}");
    let why = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert_eq!(why, "1 record contradicts what is stored under the same id; both are kept");
}
