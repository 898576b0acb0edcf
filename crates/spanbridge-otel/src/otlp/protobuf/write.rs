//! Writes spans.
//!
//! A message stands behind its length. Room for a length of the usual size is left, and the message is moved in the rare case
//! that it is of another size. So nothing is measured before it is written, and lengths have their shortest form.

use super::plain;
use super::tags::{
    FIXED32, any_value, event, fixed64_tag, key_value, length_tag, link, list, request, resource, resource_spans,
    scope, scope_spans, varint_tag,
};
use super::tags::{span as of_span, status};
use crate::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Scope, Span, Status, StatusCode};

/// Appends a span, as a field of the message that holds spans. So spans that are written one after the other, or copied
/// together, are what [`write_request`] takes.
pub fn write_span(span: &Span<'_>, out: &mut Vec<u8>) {
    if !plain::put(out, span) {
        put_any_span(out, span)
    }
}

#[inline(never)]
fn put_any_span(out: &mut Vec<u8>, span: &Span<'_>) {
    // Lengths between 128 and 16,383 have two bytes.
    nested::<2>(out, length_tag(scope_spans::SPANS), |out| {
        put_ids(out, span);
        put_text(out, length_tag(of_span::NAME), &span.name);
        put_kind_and_times(out, span);
        put_attributes(out, length_tag(of_span::ATTRIBUTES), &span.attributes);
        put_count(out, varint_tag(of_span::DROPPED_ATTRIBUTES), span.dropped_attributes);
        span.events.iter().for_each(|event| put_event(out, event));
        put_count(out, varint_tag(of_span::DROPPED_EVENTS), span.dropped_events);
        span.links.iter().for_each(|link| put_link(out, link));
        put_count(out, varint_tag(of_span::DROPPED_LINKS), span.dropped_links);
        put_status(out, &span.status);
        if span.flags != 0 {
            // The one field whose tag has two bytes.
            let [low, high] = [(of_span::FLAGS << 3 | FIXED32) as u8 | 0x80, (of_span::FLAGS >> 4) as u8];
            let [a, b, c, d] = span.flags.to_le_bytes();
            out.extend_from_slice(&[low, high, a, b, c, d]);
        }
    });
}

/// Appends a request with the spans of one resource and one scope, written by [`write_span`]. Requests that are written one
/// after the other are one request with all of their spans.
pub fn write_request(resource: &Resource<'_>, scope: &Scope<'_>, spans: &[u8], out: &mut Vec<u8>) {
    out.reserve(spans.len() + 64);
    // What stands before the spans, first: so they are copied once, behind lengths that are known.
    let (mut head, mut scope_head) = (Vec::new(), Vec::new());
    nested::<1>(&mut head, length_tag(resource_spans::RESOURCE), |out| {
        put_attributes(out, length_tag(resource::ATTRIBUTES), &resource.attributes);
    });
    nested::<1>(&mut scope_head, length_tag(scope_spans::SCOPE), |out| {
        put_text(out, length_tag(scope::NAME), &scope.name);
        put_text(out, length_tag(scope::VERSION), &scope.version);
        put_attributes(out, length_tag(scope::ATTRIBUTES), &scope.attributes);
    });
    let scope_len = scope_head.len() + spans.len();
    out.push(length_tag(request::RESOURCE_SPANS));
    put_varint(out, (head.len() + 1 + varint_len(scope_len as u64) + scope_len) as u64);
    out.extend_from_slice(&head);
    out.push(length_tag(resource_spans::SCOPE_SPANS));
    put_varint(out, scope_len as u64);
    out.extend_from_slice(&scope_head);
    out.extend_from_slice(spans);
}

