//! A span of the SDK is the span of OTLP, field by field.

use crate::arbitrary;
use opentelemetry_0_33::trace::{Link as SdkLink, SpanContext, SpanKind, Status as SdkStatus};
use opentelemetry_0_33::{Array, InstrumentationScope, KeyValue as SdkKeyValue, SpanId as SdkSpanId, Value};
use opentelemetry_sdk::trace::SpanData;
use proptest::prelude::*;
use spanbridge::record::Body;
use spanbridge::{Kind, SpanId, TraceId};
use spanbridge_otel::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Span, Status, StatusCode};
use spanbridge_otel::sdk::span_data;
use spanbridge_otel::spans::records;
use std::time::{SystemTime, UNIX_EPOCH};

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("orders").with_version("7").build()
}

/// The span as an exporter for OTLP reads it: by the rules of `opentelemetry-proto`.
fn read_back(data: SpanData) -> Span<'static> {
    let nanoseconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let flags = |context: &SpanContext, is_remote| {
        u32::from(context.trace_flags().to_u8()) | Span::HAS_IS_REMOTE | if is_remote { Span::IS_REMOTE } else { 0 }
    };
    let trace_id = |context: &SpanContext| TraceId::new(u128::from_be_bytes(context.trace_id().to_bytes())).unwrap();
    let span_id = |id: SdkSpanId| SpanId::new(u64::from_be_bytes(id.to_bytes()));
    let link = |link: SdkLink| Link {
        trace_id: trace_id(&link.span_context),
        span_id: span_id(link.span_context.span_id()).unwrap(),
        trace_state: link.span_context.trace_state().header().into(),
        attributes: attributes(link.attributes),
        dropped_attributes: link.dropped_attributes_count,
        flags: flags(&link.span_context, link.span_context.is_remote()),
    };
    let (code, message) = match data.status {
        SdkStatus::Unset => (StatusCode::Unset, "".into()),
        SdkStatus::Ok => (StatusCode::Ok, "".into()),
        SdkStatus::Error { description } => (StatusCode::Error, description),
    };
    Span {
        trace_id: trace_id(&data.span_context),
        span_id: span_id(data.span_context.span_id()).unwrap(),
        trace_state: data.span_context.trace_state().header().into(),
        parent_span_id: span_id(data.parent_span_id),
        flags: flags(&data.span_context, data.parent_span_is_remote),
        name: data.name,
        kind: Some(match data.span_kind {
            SpanKind::Internal => Kind::Internal,
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
            SpanKind::Producer => Kind::Producer,
            SpanKind::Consumer => Kind::Consumer,
        }),
        start_time: nanoseconds(data.start_time),
        end_time: nanoseconds(data.end_time),
        attributes: attributes(data.attributes),
        dropped_attributes: data.dropped_attributes_count,
        dropped_events: data.events.dropped_count,
        events: data
            .events
            .into_iter()
            .map(|event| Event {
                time: nanoseconds(event.timestamp),
                name: event.name,
                attributes: attributes(event.attributes),
                dropped_attributes: event.dropped_attributes_count,
            })
            .collect(),
        dropped_links: data.links.dropped_count,
        links: data.links.into_iter().map(link).collect(),
        status: Status { code, message },
    }
}

fn attributes(attributes: Vec<SdkKeyValue>) -> Vec<KeyValue<'static>> {
    let one = |attribute: SdkKeyValue| KeyValue::new(attribute.key.as_str().to_owned(), value(attribute.value));
    attributes.into_iter().map(one).collect()
}

