//! What writing and reading a span costs, beside prost: `cargo bench -p spanbridge-otel --bench otlp [name]`; a few seconds.
//!
//! Requests of 512 spans with 0, 4 and 8 attributes of mixed types; nanoseconds for one span, the quickest of rounds that take
//! turns. What prost writes is checked to be the same, byte for byte. "Write" has the messages of both built beforehand. "Make
//! and write" is what an exporter does: a span is made of borrowed texts and written. prost's messages own theirs.

#[path = "../tests/otlp/proto.rs"]
mod proto;

use prost::Message;
use spanbridge::{Kind, SpanId, TraceId};
use spanbridge_otel::otlp::model::{AnyValue, KeyValue, Resource, Scope, Span};
use spanbridge_otel::otlp::{json, protobuf};
use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SPANS: usize = 512;
const ROUNDS: usize = 100;

fn spans(attributes: usize) -> Vec<Span<'static>> {
    let all = [
        KeyValue::new("messaging.system", "kafka"),
        KeyValue::new("messaging.destination.name", "orders.created"),
        KeyValue::new("messaging.kafka.offset", 1_234_567_i64),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.consumer.group.name", "billing"),
        KeyValue::new("messaging.message.body.size", 512_i64),
        KeyValue::new("spanbridge.delivery.redelivered", true),
        KeyValue::new("spanbridge.queue.time_ms", 12.5),
    ];
    let span = |n: u64| {
        let trace = TraceId::new(u128::from(n) << 64 | 0x5b8e_fff7_9803_8103).expect("not zero");
        let mut span = Span::new(trace, SpanId::new(n | 1 << 63).expect("not zero"));
        span.parent_span_id = SpanId::new(n + 1);
        span.name = "orders.created process".into();
        span.kind = Some(Kind::Consumer);
        span.flags = 0x101;
        (span.start_time, span.end_time) = (1_790_000_000_000_000_000 + n, 1_790_000_000_005_000_000 + n);
        span.attributes = all[..attributes].to_vec();
        span
    };
    (0..SPANS as u64).map(span).collect()
}