/// What nearly every span has is put together first, and appended in one piece.
#[inline(always)]
fn put_ids(out: &mut Vec<u8>, span: &Span<'_>) {
    let mut ids = [0; 38];
    (ids[0], ids[1]) = (length_tag(of_span::TRACE_ID), 16);
    ids[2..18].copy_from_slice(&span.trace_id.get().to_be_bytes());
    (ids[18], ids[19]) = (length_tag(of_span::SPAN_ID), 8);
    ids[20..28].copy_from_slice(&span.span_id.get().to_be_bytes());
    (ids[28], ids[29]) = (length_tag(of_span::PARENT_SPAN_ID), 8);
    if let (Some(parent), "") = (span.parent_span_id, &*span.trace_state) {
        ids[30..].copy_from_slice(&parent.get().to_be_bytes());
        out.extend_from_slice(&ids);
        return;
    }
    out.extend_from_slice(&ids[..28]);
    put_text(out, length_tag(of_span::TRACE_STATE), &span.trace_state);
    if let Some(parent) = span.parent_span_id {
        ids[30..].copy_from_slice(&parent.get().to_be_bytes());
        out.extend_from_slice(&ids[28..]);
    }
}

#[inline(always)]
fn put_kind_and_times(out: &mut Vec<u8>, span: &Span<'_>) {
    if let (Some(kind), 1.., 1..) = (span.kind, span.start_time, span.end_time) {
        let mut all = [0; 20];
        (all[0], all[1]) = (varint_tag(of_span::KIND), kind as u8 + 1);
        all[2] = fixed64_tag(of_span::START);
        all[3..11].copy_from_slice(&span.start_time.to_le_bytes());
        all[11] = fixed64_tag(of_span::END);
        all[12..].copy_from_slice(&span.end_time.to_le_bytes());
        out.extend_from_slice(&all);
        return;
    }
    if let Some(kind) = span.kind {
        out.extend_from_slice(&[varint_tag(of_span::KIND), kind as u8 + 1]);
    }
    put_fixed64(out, fixed64_tag(of_span::START), span.start_time);
    put_fixed64(out, fixed64_tag(of_span::END), span.end_time);
}

fn put_event(out: &mut Vec<u8>, it: &Event<'_>) {
    nested::<1>(out, length_tag(of_span::EVENTS), |out| {
        put_fixed64(out, fixed64_tag(event::TIME), it.time);
        put_text(out, length_tag(event::NAME), &it.name);
        put_attributes(out, length_tag(event::ATTRIBUTES), &it.attributes);
        put_count(out, varint_tag(event::DROPPED_ATTRIBUTES), it.dropped_attributes);
    });
}

fn put_link(out: &mut Vec<u8>, it: &Link<'_>) {
    nested::<1>(out, length_tag(of_span::LINKS), |out| {
        out.extend_from_slice(&[length_tag(link::TRACE_ID), 16]);
        out.extend_from_slice(&it.trace_id.get().to_be_bytes());
        out.extend_from_slice(&[length_tag(link::SPAN_ID), 8]);
        out.extend_from_slice(&it.span_id.get().to_be_bytes());
        put_text(out, length_tag(link::TRACE_STATE), &it.trace_state);
        put_attributes(out, length_tag(link::ATTRIBUTES), &it.attributes);
        put_count(out, varint_tag(link::DROPPED_ATTRIBUTES), it.dropped_attributes);
        if it.flags != 0 {
            out.push((link::FLAGS << 3 | FIXED32) as u8);
            out.extend_from_slice(&it.flags.to_le_bytes());
        }
    });
}

fn put_status(out: &mut Vec<u8>, it: &Status<'_>) {
    if it.code == StatusCode::Unset && it.message.is_empty() {
        return;
    }
    nested::<1>(out, length_tag(of_span::STATUS), |out| {
        put_text(out, length_tag(status::MESSAGE), &it.message);
        put_count(out, varint_tag(status::CODE), it.code as u32);
    });
}