fn value(value: Value) -> AnyValue<'static> {
    match value {
        Value::Bool(v) => AnyValue::Bool(v),
        Value::I64(v) => AnyValue::I64(v),
        Value::F64(v) => AnyValue::F64(v),
        Value::String(v) => AnyValue::Str(v.to_string().into()),
        Value::Array(Array::Bool(v)) => AnyValue::Array(v.into_iter().map(AnyValue::Bool).collect()),
        Value::Array(Array::I64(v)) => AnyValue::Array(v.into_iter().map(AnyValue::I64).collect()),
        Value::Array(Array::F64(v)) => AnyValue::Array(v.into_iter().map(AnyValue::F64).collect()),
        Value::Array(Array::String(v)) => {
            AnyValue::Array(v.into_iter().map(|v| AnyValue::Str(v.to_string().into())).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// What is left of a span where the SDK has fewer words than OTLP.
fn in_words_of_the_sdk(mut span: Span<'static>) -> Span<'static> {
    span.flags = span.flags & 0x2ff | Span::HAS_IS_REMOTE;
    span.kind = Some(span.kind.unwrap_or(Kind::Internal));
    span.trace_state = valid_members(&span.trace_state).into();
    if span.status.code != StatusCode::Error {
        span.status.message = "".into()
    }
    span.attributes.iter_mut().for_each(known);
    span.events.iter_mut().flat_map(|event| &mut event.attributes).for_each(known);
    for link in &mut span.links {
        link.flags = link.flags & 0x2ff | Span::HAS_IS_REMOTE;
        link.trace_state = valid_members(&link.trace_state).into();
        link.attributes.iter_mut().for_each(known);
    }
    span
}

fn known(attribute: &mut KeyValue<'static>) {
    let kind = |value: &AnyValue<'_>| match value {
        AnyValue::Str(_) => 1,
        AnyValue::Bool(_) => 2,
        AnyValue::I64(_) => 3,
        AnyValue::F64(_) => 4,
        _ => 0,
    };
    match &attribute.value {
        AnyValue::Str(_) | AnyValue::Bool(_) | AnyValue::I64(_) | AnyValue::F64(_) => return,
        AnyValue::Array(all) if all.iter().all(|it| kind(it) != 0 && kind(it) == kind(&all[0])) => return,
        _ => {}
    }
    attribute.value = AnyValue::Str(as_in_records(attribute.clone()).into());
}

/// The same text that records have of such a value.
fn as_in_records(attribute: KeyValue<'static>) -> String {
    let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
    span.attributes = vec![KeyValue { key: "k".into(), ..attribute }];
    let mut text = None;
    records(&Resource::default(), span, |record| {
        if let Body::Span(data) = &record.body {
            text = Some(match data.attributes.iter().next().unwrap().1 {
                spanbridge::Value::Str(v) | spanbridge::Value::Json(v) => v.to_string(),
                other => panic!("{other:?}"),
            })
        }
    });
    text.unwrap()
}

/// By Trace Context, section 3.3.1.3, as far as the SDK asks for it.
fn valid_members(header: &str) -> String {
    let is_valid = |member: &&str| {
        let Some((key, value)) = member.split_once('=') else { return false };
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*/@".contains(c);
        let first = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let parts: Vec<_> = key.split('@').collect();
        // An empty key is valid for the SDK.
        key.len() <= 256
            && key.chars().all(allowed)
            && (key.is_empty() || first(key))
            && match parts[..] {
                [_] => true,
                [_, system] => system.len() <= 13 && (system.is_empty() || first(system)),
                _ => false,
            }
            && value.len() <= 256
            && !value.contains('=')
    };
    let members = header.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(is_valid);
    members.take(32).collect::<Vec<_>>().join(",")
}

/// NaN is not equal to itself.
fn shown(span: &Span<'_>) -> String {
    format!("{span:?}")
}

fn states() -> BoxedStrategy<String> {
    let member = prop_oneof![
        4 => "[a-z][a-z0-9_*/-]{0,8}(@[a-z][a-z0-9]{0,16})?=[!-~]{0,8}",
        1 => "[ \t]?[a-zA-Z]{0,3}[@=]?[a-z=]{0,3}[ \t]?",
        1 => "[a-z]{250,260}=[a-z]{250,260}",
    ];
    prop::collection::vec(member, 0..40).prop_map(|members| members.join(",")).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_span_is_the_same_in_the_sdk(mut span in prop_oneof![3 => arbitrary::span(), 1 => arbitrary::plain_span()], state in states(), of_links in states()) {
        span.trace_state = state.into();
        if let Some(link) = span.links.first_mut() {
            link.trace_state = of_links.into()
        }
        let data = span_data(span.clone(), &scope());
        prop_assert_eq!(&data.instrumentation_scope, &scope());
        prop_assert_eq!(shown(&read_back(data)), shown(&in_words_of_the_sdk(span)));
    }

    /// With states that are any text at all.
    #[test]
    fn odd_trace_states_do_no_harm(span in arbitrary::span()) {
        span_data(span, &scope());
    }
}

/// What the API for Rust has no type for is text.
#[test]
fn values_of_every_type() {
    use AnyValue::{Array, Bool, Bytes, Empty, F64, I64, Map};
    for (given, expected) in [
        (AnyValue::from("text"), "text"),
        (Bool(true), "true"),
        (I64(i64::MIN), "-9223372036854775808"),
        (F64(0.5), "0.5"),
        (Array(vec!["a".into(), "b".into()]), r#"["a","b"]"#),
        (Array(vec![I64(1), I64(2)]), "[1,2]"),
        (Array(vec![]), "[]"),
        (Array(vec![I64(1), "b".into()]), r#"[1,"b"]"#),
        (Array(vec![Array(vec![I64(1)])]), "[[1]]"),
        (Map(vec![KeyValue::new("k", Array(vec![Bool(false), Empty]))]), r#"{"k":[false,null]}"#),
        (Bytes(b"\xff\xfe".as_slice().into()), "//4="),
        (Empty, "null"),
    ] {
        let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
        span.attributes = vec![KeyValue { key: "k".into(), value: given.clone() }];
        let made = span_data(span, &scope()).attributes.remove(0).value;
        assert_eq!(made.to_string(), expected, "{given:?}");
        let is_list = ["[\"a", "[1,2", "[]"].iter().any(|list| expected.starts_with(list));
        assert_eq!(matches!(made, Value::Array(_)), is_list, "{given:?}");
    }
}

/// One member that is not valid costs that member.
#[test]
fn a_trace_state_keeps_what_is_valid() {
    let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(2).unwrap());
    span.trace_state = "vendor=a:1 ,\t t@v=x,UPPER=1,no-value,b=c=d, sb=00ff".into();
    let data = span_data(span, &scope());
    assert_eq!(data.span_context.trace_state().header(), "vendor=a:1,t@v=x,sb=00ff");
}