fn main() {
    println!("ns a span                   0 attributes   4 attributes   8 attributes");
    let resource = Resource { attributes: vec![KeyValue::new("service.name", "billing")] };
    let scope = Scope { name: "spanbridge".into(), version: "0.1.0".into(), attributes: vec![] };
    let inputs = [0, 4, 8].map(|attributes| {
        let spans = spans(attributes);
        let theirs = proto::request(&resource, &scope, &spans);
        let (mut body, mut ours) = (Vec::new(), Vec::new());
        spans.iter().for_each(|span| protobuf::write_span(span, &mut body));
        protobuf::write_request(&resource, &scope, &body, &mut ours);
        assert!(ours == theirs.encode_to_vec(), "prost writes something else");
        let (mut body, mut text) = (Vec::new(), Vec::new());
        spans.iter().for_each(|span| json::write_span(span, &mut body));
        json::write_request(&resource, &scope, &body, &mut text);
        (spans, theirs, ours, text)
    });
    let (mut body, mut out) = (Vec::with_capacity(1 << 20), Vec::with_capacity(1 << 20));
    let mut write = |(spans, ..): &Input| {
        body.clear();
        out.clear();
        spans.iter().for_each(|span| protobuf::write_span(span, &mut body));
        protobuf::write_request(&resource, &scope, &body, &mut out);
        out.len()
    };
    let mut made = Vec::with_capacity(1 << 20);
    let mut make = |(spans, ..): &Input| {
        made.clear();
        for span in spans {
            protobuf::write_span(&borrowed(span), &mut made);
        }
        made.len()
    };
    let mut prost_made = Vec::with_capacity(1 << 20);
    let mut prost_make = |(spans, ..): &Input| {
        prost_made.clear();
        for span in spans {
            let span = proto::span(span);
            prost::encoding::message::encode(2, &span, &mut prost_made);
        }
        prost_made.len()
    };
    let mut buffer = Vec::with_capacity(1 << 20);
    let mut prost_write = |(_, theirs, ..): &Input| {
        buffer.clear();
        theirs.encode(&mut buffer).expect("a vector has room");
        buffer.len()
    };
    let (mut body, mut out) = (Vec::with_capacity(1 << 20), Vec::with_capacity(1 << 20));
    let mut write_json = |(spans, ..): &Input| {
        body.clear();
        out.clear();
        spans.iter().for_each(|span| json::write_span(span, &mut body));
        json::write_request(&resource, &scope, &body, &mut out);
        out.len()
    };
    let mut read = |(_, _, ours, _): &Input| {
        let mut names = 0;
        let report = protobuf::read(ours, |_, _, span| names += span.name.len());
        black_box(names) + report.expect("what was written").spans as usize
    };
    let mut prost_read =
        |(_, _, ours, _): &Input| proto::Request::decode(&ours[..]).expect("what was written").resource_spans.len();
    let mut read_json = |(_, _, _, text): &Input| {
        let mut names = 0;
        let report = json::read(text, |_, _, span| names += span.name.len());
        black_box(names) + report.expect("what was written").spans as usize
    };
    let mut all: [(&str, Call<'_>); 8] = [
        ("make and write protobuf", &mut make),
        ("  prost", &mut prost_make),
        ("write protobuf", &mut write),
        ("  prost", &mut prost_write),
        ("write JSON", &mut write_json),
        ("read protobuf", &mut read),
        ("  prost", &mut prost_read),
        ("read JSON", &mut read_json),
    ];
    let mut best = [[Duration::MAX; 3]; 8];
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    for _ in 0..ROUNDS {
        for ((_, call), best) in all.iter_mut().zip(&mut best).filter(|((name, _), _)| name.contains(&wanted)) {
            for (input, best) in inputs.iter().zip(best) {
                // The first call of a turn finds the caches as the others left them.
                for _ in 0..4 {
                    let begun = Instant::now();
                    black_box(call(input));
                    *best = (*best).min(begun.elapsed());
                }
            }
        }
    }
    for ((name, _), best) in all.iter().zip(best).filter(|((name, _), _)| name.contains(&wanted)) {
        let [none, four, eight] = best.map(|time| time.as_nanos() as f64 / SPANS as f64);
        println!("{name:<24}{none:>15.1}{four:>15.1}{eight:>15.1}");
    }
    if !wanted.is_empty() {
        return;
    }
    for (at, name) in [(0, "make and write, of prost's"), (2, "write, of prost's")] {
        let [none, four, eight] = [0, 1, 2].map(|n| best[at][n].as_secs_f64() / best[at + 1][n].as_secs_f64());
        println!("{name:<28}{none:>11.3}{four:>15.3}{eight:>15.3}");
    }
}

/// A span as the assembler makes it of a record: its texts are borrowed.
fn borrowed<'a>(from: &'a Span<'_>) -> Span<'a> {
    let mut span = Span::new(from.trace_id, from.span_id);
    span.parent_span_id = from.parent_span_id;
    span.name = Cow::Borrowed(&from.name);
    (span.kind, span.flags) = (from.kind, from.flags);
    (span.start_time, span.end_time) = (from.start_time, from.end_time);
    let value = |value: &'a AnyValue<'_>| match value {
        AnyValue::Str(text) => AnyValue::Str(Cow::Borrowed(text)),
        AnyValue::I64(value) => AnyValue::I64(*value),
        AnyValue::F64(value) => AnyValue::F64(*value),
        AnyValue::Bool(value) => AnyValue::Bool(*value),
        _ => AnyValue::Empty,
    };
    let attribute = |it: &'a KeyValue<'_>| KeyValue { key: Cow::Borrowed(&*it.key), value: value(&it.value) };
    span.attributes = from.attributes.iter().map(attribute).collect();
    span
}

/// Spans, the same for prost, and both forms of them.
type Input = (Vec<Span<'static>>, proto::Request, Vec<u8>, Vec<u8>);

type Call<'c> = &'c mut dyn FnMut(&Input) -> usize;
