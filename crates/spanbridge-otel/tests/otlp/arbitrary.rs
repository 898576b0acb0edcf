//! Spans of every kind.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use spanbridge::{Kind, SpanId, TraceId};
use spanbridge_otel::otlp::model::*;

pub(crate) fn text() -> BoxedStrategy<String> {
    // Lengths about 128 and 16,384 move what stands before them.
    prop_oneof![4 => "[a-z.]{0,12}", 2 => any::<String>(), 1 => (100..140_usize).prop_map(|n| "é".repeat(n / 2)),
        1 => (16_350..16_400_usize).prop_map(|n| "x".repeat(n))]
    .boxed()
}

fn value() -> BoxedStrategy<AnyValue<'static>> {
    let leaf = prop_oneof![
        Just(AnyValue::Empty),
        text().prop_map(|v| AnyValue::Str(v.into())),
        any::<bool>().prop_map(AnyValue::Bool),
        any::<i64>().prop_map(AnyValue::I64),
        any::<f64>().prop_map(AnyValue::F64),
        prop_oneof![Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0), Just(1e300)].prop_map(AnyValue::F64),
        vec(any::<u8>(), 0..5).prop_map(|v| AnyValue::Bytes(v.into())),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let pair = (text(), inner.clone()).prop_map(|(key, value)| KeyValue { key: key.into(), value });
        prop_oneof![vec(inner, 0..4).prop_map(AnyValue::Array), vec(pair, 0..4).prop_map(AnyValue::Map)]
    })
    .boxed()
}

pub(crate) fn attributes() -> BoxedStrategy<Vec<KeyValue<'static>>> {
    let key = text().prop_filter("a key", |key| !key.is_empty());
    vec((key, value()).prop_map(|(key, value)| KeyValue { key: key.into(), value }), 0..5).boxed()
}

fn trace_id() -> BoxedStrategy<TraceId> {
    any::<u128>().prop_filter_map("zero", TraceId::new).boxed()
}

fn span_id() -> BoxedStrategy<SpanId> {
    any::<u64>().prop_filter_map("zero", SpanId::new).boxed()
}

fn count() -> BoxedStrategy<u32> {
    prop_oneof![Just(0), any::<u32>()].boxed()
}

fn time() -> BoxedStrategy<u64> {
    prop_oneof![Just(0), any::<u64>()].boxed()
}

fn event() -> BoxedStrategy<Event<'static>> {
    (time(), text(), attributes(), count())
        .prop_map(|(time, name, attributes, dropped_attributes)| Event {
            time,
            name: name.into(),
            attributes,
            dropped_attributes,
        })
        .boxed()
}

fn link() -> BoxedStrategy<Link<'static>> {
    (trace_id(), span_id(), text(), attributes(), count(), count())
        .prop_map(|(trace_id, span_id, trace_state, attributes, dropped_attributes, flags)| Link {
            trace_id,
            span_id,
            trace_state: trace_state.into(),
            attributes,
            dropped_attributes,
            flags,
        })
        .boxed()
}

pub(crate) fn span() -> BoxedStrategy<Span<'static>> {
    const KINDS: [Option<Kind>; 6] = [
        None,
        Some(Kind::Internal),
        Some(Kind::Server),
        Some(Kind::Client),
        Some(Kind::Producer),
        Some(Kind::Consumer),
    ];
    const CODES: [StatusCode; 3] = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
    let ids = (trace_id(), span_id(), of(span_id()));
    let texts = (text(), text(), text());
    let numbers = (count(), time(), time(), 0..6_usize, 0..3_usize);
    let dropped = (count(), count(), count());
    (ids, texts, numbers, dropped, attributes(), vec(event(), 0..3), vec(link(), 0..3))
        .prop_map(|(ids, texts, numbers, dropped, attributes, events, links)| Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_span_id: ids.2,
            trace_state: texts.0.into(),
            name: texts.1.into(),
            status: Status { message: texts.2.into(), code: CODES[numbers.4] },
            flags: numbers.0,
            start_time: numbers.1,
            end_time: numbers.2,
            kind: KINDS[numbers.3],
            dropped_attributes: dropped.0,
            dropped_events: dropped.1,
            dropped_links: dropped.2,
            attributes,
            events,
            links,
        })
        .boxed()
}

/// Spans as most are: a name, times, and short attributes.
pub(crate) fn plain_span() -> BoxedStrategy<Span<'static>> {
    let short = || "[a-z.é]{0,70}";
    let value = prop_oneof![
        3 => short().prop_map(|v| AnyValue::Str(v.into())),
        1 => any::<i64>().prop_map(AnyValue::I64),
        1 => (0..300_i64).prop_map(AnyValue::I64),
        1 => any::<bool>().prop_map(AnyValue::Bool),
        1 => any::<f64>().prop_map(AnyValue::F64),
    ];
    let key = "[a-z.]{1,66}";
    let attributes = vec((key, value).prop_map(|(key, value)| KeyValue { key: key.into(), value }), 0..70);
    let ids = (trace_id(), span_id(), of(span_id()));
    (ids, "[a-z.é ]{1,64}", any::<u64>(), any::<u64>(), count(), attributes)
        .prop_map(|((trace, id, parent), name, start, end, flags, attributes)| {
            let mut span = Span::new(trace, id);
            (span.parent_span_id, span.name, span.flags) = (parent, name.into(), flags);
            (span.kind, span.start_time, span.end_time) = (Some(Kind::Consumer), start, end);
            span.attributes = attributes;
            span
        })
        .boxed()
}
