//! JSON, held against serde_json and against itself.

use crate::arbitrary::span;
use crate::around::{resource, scope};
use crate::read_json;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use spanbridge_otel::otlp::json::{write_request, write_span};
use spanbridge_otel::otlp::model::*;

fn written(resource: &Resource<'_>, scope: &Scope<'_>, spans: &[Span<'_>]) -> Vec<u8> {
    let (mut body, mut out) = (Vec::new(), Vec::new());
    spans.iter().for_each(|span| write_span(span, &mut body));
    write_request(resource, scope, &body, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// It is JSON on one line, and reads back as the same.
    #[test]
    fn what_is_written_is_read(resource in resource(), scope in scope(), spans in vec(span(), 0..4)) {
        let text = written(&resource, &scope, &spans);
        prop_assert!(!text.contains(&b'\n'));
        serde_json::from_slice::<Value>(&text).unwrap();
        let (report, read) = read_json(&text).unwrap();
        prop_assert_eq!((report.spans, report.rejected), (spans.len() as u64, 0));
        let expected: Vec<_> = spans.into_iter().map(|span| (resource.clone(), scope.clone(), span)).collect();
        prop_assert_eq!(read, expected);
    }

    /// However the document is printed, and whatever else stands in it.
    #[test]
    fn white_space_and_order_do_not_matter(span in span(), resource in resource()) {
        let text = written(&resource, &Scope::default(), &[span]);
        // serde_json sorts the members, so that `resource` stands before `scopeSpans`, and `events` before `spanId`.
        let mut value: Value = serde_json::from_slice(&text).unwrap();
        value["unknown"] = json!({"deep": [[[{"resourceSpans": [1]}]]], "text": "}]\"\\"});
        let resource_spans = value["resourceSpans"][0].take();
        // Behind its spans.
        value["resourceSpans"][0] = json!({"scopeSpans": resource_spans["scopeSpans"], "zresource": resource_spans["resource"]});
        let pretty = serde_json::to_string_pretty(&value).unwrap().replace("zresource", "resource");
        prop_assert_eq!(read_json(pretty.as_bytes()).unwrap(), read_json(&text).unwrap());
    }
}

/// The rules of the specification: hexadecimal ids, integers of 64 bits as strings, enums as integers, names in camel case.
#[test]
fn the_form_is_that_of_the_specification() {
    let mut span = Span::new(spanbridge::TraceId::new(0xab).unwrap(), spanbridge::SpanId::new(0xcd).unwrap());
    span.parent_span_id = spanbridge::SpanId::new(1);
    span.trace_state = "a=b".into();
    span.flags = 0x101;
    span.name = "GET /\n\"\u{1}".into();
    span.kind = Some(spanbridge::Kind::Server);
    (span.start_time, span.end_time) = (1_790_000_000_000_000_001, u64::MAX);
    span.attributes = vec![
        KeyValue::new("s", "é"),
        KeyValue::new("b", true),
        KeyValue::new("i", i64::MIN),
        KeyValue::new("d", 0.5),
        KeyValue::new("n", f64::NAN),
        KeyValue { key: "e".into(), value: AnyValue::Empty },
        KeyValue { key: "y".into(), value: AnyValue::Bytes((&b"\xfb\xff"[..]).into()) },
        KeyValue { key: "a".into(), value: AnyValue::Array(vec![AnyValue::I64(1), AnyValue::Array(vec![])]) },
        KeyValue { key: "m".into(), value: AnyValue::Map(vec![KeyValue::new("k", "v")]) },
    ];
    span.events = vec![Event { time: 5, name: "e".into(), attributes: vec![], dropped_attributes: 3 }];
    span.links = vec![Link::new(span.trace_id, span.span_id)];
    (span.dropped_attributes, span.dropped_events, span.dropped_links) = (1, 2, 3);
    span.status = Status { code: StatusCode::Error, message: "why".into() };
    let resource = Resource { attributes: vec![KeyValue::new("service.name", "orders")] };
    let scope = Scope { name: "spanbridge".into(), version: "1".into(), attributes: vec![] };
    let text = written(&resource, &scope, &[span]);
    assert_eq!(
        serde_json::from_slice::<Value>(&text).unwrap(),
        json!({"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]},
            "scopeSpans": [{
                "scope": {"name": "spanbridge", "version": "1"},
                "spans": [{
                    "traceId": "000000000000000000000000000000ab",
                    "spanId": "00000000000000cd",
                    "parentSpanId": "0000000000000001",
                    "traceState": "a=b",
                    "flags": 257,
                    "name": "GET /\n\"\u{1}",
                    "kind": 2,
                    "startTimeUnixNano": "1790000000000000001",
                    "endTimeUnixNano": "18446744073709551615",
                    "attributes": [
                        {"key": "s", "value": {"stringValue": "é"}},
                        {"key": "b", "value": {"boolValue": true}},
                        {"key": "i", "value": {"intValue": "-9223372036854775808"}},
                        {"key": "d", "value": {"doubleValue": 0.5}},
                        {"key": "n", "value": {"doubleValue": "NaN"}},
                        {"key": "e"},
                        {"key": "y", "value": {"bytesValue": "+/8="}},
                        {"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"arrayValue": {"values": []}}]}}},
                        {"key": "m", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}}},
                    ],
                    "droppedAttributesCount": 1,
                    "events": [{"timeUnixNano": "5", "name": "e", "droppedAttributesCount": 3}],
                    "droppedEventsCount": 2,
                    "links": [{"traceId": "000000000000000000000000000000ab", "spanId": "00000000000000cd"}],
                    "droppedLinksCount": 3,
                    "status": {"message": "why", "code": 2},
                }],
            }],
        }]})
    );
}
