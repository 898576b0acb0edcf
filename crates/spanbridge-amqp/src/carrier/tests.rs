//! Properties of the carrier: what goes in comes out, nothing else is touched, and nothing that arrives is too much.

use super::*;
use crate::frame::room;
use lapin::types::DecimalValue;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use spanbridge::carrier::{extract, inject, inject_within, outgoing};
use spanbridge::{Context, RunId, SpanId, TraceId};
use std::collections::BTreeMap;

/// Any value, as deep as a few tables in each other.
pub(crate) fn value() -> impl Strategy<Value = AMQPValue> {
    let leaf = prop_oneof![
        Just(AMQPValue::Void),
        any::<bool>().prop_map(AMQPValue::Boolean),
        any::<i8>().prop_map(AMQPValue::ShortShortInt),
        any::<u8>().prop_map(AMQPValue::ShortShortUInt),
        any::<i16>().prop_map(AMQPValue::ShortInt),
        any::<u16>().prop_map(AMQPValue::ShortUInt),
        any::<i32>().prop_map(AMQPValue::LongInt),
        any::<u32>().prop_map(AMQPValue::LongUInt),
        any::<i64>().prop_map(AMQPValue::LongLongInt),
        any::<i16>().prop_map(|n| AMQPValue::Float(n.into())),
        any::<i32>().prop_map(|n| AMQPValue::Double(n.into())),
        any::<(u8, u32)>().prop_map(|(scale, value)| AMQPValue::DecimalValue(DecimalValue { scale, value })),
        any::<u64>().prop_map(AMQPValue::Timestamp),
        ".{0,40}".prop_map(|s| AMQPValue::ShortString(ShortString::try_new(s).unwrap_or_default())),
        vec(any::<u8>(), 0..80).prop_map(|b| AMQPValue::LongString(b.into())),
        vec(any::<u8>(), 0..80).prop_map(|b| AMQPValue::ByteArray(b.into())),
        // Nearly right
        "0[01]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}".prop_map(|s| AMQPValue::LongString(s.into())),
        "[a-z]{1,3}=[ -~]{0,9}(,[a-z]{1,3}=[!-~]{0,9}){0,70}".prop_map(|s| AMQPValue::LongString(s.into())),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|v| AMQPValue::FieldArray(v.into())),
            btree_map("[a-z]{0,5}", inner, 0..4).prop_map(|t| AMQPValue::FieldTable(fields(t))),
        ]
    })
}

fn fields(pairs: BTreeMap<String, AMQPValue>) -> FieldTable {
    pairs.into_iter().map(|(k, v)| (k.as_str().into(), v)).collect::<BTreeMap<ShortString, _>>().into()
}

fn table() -> impl Strategy<Value = FieldTable> {
    let name = prop_oneof![
        Just("traceparent"),
        Just("tracestate"),
        Just("baggage"),
        Just("Traceparent"),
        Just("BAGGAGE"),
        Just("x-own"),
        Just("x-death"),
    ];
    btree_map(name.prop_map(str::to_owned), value(), 0..6).prop_map(fields)
}

/// Any context, as it may have arrived by another way.
fn context() -> impl Strategy<Value = Context> {
    let ids = (1u128.., 1u64.., any::<u8>(), proptest::option::of(1u128..));
    let members = "([a-z]{1,9}=[a-z0-9]{1,200}(,[b-y][0-9]{1,3}=v){0,20})?";
    (ids, members, "(k=[a-z0-9%]{0,300}(,k=v){0,50})?").prop_map(|((trace, span, flags, run), state, baggage)| {
        let parent =
            w3c::TraceParent { trace_id: TraceId::new(trace).unwrap(), span_id: SpanId::new(span).unwrap(), flags };
        let state = w3c::TraceState::parse(state.as_bytes()).1;
        Context::remote(parent, run.and_then(RunId::new), state, w3c::Baggage::parse(baggage.as_bytes()).0)
    })
}

fn properties(table: &FieldTable) -> BasicProperties {
    BasicProperties::default().with_headers(table.clone())
}

fn without_ours(table: &FieldTable) -> BTreeMap<ShortString, AMQPValue> {
    let mut rest = table.inner().clone();
    rest.retain(|name, _| w3c::header_named(name.as_str()).is_none());
    rest
}

/// As lapin writes it.
fn encoded(table: &FieldTable) -> usize {
    let written = lapin::types::generation::gen_field_table(table)(Vec::new().into());
    written.map(|w| w.write.len()).unwrap_or_else(|e| panic!("{e:?}"))
}

proptest! {
    #[test]
    fn whatever_arrives_is_looked_at_and_sent_on(table in table(), current in context()) {
        let arrived = properties(&table);
        let found = extract(&Headers(&arrived));
        prop_assert!(found.problems.len() <= 2 * w3c::HEADERS.len());
        let _ = outgoing(&current, &Headers(&arrived));
        let mut sent = table.clone();
        inject(&current, &mut HeadersMut(&mut sent));
        let back = extract(&Headers(&properties(&sent)));
        prop_assert_eq!(back.problems, vec![]);
        // Of the flags only two are ever sent.
        prop_assert_eq!(back.context.run_id(), current.run_id());
        prop_assert_eq!((back.context.trace_id(), back.context.span_id()), (current.trace_id(), current.span_id()));
        prop_assert_eq!(back.context.trace_state(), current.trace_state());
        prop_assert_eq!(back.context.baggage(), current.baggage());
        prop_assert_eq!(without_ours(&sent), without_ours(&table));
    }

    #[test]
    fn sizes_are_what_lapin_writes(table in table()) {
        prop_assert_eq!(size(&AMQPValue::FieldTable(table.clone())), 1 + encoded(&table));
    }

    #[test]
    fn there_is_room_for_what_is_injected(
        table in table(),
        current in context(),
        frame in prop_oneof![Just(4096usize), Just(131_072)],
        left in 0usize..9000,
        id in "[a-z]{0,255}",
    ) {
        let mut sent = table.clone();
        sent.insert("x-large".into(), AMQPValue::LongString(vec![b'x'; frame.saturating_sub(left)].into()));
        let properties = BasicProperties::default().with_message_id(id.as_str().into()).with_headers(sent.clone());
        let before = encoded(&without_ours(&sent).into());
        let _ = inject_within(&current, room(|| frame, &properties, &current, usize::MAX), &mut HeadersMut(&mut sent));
        // The frame, the class, the size of the body, the flags, the id and the table's own length are not in it.
        let others = 8 + 14 + 1 + id.len();
        prop_assert!(encoded(&sent) <= before.max(frame.saturating_sub(others)), "{} bytes", encoded(&sent));
    }
}