fn put_attributes(out: &mut Vec<u8>, tag: u8, attributes: &[KeyValue<'_>]) {
    for attribute in attributes {
        put_attribute(out, tag, attribute);
    }
}

#[inline(always)]
fn put_attribute(out: &mut Vec<u8>, tag: u8, attribute: &KeyValue<'_>) {
    // Most are short, and all of their lengths are known before anything is written.
    let key = attribute.key.as_bytes();
    let text = match &attribute.value {
        AnyValue::Str(text) if !key.is_empty() && key.len().saturating_add(text.len()) < 0x80 - 8 => Some(text),
        _ => None,
    };
    if let Some(text) = text {
        let (key_len, len) = (key.len() as u8, text.len() as u8);
        out.extend_from_slice(&[tag, 6 + key_len + len, length_tag(key_value::KEY), key_len]);
        out.extend_from_slice(key);
        out.extend_from_slice(&[length_tag(key_value::VALUE), 2 + len, length_tag(any_value::STRING), len]);
        out.extend_from_slice(text.as_bytes());
    } else {
        put_any_attribute(out, tag, attribute);
    }
}

fn put_any_attribute(out: &mut Vec<u8>, tag: u8, KeyValue { key, value }: &KeyValue<'_>) {
    nested::<1>(out, tag, |out| {
        put_text(out, length_tag(key_value::KEY), key);
        nested::<1>(out, length_tag(key_value::VALUE), |out| put_value(out, value));
    });
}

#[inline]
fn put_value(out: &mut Vec<u8>, value: &AnyValue<'_>) {
    match value {
        AnyValue::Empty => {}
        // A value has its field even where that is empty or zero: it says of which kind the value is.
        AnyValue::Str(text) => put_bytes(out, length_tag(any_value::STRING), text.as_bytes()),
        AnyValue::Bool(v) => out.extend_from_slice(&[varint_tag(any_value::BOOL), u8::from(*v)]),
        AnyValue::I64(v) => {
            out.push(varint_tag(any_value::INT));
            put_varint(out, *v as u64);
        }
        AnyValue::F64(v) => {
            out.push(fixed64_tag(any_value::DOUBLE));
            out.extend_from_slice(&v.to_le_bytes());
        }
        AnyValue::Array(values) => nested::<1>(out, length_tag(any_value::ARRAY), |out| {
            for value in values {
                nested::<1>(out, length_tag(list::VALUES), |out| put_value(out, value));
            }
        }),
        AnyValue::Map(pairs) => nested::<1>(out, length_tag(any_value::MAP), |out| {
            put_attributes(out, length_tag(list::VALUES), pairs);
        }),
        AnyValue::Bytes(bytes) => put_bytes(out, length_tag(any_value::BYTES), bytes),
    }
}

#[inline(always)]
pub(super) fn put_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    if !text.is_empty() {
        put_bytes(out, tag, text.as_bytes());
    }
}

#[inline(always)]
fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    if bytes.len() < 0x80 {
        out.extend_from_slice(&[tag, bytes.len() as u8]);
    } else {
        out.push(tag);
        put_varint(out, bytes.len() as u64);
    }
    out.extend_from_slice(bytes);
}

#[inline(always)]
fn put_fixed64(out: &mut Vec<u8>, tag: u8, value: u64) {
    if value != 0 {
        let mut field = [tag; 9];
        field[1..].copy_from_slice(&value.to_le_bytes());
        out.extend_from_slice(&field);
    }
}

fn put_count(out: &mut Vec<u8>, tag: u8, count: u32) {
    if count != 0 {
        out.push(tag);
        put_varint(out, u64::from(count));
    }
}

#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint_len(value: u64) -> usize {
    (value | 1).ilog2() as usize / 7 + 1
}

