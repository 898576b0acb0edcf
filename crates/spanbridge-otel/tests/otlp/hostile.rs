//! Input that nobody should send. Nothing of it panics, grows without bound, or costs a span that is good.

use crate::arbitrary::span;
use crate::around::{resource, scope};
use crate::{Read, proto, read_json, read_protobuf};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};
use spanbridge_otel::ErrorKind;
use spanbridge_otel::otlp::model::{AnyValue, Resource, Scope, Span};
use spanbridge_otel::otlp::{MAX_DEPTH, MAX_ITEMS, json as as_json, protobuf as as_protobuf};

const READERS: [Read; 2] = [read_protobuf, read_json];

fn both(resource: &Resource<'_>, scope: &Scope<'_>, span: &Span<'_>) -> [Vec<u8>; 2] {
    let (mut protobuf, mut json) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    as_protobuf::write_span(span, &mut protobuf[0]);
    as_json::write_span(span, &mut json[0]);
    as_protobuf::write_request(resource, scope, &protobuf[0].clone(), &mut protobuf[1]);
    as_json::write_request(resource, scope, &json[0].clone(), &mut json[1]);
    [protobuf[1].clone(), json[1].clone()]
}

/// Wraps the bytes of a span into a request.
fn request_of(span: &[u8]) -> Vec<u8> {
    let field = |bytes: &[u8], tag: u8| {
        let mut out = vec![tag];
        prost::encoding::encode_varint(bytes.len() as u64, &mut out);
        out.extend(bytes);
        out
    };
    field(&field(&field(span, 0x12), 0x12), 0x0a)
}

fn span_json(span: Value) -> Vec<u8> {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string().into_bytes()
}

fn good() -> proto::Span {
    proto::Span { trace_id: vec![1; 16], span_id: vec![2; 8], name: "good".into(), ..proto::Span::default() }
}

