//! Writes a JSON object: the form of each kind of field of a record.

use crate::carrier::json_text::pieces;
use crate::context::ids;
use crate::record::time::put_time;
use crate::record::{AttributesView, EndpointView, IdView, LinksView};
use crate::{RunId, SegmentId, SpanId, TraceId, Value};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::fmt::Write;

/// An identifier's digits, between quotes.
pub(super) trait Id {
    fn put(self, out: &mut String);
}

macro_rules! id {
    ($($t:ty),*) => { $(
        impl Id for $t {
            fn put(self, out: &mut String) {
                out.push('"');
                put_hex(out, &self.get().to_be_bytes());
                out.push('"');
            }
        }
    )* };
}
id!(TraceId, RunId, SpanId, SegmentId);

/// An object that is being written. Field names need no escapes.
pub(super) struct Object<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn begin(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    pub(super) fn end(self) {
        self.out.push('}');
    }

    fn key(&mut self, name: &str) {
        self.out.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        put_text(self.out, text);
    }

    pub(super) fn optional_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An id that may be any text.
    pub(super) fn name(&mut self, name: &str, id: IdView<'_>) {
        self.text(name, id.as_str(&mut [0; 16]));
    }

    pub(super) fn optional_name(&mut self, name: &str, id: Option<IdView<'_>>) {
        if let Some(id) = id {
            self.name(name, id);
        }
    }

    pub(super) fn id(&mut self, name: &str, id: impl Id) {
        self.key(name);
        id.put(self.out);
    }

    pub(super) fn option(&mut self, name: &str, id: Option<impl Id>) {
        if let Some(id) = id {
            self.id(name, id);
        }
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.key(name);
        let _ = write!(self.out, "{number}");
    }

    pub(super) fn time(&mut self, name: &str, nanos: u64) {
        self.key(name);
        self.out.push('"');
        put_time(nanos, self.out);
        self.out.push('"');
    }

    /// Attributes, written even if there are none.
    pub(super) fn object(&mut self, name: &str, attributes: AttributesView<'_>) {
        self.key(name);
        put_attributes(self.out, attributes);
    }

    pub(super) fn attributes(&mut self, attributes: AttributesView<'_>) {
        if !attributes.is_empty() {
            self.object("attributes", attributes);
        }
    }

    /// A JSON object that is there as text. If it is none, it becomes one with the text as its only value, so that the
    /// line stays valid.
    pub(super) fn json_object(&mut self, name: &str, json: &str) {
        self.key(name);
        if json.trim_start().starts_with('{') && is_json(json) {
            return put_checked_json(self.out, json);
        }
        let mut o = Object::begin(self.out);
        o.text("text", json);
        o.end();
    }

    /// A list of texts, written even if there are none.
    pub(super) fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        self.key(name);
        self.out.push('[');
        for (i, text) in texts.enumerate() {
            self.out.push_str(if i == 0 { "" } else { "," });
            put_text(self.out, text);
        }
        self.out.push(']');
    }

    /// The id of a record that has no other: `<segmentId>-<segmentSeq>`.
    pub(super) fn record_id(&mut self, segment: SegmentId, seq: u64) {
        self.key("recordId");
        self.out.push('"');
        put_hex(self.out, &segment.get().to_be_bytes());
        // Writing into a string cannot fail, here and below.
        let _ = write!(self.out, "-{seq}\"");
    }

    pub(super) fn links(&mut self, links: LinksView<'_>) {
        if links.is_empty() {
            return;
        }
        self.key("links");
        for (i, link) in links.iter().enumerate() {
            self.out.push(if i == 0 { '[' } else { ',' });
            let mut o = Object::begin(self.out);
            o.id("traceId", link.trace_id);
            o.id("spanId", link.span_id);
            o.attributes(link.attributes);
            o.end();
        }
        self.out.push(']');
    }

    pub(super) fn endpoint(&mut self, name: &str, endpoint: EndpointView<'_>) {
        self.key(name);
        let mut o = Object::begin(self.out);
        match endpoint {
            EndpointView::Span { trace_id, span_id } => {
                o.id("traceId", trace_id);
                o.id("spanId", span_id);
            }
            EndpointView::Run(id) => o.id("runId", id),
            EndpointView::Artifact(id) => o.text("artifactId", id),
        }
        o.end();
    }
}

fn put_hex(out: &mut String, bytes: &[u8]) {
    let mut text = [0; 32];
    let text = &mut text[..2 * bytes.len()];
    ids::put_hex(bytes, text);
    out.push_str(std::str::from_utf8(text).unwrap_or_default());
}

fn put_attributes(out: &mut String, attributes: AttributesView<'_>) {
    // Up to here, comparing each key with those after it is fastest. Beyond, that would take quadratic time.
    const FEW: usize = 32;
    let count = attributes.iter().count();
    let last_places: HashMap<&str, usize> =
        if count > FEW { attributes.iter().enumerate().map(|(i, (k, _))| (k, i)).collect() } else { HashMap::new() };
    let is_last = |i: usize, key: &str| match last_places.get(key) {
        Some(last) => *last == i,
        None => !attributes.iter().skip(i + 1).any(|(k, _)| k == key),
    };
    let mut o = Object::begin(out);
    for (_, (key, value)) in attributes.iter().enumerate().filter(|(i, (k, _))| is_last(*i, k)) {
        o.out.push_str(if o.empty { "" } else { "," });
        o.empty = false;
        put_text(o.out, key);
        o.out.push(':');
        put_value(o.out, value);
    }
    o.end();
}

fn put_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::I64(v) => drop(write!(out, "{v}")),
        // The shortest form that reads back as the same number, always with a point or an exponent.
        Value::F64(v) if v.is_finite() => drop(write!(out, "{v:?}")),
        Value::F64(v) if v.is_nan() => put_text(out, "NaN"),
        Value::F64(v) => put_text(out, if v > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        Value::Static(v) | Value::Str(v) => put_text(out, v),
        Value::Json(v) => put_json(out, v),
    }
}

/// Writes JSON text as it is. If it is not JSON, it is written as a text, so that the line stays valid. Line breaks, which
/// are only white space in JSON, become blanks.
fn put_json(out: &mut String, json: &str) {
    if is_json(json) { put_checked_json(out, json) } else { put_text(out, json) }
}

fn is_json(json: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(json).is_ok()
}

fn put_checked_json(out: &mut String, json: &str) {
    if json.contains(['\n', '\r']) {
        out.extend(json.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    } else {
        out.push_str(json);
    }
}

fn put_text(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    out.extend(pieces(text));
    out.push('"');
}
