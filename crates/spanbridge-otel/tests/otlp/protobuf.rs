//! Protobuf, held against prost.

use crate::arbitrary::{plain_span, span};
use crate::around::{resource, scope};
use crate::{proto, read_protobuf};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use spanbridge_otel::otlp::model::{Resource, Scope, Span};
use spanbridge_otel::otlp::protobuf::{write_request, write_span};

fn written(resource: &Resource<'_>, scope: &Scope<'_>, spans: &[Span<'_>]) -> Vec<u8> {
    let (mut body, mut out) = (Vec::new(), Vec::new());
    spans.iter().for_each(|span| write_span(span, &mut body));
    write_request(resource, scope, &body, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Byte for byte: the order of the fields, the shortest lengths, what is left out because it is a default.
    #[test]
    fn what_is_written_is_what_prost_writes(resource in resource(), scope in scope(), spans in vec(span(), 0..4)) {
        let ours = written(&resource, &scope, &spans);
        let theirs = proto::request(&resource, &scope, &spans);
        prop_assert_eq!(&proto::Request::decode(&ours[..]).unwrap(), &theirs);
        prop_assert!(ours == theirs.encode_to_vec());
    }

    /// Most spans are written in a way of their own.
    #[test]
    fn plain_spans_are_what_prost_writes(spans in vec(plain_span(), 1..4)) {
        let (resource, scope) = (Resource::default(), Scope::default());
        prop_assert!(written(&resource, &scope, &spans) == proto::request(&resource, &scope, &spans).encode_to_vec());
    }

    #[test]
    fn what_prost_writes_is_read(resource in resource(), scope in scope(), spans in vec(span(), 0..4)) {
        let theirs = proto::request(&resource, &scope, &spans).encode_to_vec();
        let (report, read) = read_protobuf(&theirs).unwrap();
        prop_assert_eq!((report.spans, report.rejected), (spans.len() as u64, 0));
        let expected: Vec<_> = spans.into_iter().map(|span| (resource.clone(), scope.clone(), span)).collect();
        prop_assert_eq!(read, expected);
    }
}

/// Requests that stand one after the other are one request.
#[test]
fn requests_can_be_joined() {
    let named = |name: &'static str| {
        let mut span = Span::new(spanbridge::TraceId::new(1).unwrap(), spanbridge::SpanId::new(1).unwrap());
        span.name = name.into();
        written(&Resource::default(), &Scope::default(), &[span])
    };
    let both = [named("a"), named("b")].concat();
    let (report, spans) = read_protobuf(&both).unwrap();
    assert_eq!(report.spans, 2);
    assert_eq!(spans.iter().map(|(.., span)| &*span.name).collect::<Vec<_>>(), ["a", "b"]);
}

/// Protobuf merges what comes twice, and allows any order of fields.
#[test]
fn resources_behind_their_spans_are_read() {
    let mut request = proto::request(&Resource::default(), &Scope::default(), &[]);
    let mut spans = request.resource_spans.remove(0);
    let mut late = proto::ResourceSpans::default();
    let attribute = |key: &str, value: &str| proto::KeyValue {
        key: key.into(),
        value: Some(proto::AnyValue { value: Some(proto::Value::String(value.into())) }),
    };
    late.resource = Some(proto::Resource { attributes: vec![attribute("b", "2")], ..Default::default() });
    spans.resource = Some(proto::Resource { attributes: vec![attribute("a", "1")], ..Default::default() });
    spans.scope_spans[0].spans =
        vec![proto::Span { trace_id: vec![1; 16], span_id: vec![2; 8], ..proto::Span::default() }];
    let mut body = spans.encode_to_vec();
    body.extend(late.encode_to_vec());
    let mut whole = vec![10];
    prost::encoding::encode_varint(body.len() as u64, &mut whole);
    whole.extend(body);
    let (_, read) = read_protobuf(&whole).unwrap();
    let keys: Vec<_> = read[0].0.attributes.iter().map(|a| &*a.key).collect();
    assert_eq!(keys, ["a", "b"]);
}