/// Appends a message as a field, with room for a length of `ROOM` bytes.
#[inline(always)]
pub(super) fn nested<const ROOM: usize>(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let mut head = [0; 3];
    head[0] = tag;
    out.extend_from_slice(&head[..1 + ROOM]);
    let start = out.len();
    write(out);
    let len = out.len() - start;
    let place = start - ROOM;
    match ROOM {
        1 if len < 0x80 => out[place] = len as u8,
        2 if (0x80..0x4000).contains(&len) => {
            out[place] = len as u8 | 0x80;
            out[place + 1] = (len >> 7) as u8;
        }
        _ => move_for_length(out, place, start),
    }
}

/// The length of what stands from `start` to the end does not fit exactly between `place` and there.
#[cold]
#[inline(never)]
fn move_for_length(out: &mut Vec<u8>, place: usize, start: usize) {
    let len = out.len() - start;
    let room = start - place;
    let needed = varint_len(len as u64);
    let end = place + needed + len;
    if needed > room {
        out.resize(end, 0);
    }
    out.copy_within(start..start + len, place + needed);
    out.truncate(end);
    for (byte, shift) in out[place..place + needed].iter_mut().zip((0..).step_by(7)) {
        *byte = (len >> shift) as u8 | 0x80;
    }
    out[place + needed - 1] &= 0x7f;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_shortest_form() {
        for len in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000] {
            let mut shortest = Vec::new();
            put_varint(&mut shortest, len as u64);
            assert_eq!(shortest.len(), varint_len(len as u64));
            let written = |nested: fn(&mut Vec<u8>, &[u8])| {
                let mut out = b"before".to_vec();
                nested(&mut out, &vec![7; len]);
                out
            };
            let expected = [&b"before\x0a"[..], &shortest, &vec![7; len]].concat();
            assert!(written(|out, all| nested::<1>(out, 10, |out| out.extend_from_slice(all))) == expected, "{len}");
            assert!(written(|out, all| nested::<2>(out, 10, |out| out.extend_from_slice(all))) == expected, "{len}");
        }
    }

    /// Texts of every length about those at which they are written in another way, numbers of every length, and all of a span
    /// in a vector that has no room yet. (Miri sees whether each byte was written.)
    #[test]
    fn plain_spans_are_written_as_others() {
        use spanbridge::{Kind, SpanId, TraceId};
        let text = |len: usize| "spanbridge".chars().cycle().take(len).collect::<String>();
        let lens = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128];
        let values = lens.map(|len| AnyValue::from(text(len))).into_iter();
        let numbers = [0, 1, 127, 128, 16_383, 16_384, i64::MAX, -1, i64::MIN].map(AnyValue::from);
        let others = [AnyValue::from(true), AnyValue::from(0.5), AnyValue::Empty, AnyValue::Array(vec![])];
        let values: Vec<_> = values.chain(numbers).chain(others).collect();
        let mut attributes = Vec::new();
        for (n, key) in lens.iter().enumerate() {
            let of_key = values.iter().skip(n % 3).step_by(if cfg!(miri) { 3 } else { 1 });
            attributes.extend(of_key.map(|value| KeyValue::new(text(*key), value.clone())));
        }
        let mut plain = 0;
        let mut check = |span: &Span<'_>| {
            let (mut ours, mut others) = (Vec::new(), b"before".to_vec());
            write_span(span, &mut ours);
            put_any_span(&mut others, span);
            assert!(ours == others[6..], "{span:?}");
            plain += u32::from(plain::put(&mut Vec::new(), span));
        };
        for (n, attribute) in attributes.iter().enumerate() {
            let mut span = Span::new(TraceId::new(n as u128 + 1).unwrap(), SpanId::new(u64::MAX).unwrap());
            span.name = text(lens[n % lens.len()]).into();
            (span.kind, span.start_time, span.end_time) = (Some(Kind::Consumer), 1, u64::MAX);
            span.parent_span_id = SpanId::new(n as u64 % 2);
            span.flags = n as u32 % 3;
            check(&span);
            span.attributes = vec![attribute.clone(); n % 50];
            check(&span);
        }
        assert!(plain > attributes.len() as u32 / 2, "{plain} of {}", attributes.len());
    }
}