fn good_json() -> Value {
    json!({"traceId": "01".repeat(16), "spanId": "02".repeat(8), "name": "good"})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Cut off anywhere, it is an error.
    #[test]
    fn every_truncation_is_survived(resource in resource(), scope in scope(), span in span()) {
        let requests = both(&resource, &scope, &span);
        for (read, request) in READERS.iter().zip(&requests) {
            // At every byte of a short request, and at some of a long one.
            for cut in (0..request.len()).step_by(1 + request.len() / 300) {
                let result = read(&request[..cut]);
                prop_assert!(result.is_err() || cut == 0, "{cut} of {}", request.len());
            }
        }
        prop_assert_eq!(read_protobuf(&[]).unwrap().0.spans, 0);
        prop_assert_eq!(read_json(&[]).unwrap_err().kind(), ErrorKind::Json);
    }

    /// Any byte replaced by any other.
    #[test]
    fn every_change_is_survived(resource in resource(), span in span(), at in any::<prop::sample::Index>(), byte: u8) {
        for (read, mut request) in READERS.iter().zip(both(&resource, &Scope::default(), &span)) {
            let at = at.index(request.len());
            request[at] = byte;
            if let Ok((report, spans)) = read(&request) {
                prop_assert_eq!(report.spans, spans.len() as u64);
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for read in READERS {
            let _ = read(&bytes);
        }
    }
}

/// A length that goes beyond the end, at each level, up to the largest number; and numbers that have no end.
#[test]
fn length_bombs_are_refused() {
    let lengths: [&[u8]; 4] = [
        &[0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff; 9],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ];
    for length in lengths {
        for before in [&[0x0a][..], &[0x0a, 0x7f, 0x12][..]] {
            let error = read_protobuf(&[before, length].concat()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protobuf);
            assert!(error.to_string().starts_with("read OTLP as protobuf: "), "{error}");
        }
    }
    let mut in_a_span = good().encode_to_vec();
    in_a_span.extend([0x4a, 0xff, 0xff, 0x7f]);
    assert!(read_protobuf(&request_of(&in_a_span)).is_err());
    // Eleven bytes, and a field with the number 0.
    assert!(read_protobuf(&[0xff; 11]).is_err());
    assert!(read_protobuf(&[0x02, 0x00]).is_err());
}

/// A value that is nested too deep is dropped with its attribute, and nothing else is. No recursion follows the input.
#[test]
fn deep_values_are_dropped() {
    for (depth, kept) in [(MAX_DEPTH, 2), (MAX_DEPTH + 1, 1), (200_000, 1)] {
        // Written backwards, from the inside: a list with one value, which is a list.
        let mut value = Vec::new();
        for tag in [0x0a, 0x2a].repeat(depth) {
            let mut head = vec![tag];
            prost::encoding::encode_varint(value.len() as u64, &mut head);
            value.extend(head.iter().rev());
        }
        value.reverse();
        let mut attribute = vec![0x0a, 1, b'k', 0x12];
        prost::encoding::encode_varint(value.len() as u64, &mut attribute);
        attribute.extend(&value);
        let mut span = good();
        span.attributes.push(proto::KeyValue { key: "other".into(), value: None });
        let mut bytes = span.encode_to_vec();
        bytes.push(0x4a);
        prost::encoding::encode_varint(attribute.len() as u64, &mut bytes);
        bytes.extend(attribute);
        let (_, spans) = read_protobuf(&request_of(&bytes)).unwrap();
        assert_eq!((spans[0].2.attributes.len(), spans[0].2.dropped_attributes), (kept, 2 - kept as u32), "{depth}");

        let deep = format!("{}{{}}{}", r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth));
        let attributes = format!(r#"[{{"key":"other","value":{{}}}},{{"key":"k","value":{deep}}}]"#);
        let text = String::from_utf8(span_json(good_json())).unwrap();
        let text = text.replace(r#""name":"#, &format!(r#""attributes":{attributes},"name":"#));
        let (_, spans) = read_json(text.as_bytes()).unwrap();
        assert_eq!((spans[0].2.attributes.len(), spans[0].2.dropped_attributes), (kept, 2 - kept as u32), "{depth}");
    }
}

/// Two bytes of an empty event would take a hundred in memory.
#[test]
fn items_beyond_the_limit_are_dropped() {
    const MORE: usize = 1000;
    let mut bytes = good().encode_to_vec();
    bytes.extend([0x5a, 0x00].repeat(MAX_ITEMS + MORE));
    let (_, spans) = read_protobuf(&request_of(&bytes)).unwrap();
    assert_eq!((spans[0].2.events.len(), spans[0].2.dropped_events), (MAX_ITEMS, MORE as u32));

    let mut span = good_json();
    span["events"] = Value::Array(vec![json!({}); MAX_ITEMS + MORE]);
    let (_, spans) = read_json(&span_json(span)).unwrap();
    assert_eq!((spans[0].2.events.len(), spans[0].2.dropped_events), (MAX_ITEMS, MORE as u32));

    // A list that is too long is dropped whole: half of it would be a lie.
    let mut span = good_json();
    let long = Value::Array(vec![json!({}); MAX_ITEMS]);
    span["attributes"] = json!([{"key": "long", "value": {"arrayValue": {"values": long}}}]);
    let (_, spans) = read_json(&span_json(span)).unwrap();
    assert_eq!((spans[0].2.attributes.len(), spans[0].2.dropped_attributes), (0, 1));
}

/// A resource is looked through for each of its spans. It also cannot begin anew to have more.
#[test]
fn a_resource_has_a_limit_of_its_own() {
    const LIMIT: usize = 1024;
    let attributes = || vec![proto::KeyValue { key: "k".into(), value: None }; LIMIT + 1];
    let mut request = proto::request(&Resource::default(), &Scope::default(), &[]);
    let of_resource = &mut request.resource_spans[0];
    of_resource.resource = Some(proto::Resource { attributes: attributes(), ..proto::Resource::default() });
    of_resource.scope_spans[0].scope = Some(proto::Scope { attributes: attributes(), ..proto::Scope::default() });
    of_resource.scope_spans[0].spans = vec![good()];
    let (_, spans) = read_protobuf(&request.encode_to_vec()).unwrap();
    assert_eq!((spans[0].0.attributes.len(), spans[0].1.attributes.len()), (LIMIT, LIMIT));

    let attributes = format!(r#""attributes":[{}{{}}],"#, r#"{"key":"k"},"#.repeat(LIMIT / 2));
    let all = format!("{{{}}}", attributes.repeat(4));
    let text = format!(
        r#"{{"resourceSpans":[{{"resource":{all},"resource":{all},"scopeSpans":[{{"scope":{all},"spans":[{}]}}]}}]}}"#,
        good_json()
    );
    let (_, spans) = read_json(text.as_bytes()).unwrap();
    let [resource, scope] = [&spans[0].0.attributes, &spans[0].1.attributes];
    assert!(resource.len() <= LIMIT && scope.len() <= LIMIT, "{} {}", resource.len(), scope.len());
    assert!(resource.len() > LIMIT / 2 && scope.len() > LIMIT / 2);
}

/// A span with an odd id is left out and counted; the others are read.
#[test]
fn odd_ids_cost_their_span_alone() {
    let bad: [fn(&mut proto::Span); 9] = [
        |s| s.trace_id = vec![],
        |s| s.trace_id = vec![1; 8],
        |s| s.trace_id = vec![1; 17],
        |s| s.trace_id = vec![0; 16],
        |s| s.span_id = vec![],
        |s| s.span_id = vec![1; 16],
        |s| s.span_id = vec![0; 8],
        |s| s.parent_span_id = vec![1; 7],
        |s| s.parent_span_id = vec![1; 16],
    ];
    for (n, spoil) in bad.into_iter().enumerate() {
        let mut request = proto::request(&Resource::default(), &Scope::default(), &[]);
        let mut spoiled = good();
        spoil(&mut spoiled);
        request.resource_spans[0].scope_spans[0].spans = vec![good(), spoiled.clone(), good()];
        let (report, spans) = read_protobuf(&request.encode_to_vec()).unwrap();
        assert_eq!((report.spans, report.rejected, spans.len()), (2, 1, 2), "{n}");

        let hex = |id: &[u8]| id.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let span = json!({"traceId": hex(&spoiled.trace_id), "spanId": hex(&spoiled.span_id),
            "parentSpanId": hex(&spoiled.parent_span_id)});
        let request = json!({"resourceSpans": [{"scopeSpans": [{"spans": [good_json(), span, good_json()]}]}]});
        let (report, spans) = read_json(request.to_string().as_bytes()).unwrap();
        assert_eq!((report.spans, report.rejected, spans.len()), (2, 1, 2), "{n}");
    }
    for (key, id) in [("traceId", json!("zz".repeat(16))), ("spanId", json!(5)), ("parentSpanId", json!("0x12"))] {
        let mut span = good_json();
        span[key] = id;
        assert_eq!(read_json(&span_json(span)).unwrap().0.rejected, 1, "{key}");
    }
    // No parent, in each way in which that is said.
    for parent in [json!(""), json!("0000000000000000"), Value::Null] {
        let mut span = good_json();
        span["parentSpanId"] = parent;
        assert_eq!(read_json(&span_json(span)).unwrap().1[0].2.parent_span_id, None);
    }
    let zero = proto::Span { parent_span_id: vec![0; 8], ..good() };
    assert_eq!(read_protobuf(&request_of(&zero.encode_to_vec())).unwrap().1[0].2.parent_span_id, None);
}

/// A link with an odd id is dropped and counted; its span is kept.
#[test]
fn odd_links_are_counted() {
    let link = |len| proto::Link { trace_id: vec![1; len], span_id: vec![1; 8], ..proto::Link::default() };
    let span = proto::Span { links: vec![link(16), link(15), link(0)], dropped_links_count: 4, ..good() };
    let (_, spans) = read_protobuf(&request_of(&span.encode_to_vec())).unwrap();
    assert_eq!((spans[0].2.links.len(), spans[0].2.dropped_links), (1, 6));
    let mut span = good_json();
    span["links"] = json!([{"traceId": "01".repeat(16), "spanId": "01".repeat(8)}, {"traceId": "1"}, null, 5]);
    let (_, spans) = read_json(&span_json(span)).unwrap();
    assert_eq!((spans[0].2.links.len(), spans[0].2.dropped_links), (1, 3));
}

/// Fields, wire types, groups and values of enums that are not known are stepped over.
#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = good().encode_to_vec();
    bytes.extend([0xf8, 0x07, 0x05]); // field 127, a number
    bytes.extend([0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8]); // eight bytes
    bytes.extend([0xfa, 0x07, 2, 0xff, 0xff]); // bytes
    bytes.extend([0xfd, 0x07, 1, 2, 3, 4]); // four bytes
    bytes.extend([0x83, 0x08, 0x0b, 0x08, 0x05, 0x0c, 0x12, 1, 0, 0x84, 0x08]); // a group with a group in it
    bytes.extend([0x28, 0x05]); // the name, as a number
    bytes.extend([0x30, 0x63]); // a kind that is not known
    bytes.extend([0x7a, 2, 0x18, 0x63]); // a status that is not known
    let (report, spans) = read_protobuf(&request_of(&bytes)).unwrap();
    assert_eq!((report.spans, &*spans[0].2.name, spans[0].2.kind), (1, "good", None));
    // A group that ends as another one, or does not end, and a wire type that there is not.
    for bad in [&[0x83, 0x08, 0x8c, 0x08][..], &[0x83, 0x08], &[0x84, 0x08], &[0x0e], &[0x0f]] {
        assert!(read_protobuf(&[&good().encode_to_vec(), bad].concat()).is_err());
    }
    assert!(read_protobuf(&[0x83, 0x08].repeat(1 << 20)).is_err()); // groups in groups
}

/// A value of the wrong type counts as absent.
#[test]
fn wrong_types_cost_a_field_alone() {
    for wrong in [json!(null), json!(true), json!([1]), json!({"a": [1]}), json!(-1), json!(1.5), json!("x"), json!("")]
    {
        for key in [
            "traceState",
            "name",
            "kind",
            "flags",
            "startTimeUnixNano",
            "attributes",
            "events",
            "links",
            "status",
            "droppedAttributesCount",
            "resource",
        ] {
            let mut span = good_json();
            span[key] = wrong.clone();
            span["endTimeUnixNano"] = json!("7");
            let (report, spans) = read_json(&span_json(span)).unwrap();
            assert_eq!((report.spans, spans[0].2.end_time, spans[0].2.kind), (1, 7, None), "{key} {wrong}");
        }
    }
    for request in
        [json!({"resourceSpans": 5}), json!({"resourceSpans": [null, [], {"scopeSpans": [7, {"spans": {}}]}]})]
    {
        assert_eq!(read_json(request.to_string().as_bytes()).unwrap().0.spans, 0);
    }
}

/// Attributes without a key are dropped, empty values are values, and of keys that come twice both are there.
#[test]
fn empty_and_repeated_attributes_are_read() {
    let attribute = |key: &str, value| proto::KeyValue { key: key.into(), value };
    let one = || Some(proto::AnyValue { value: Some(proto::Value::Int(1)) });
    let two = || Some(proto::AnyValue { value: Some(proto::Value::Int(2)) });
    let attributes = vec![
        attribute("", one()),
        attribute("none", None),
        attribute("empty", Some(proto::AnyValue { value: None })),
        attribute("twice", one()),
        attribute("twice", two()),
    ];
    let span = proto::Span { attributes, ..good() };
    let (_, spans) = read_protobuf(&request_of(&span.encode_to_vec())).unwrap();
    let span = &spans[0].2;
    assert_eq!((span.attributes.len(), span.dropped_attributes), (4, 1));
    assert_eq!(span.attribute("none"), Some(&AnyValue::Empty));
    assert_eq!(span.attribute("empty"), Some(&AnyValue::Empty));
    assert_eq!(span.attribute("twice"), Some(&AnyValue::I64(2)));
}

/// The same span has the same bytes again, whatever form it came in.
#[test]
fn every_nan_is_the_same() {
    for bits in [f64::NAN.to_bits() | 1, (-f64::NAN).to_bits(), u64::MAX] {
        let value = Some(proto::AnyValue { value: Some(proto::Value::Double(f64::from_bits(bits))) });
        let span = proto::Span { attributes: vec![proto::KeyValue { key: "k".into(), value }], ..good() };
        let (_, spans) = read_protobuf(&request_of(&span.encode_to_vec())).unwrap();
        let Some(AnyValue::F64(number)) = spans[0].2.attribute("k") else { panic!("{spans:?}") };
        assert_eq!(number.to_bits(), f64::NAN.to_bits());
    }
}

/// Text that is not UTF-8 keeps what is.
#[test]
fn bad_text_is_repaired() {
    let mut bytes = good().encode_to_vec();
    bytes.extend([0x2a, 4, b'a', 0xff, b'b', 0xc3]);
    assert_eq!(read_protobuf(&request_of(&bytes)).unwrap().1[0].2.name, "a\u{fffd}b\u{fffd}");
    let text = String::from_utf8(span_json(good_json())).unwrap();
    for (raw, expected) in [
        (&br"\ud83d\ude00"[..], "\u{1f600}"),
        (br"cut \ud83d", "cut \u{fffd}"),
        (br"\ude00\ud83dx", "\u{fffd}\u{fffd}x"),
        (br#"\"\\\/\b\f\n\r\t\u0000"#, "\"\\/\u{8}\u{c}\n\r\t\0"),
        (b"a\xffb", "a\u{fffd}b"),
        (br"\u00e9\n\xc3", ""),
    ] {
        let at = text.find("good").unwrap();
        let bytes = [&text.as_bytes()[..at], raw, &text.as_bytes()[at + 4..]].concat();
        match read_json(&bytes) {
            Ok((_, spans)) => assert_eq!(spans[0].2.name, expected),
            Err(error) => assert_eq!((error.kind(), expected), (ErrorKind::Json, "")), // an escape that there is not
        }
    }
}
