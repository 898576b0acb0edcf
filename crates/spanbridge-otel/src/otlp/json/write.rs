//! Writes spans.

use super::base64;
use crate::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Scope, Span, StatusCode};
use std::io::Write;

/// Appends a span and a comma. So spans that are written one after the other, or copied together, are what
/// [`write_request`] takes.
pub fn write_span(span: &Span<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"traceId":""#);
    put_hex(out, &span.trace_id.get().to_be_bytes());
    out.extend_from_slice(br#"","spanId":""#);
    put_hex(out, &span.span_id.get().to_be_bytes());
    out.push(b'"');
    text_member(out, "traceState", &span.trace_state);
    if let Some(parent) = span.parent_span_id {
        out.extend_from_slice(br#","parentSpanId":""#);
        put_hex(out, &parent.get().to_be_bytes());
        out.push(b'"');
    }
    count_member(out, "flags", span.flags);
    text_member(out, "name", &span.name);
    count_member(out, "kind", span.kind.map_or(0, |kind| kind as u32 + 1));
    time_member(out, "startTimeUnixNano", span.start_time);
    time_member(out, "endTimeUnixNano", span.end_time);
    attributes_member(out, &span.attributes);
    count_member(out, "droppedAttributesCount", span.dropped_attributes);
    list_member(out, "events", &span.events, put_event);
    count_member(out, "droppedEventsCount", span.dropped_events);
    list_member(out, "links", &span.links, put_link);
    count_member(out, "droppedLinksCount", span.dropped_links);
    if span.status.code != StatusCode::Unset || !span.status.message.is_empty() {
        out.extend_from_slice(br#","status":"#);
        object(out, |out| {
            text_member(out, "message", &span.status.message);
            count_member(out, "code", span.status.code as u32);
        });
    }
    out.extend_from_slice(b"},");
}

/// Appends a request with the spans of one resource and one scope, written by [`write_span`]. It is one line, without its end.
pub fn write_request(resource: &Resource<'_>, scope: &Scope<'_>, spans: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"resourceSpans":[{"resource":"#);
    object(out, |out| attributes_member(out, &resource.attributes));
    out.extend_from_slice(br#","scopeSpans":[{"scope":"#);
    object(out, |out| {
        text_member(out, "name", &scope.name);
        text_member(out, "version", &scope.version);
        attributes_member(out, &scope.attributes);
    });
    out.extend_from_slice(br#","spans":["#);
    out.extend_from_slice(spans.strip_suffix(b",").unwrap_or(spans));
    out.extend_from_slice(b"]}]}]}");
}

fn put_event(out: &mut Vec<u8>, event: &Event<'_>) {
    object(out, |out| {
        time_member(out, "timeUnixNano", event.time);
        text_member(out, "name", &event.name);
        attributes_member(out, &event.attributes);
        count_member(out, "droppedAttributesCount", event.dropped_attributes);
    });
}

fn put_link(out: &mut Vec<u8>, link: &Link<'_>) {
    out.extend_from_slice(br#"{"traceId":""#);
    put_hex(out, &link.trace_id.get().to_be_bytes());
    out.extend_from_slice(br#"","spanId":""#);
    put_hex(out, &link.span_id.get().to_be_bytes());
    out.push(b'"');
    text_member(out, "traceState", &link.trace_state);
    attributes_member(out, &link.attributes);
    count_member(out, "droppedAttributesCount", link.dropped_attributes);
    count_member(out, "flags", link.flags);
    out.push(b'}');
}

fn put_attribute(out: &mut Vec<u8>, KeyValue { key, value }: &KeyValue<'_>) {
    out.extend_from_slice(br#"{"key":"#);
    put_text(out, key);
    // `{}` would say the same, but some readers reject the whole request for it.
    if *value != AnyValue::Empty {
        out.extend_from_slice(br#","value":"#);
        put_value(out, value);
    }
    out.push(b'}');
}

fn put_value(out: &mut Vec<u8>, value: &AnyValue<'_>) {
    match value {
        AnyValue::Empty => out.extend_from_slice(b"{"),
        AnyValue::Str(text) => {
            out.extend_from_slice(br#"{"stringValue":"#);
            put_text(out, text);
        }
        AnyValue::Bool(v) => put(out, format_args!(r#"{{"boolValue":{v}"#)),
        AnyValue::I64(v) => put(out, format_args!(r#"{{"intValue":"{v}""#)),
        AnyValue::F64(v) => {
            out.extend_from_slice(br#"{"doubleValue":"#);
            number(out, *v);
        }
        AnyValue::Array(values) => {
            out.extend_from_slice(br#"{"arrayValue":{"values":"#);
            put_list(out, values, put_value);
            out.push(b'}');
        }
        AnyValue::Map(pairs) => {
            out.extend_from_slice(br#"{"kvlistValue":{"values":"#);
            put_list(out, pairs, put_attribute);
            out.push(b'}');
        }
        AnyValue::Bytes(bytes) => {
            out.extend_from_slice(br#"{"bytesValue":""#);
            base64::put(out, bytes);
            out.push(b'"');
        }
    }
    out.push(b'}');
}

/// The shortest form that reads back as the same number. JSON has no infinity, and no NaN: these are texts.
pub(super) fn number(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        return put(out, format_args!("{value:?}"));
    }
    put_text(
        out,
        if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        },
    );
}

/// Writes an object. Its members begin with commas, of which the first is taken away.
pub(super) fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    members(out);
    if out.len() == start {
        out.push(b'{');
    } else {
        out[start] = b'{';
    }
    out.push(b'}');
}

pub(super) fn text_member(out: &mut Vec<u8>, name: &str, text: &str) {
    if !text.is_empty() {
        put(out, format_args!(",\"{name}\":"));
        put_text(out, text);
    }
}

pub(super) fn time_member(out: &mut Vec<u8>, name: &str, time: u64) {
    if time != 0 {
        put(out, format_args!(",\"{name}\":\"{time}\""));
    }
}

pub(super) fn count_member(out: &mut Vec<u8>, name: &str, count: u32) {
    if count != 0 {
        put(out, format_args!(",\"{name}\":{count}"));
    }
}

fn attributes_member(out: &mut Vec<u8>, attributes: &[KeyValue<'_>]) {
    list_member(out, "attributes", attributes, put_attribute);
}

fn list_member<T>(out: &mut Vec<u8>, name: &str, items: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    if !items.is_empty() {
        put(out, format_args!(",\"{name}\":"));
        put_list(out, items, item);
    }
}

pub(super) fn put_list<T>(out: &mut Vec<u8>, items: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (i, it) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        item(out, it);
    }
    out.push(b']');
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text); // writing into memory cannot fail
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| matches!(b, 0..=0x1f | b'"' | b'\\')) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => put(out, format_args!("\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
