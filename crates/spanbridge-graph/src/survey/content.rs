//! Hashes of what records say, to compare records that are not in memory any more.

use crate::hash::{join, quick};
use crate::sameness::is_outcome;
use spanbridge::Value;
use spanbridge::record::{Attributes, Body, End, Record, SpanData};

/// The same for records that are equal in everything but their place. 32 bits: two different records under one id are taken for
/// equal once in four billion times.
pub(super) fn of_record(record: &Record<'_>) -> u32 {
    let ids = [record.run_id.map_or(0, |id| id.get()), record.trace_id.map_or(0, |id| id.get())];
    let head = ids.iter().fold(text(&record.service), |sum, id| join(join(sum, *id as u64), (*id >> 64) as u64));
    short(join(head, of_body(&record.body)))
}

/// The same for equal records with the same id.
pub(super) fn of_identified(record: &Record<'_>) -> u64 {
    let id = record.id.as_deref().map_or(0, text);
    join(join(record.segment_id.get(), record.segment_seq), join(id, u64::from(of_record(record))))
}

/// The same for equal starts.
pub(super) fn of_start(start: &SpanData<'_>) -> u32 {
    short(start_hash(start))
}

/// The same for equal calls: name, kind of step and service. Never 0.
pub(super) fn call(start: &SpanData<'_>, service: &str) -> u64 {
    join(join(text(&start.name), text(&start.primitive)), text(service)) | 1
}

/// The attributes that do not say how it went, in any order.
pub(super) fn attempt(attributes: &Attributes<'_>) -> u32 {
    let same = attributes.iter().filter(|(key, _)| !is_outcome(key));
    same.fold(0, |sum, (key, value)| short(join(text(key), of_value(value))).wrapping_add(sum))
}

/// The same for equal ends.
pub(super) fn of_end(end: &End<'_>) -> u32 {
    short(end_hash(end))
}

/// The same for equal bodies.
pub(super) fn of_body(body: &Body<'_>) -> u64 {
    match body {
        Body::Span(start) => join(1, start_hash(start)),
        Body::SpanEnd(end) => join(join(2, end.span_id.get()), attributes(end_hash(&end.end), &end.attributes)),
        Body::SpanAttributes(added) => attributes(join(3, added.span_id.get()), &added.attributes),
        Body::Event(event) => {
            let head = join(join(4, event.span_id.get()), event.timestamp);
            attributes(join(join(head, text(&event.event_id)), text(&event.name)), &event.attributes)
        }
        // The rest is rare, and of a single form in all stores.
        other => join(5, text(&format!("{other:?}"))),
    }
}

fn start_hash(start: &SpanData<'_>) -> u64 {
    let parent = start.parent_span_id.map_or(0, |parent| parent.get());
    let head = join(join(start.span_id.get(), parent), join(start.started_at, start.kind as u64));
    let head = join(join(head, text(&start.name)), text(&start.primitive));
    let head = join(head, start.end.as_ref().map_or(0, end_hash));
    start.links.iter().fold(attributes(head, &start.attributes), |sum, link| {
        let trace = link.trace_id.get();
        let ids = join(join(trace as u64, (trace >> 64) as u64), link.span_id.get());
        attributes(join(sum, ids), &link.attributes)
    })
}

fn end_hash(end: &End<'_>) -> u64 {
    let optional = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().map_or(0, |value| text(value) | 1);
    join(join(end.ended_at, end.status as u64), join(optional(&end.error), optional(&end.error_type)))
}

fn attributes(head: u64, attributes: &Attributes<'_>) -> u64 {
    attributes.iter().fold(head, |sum, (key, value)| join(join(sum, text(key)), of_value(value)))
}

fn of_value(value: Value<'_>) -> u64 {
    match value {
        Value::I64(n) => join(1, n as u64),
        Value::F64(x) => join(2, x.to_bits()),
        Value::Bool(b) => join(3, u64::from(b)),
        Value::Static(s) | Value::Str(s) => join(4, text(s)),
        Value::Json(s) => join(5, text(s)),
        _ => 6,
    }
}

pub(super) fn text(text: &str) -> u64 {
    quick(text.as_bytes())
}

fn short(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}
