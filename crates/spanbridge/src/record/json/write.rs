//! Writing a record as JSON.

use super::SCHEMA_VERSION;
use crate::json_text::pieces;
use crate::record::time::put_time;
use crate::record::{Artifact, Attributes, Body, End, Endpoint, Link, Record, Start, Via};
use crate::{RunId, SegmentId, SpanId, TraceId, Value, family, ids};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::fmt::Write;

impl Record<'_> {
    /// One line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(512);
        self.write_json(&mut out);
        out
    }

    /// Appends one line of JSON, without the line's end.
    pub fn write_json(&self, out: &mut String) {
        let mut o = Object::begin(out);
        o.number("schemaVersion", u64::from(SCHEMA_VERSION));
        match &self.id {
            Some(id) => o.text("recordId", id),
            None => {
                o.key("recordId");
                o.out.push('"');
                put_hex(o.out, &self.segment_id.get().to_be_bytes());
                // Writing into a string cannot fail, here and below.
                let _ = write!(o.out, "-{}\"", self.segment_seq);
            }
        }
        o.text("type", type_of(&self.body));
        o.option("runId", self.run_id);
        o.option("traceId", self.trace_id);
        o.id("segmentId", self.segment_id);
        o.number("segmentSeq", self.segment_seq);
        o.text("service", &self.service);
        body(&mut o, &self.body);
        o.end();
    }
}

fn type_of(body: &Body<'_>) -> &'static str {
    match body {
        Body::Segment { .. } => "segment",
        Body::RunStart { .. } => "run:start",
        Body::RunSuspend { .. } => "run:suspend",
        Body::RunResume { .. } => "run:resume",
        Body::RunEnd { .. } => "run:end",
        Body::SpanStart(_) => "span:start",
        Body::SpanEnd { .. } => "span:end",
        Body::Span(..) => "span",
        Body::SpanAttributes { .. } => "span:attributes",
        Body::Event { .. } => "span:event",
        Body::Artifact(_) => "artifact",
        Body::Edge { .. } => "edge",
        Body::Diagnostic { .. } => "diagnostic",
    }
}

fn body(o: &mut Object<'_>, body: &Body<'_>) {
    match body {
        Body::Segment { started_at, resource, via, suspension_id } => {
            o.time("startedAt", *started_at);
            o.key("resource");
            put_attributes(o.out, resource);
            o.text("via", via.name());
            o.optional_text("suspensionId", suspension_id);
        }
        Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes } => {
            o.text("name", name);
            o.time("startedAt", *started_at);
            o.optional_text("rootPrimitive", root_primitive);
            o.option("parentRunId", *parent_run_id);
            o.option("triggeredBySpanId", *triggered_by_span_id);
            o.attributes(attributes);
        }
        Body::RunSuspend { suspension_id, suspended_at, reason } => {
            o.text("suspensionId", suspension_id);
            o.time("suspendedAt", *suspended_at);
            o.optional_text("reason", reason);
        }
        Body::RunResume { suspension_id, resumed_at } => {
            o.text("suspensionId", suspension_id);
            o.time("resumedAt", *resumed_at);
        }
        Body::RunEnd { ended_at, status, error } => {
            o.time("endedAt", *ended_at);
            o.text("status", status.name());
            o.optional_text("error", error);
        }
        Body::SpanStart(start) => {
            self::start(o, start);
            o.attributes(&start.attributes);
            o.links(&start.links);
        }
        Body::SpanEnd { span_id, end, attributes } => {
            o.id("spanId", *span_id);
            self::end(o, end);
            o.attributes(attributes);
        }
        Body::Span(start, end) => {
            self::start(o, start);
            self::end(o, end);
            o.attributes(&start.attributes);
            o.links(&start.links);
        }
        Body::SpanAttributes { span_id, attributes } => {
            o.id("spanId", *span_id);
            o.attributes(attributes);
        }
        Body::Event { span_id, event_id, name, timestamp, attributes } => {
            o.id("spanId", *span_id);
            o.text("eventId", event_id);
            o.text("name", name);
            o.time("timestamp", *timestamp);
            o.attributes(attributes);
        }
        Body::Artifact(Artifact { span_id, artifact_id, kind, content_type, encoding, size_bytes, hash, preview }) => {
            o.id("spanId", *span_id);
            o.text("artifactId", artifact_id);
            o.text("kind", kind);
            o.text("contentType", content_type);
            o.text("encoding", encoding);
            o.number("sizeBytes", *size_bytes);
            o.optional_text("hash", hash);
            o.optional_text("preview", preview);
        }
        Body::Edge { edge_type, from, to } => {
            o.text("edgeType", edge_type);
            o.endpoint("from", from);
            o.endpoint("to", to);
        }
        Body::Diagnostic { code, message, count, span_id, attributes } => {
            o.text("code", code);
            o.text("message", message);
            if let Some(count) = count {
                o.number("count", *count);
            }
            o.option("spanId", *span_id);
            o.attributes(attributes);
        }
    }
}

fn start(o: &mut Object<'_>, start: &Start<'_>) {
    o.id("spanId", start.span_id);
    o.option("parentSpanId", start.parent_span_id);
    o.text("name", &start.name);
    o.text("family", family(&start.primitive));
    o.text("primitive", &start.primitive);
    o.text("kind", start.kind.name());
    o.time("startedAt", start.started_at);
}

fn end(o: &mut Object<'_>, end: &End<'_>) {
    o.time("endedAt", end.ended_at);
    o.text("status", end.status.name());
    o.optional_text("error", &end.error);
}

impl Via {
    fn name(self) -> &'static str {
        match self {
            Via::Start => "start",
            Via::Resume => "resume",
            Via::Receive => "receive",
        }
    }
}

/// An identifier's digits, between quotes.
trait Id {
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

/// An object that is being written. Names are ours and need no escapes.
struct Object<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    fn end(self) {
        self.out.push('}');
    }

    fn key(&mut self, name: &str) {
        self.out.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        put_text(self.out, text);
    }

    fn optional_text(&mut self, name: &str, text: &Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text.as_ref());
        }
    }

    fn id(&mut self, name: &str, id: impl Id) {
        self.key(name);
        id.put(self.out);
    }

    fn option(&mut self, name: &str, id: Option<impl Id>) {
        if let Some(id) = id {
            self.id(name, id);
        }
    }

    fn number(&mut self, name: &str, number: u64) {
        self.key(name);
        let _ = write!(self.out, "{number}");
    }

    fn time(&mut self, name: &str, nanos: u64) {
        self.key(name);
        self.out.push('"');
        put_time(nanos, self.out);
        self.out.push('"');
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        if !attributes.is_empty() {
            self.key("attributes");
            put_attributes(self.out, attributes);
        }
    }

    fn links(&mut self, links: &[Link<'_>]) {
        if links.is_empty() {
            return;
        }
        self.key("links");
        for (i, link) in links.iter().enumerate() {
            self.out.push(if i == 0 { '[' } else { ',' });
            let mut o = Object::begin(self.out);
            o.id("traceId", link.trace_id);
            o.id("spanId", link.span_id);
            o.attributes(&link.attributes);
            o.end();
        }
        self.out.push(']');
    }

    fn endpoint(&mut self, name: &str, endpoint: &Endpoint<'_>) {
        self.key(name);
        let mut o = Object::begin(self.out);
        match endpoint {
            Endpoint::Span { trace_id, span_id } => {
                o.id("traceId", *trace_id);
                o.id("spanId", *span_id);
            }
            Endpoint::Run(id) => o.id("runId", *id),
            Endpoint::Artifact(id) => o.text("artifactId", id),
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

fn put_attributes(out: &mut String, attributes: &Attributes<'_>) {
    // Comparing each key with those behind it is quickest for as many as spans have; more must not take the square.
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
        // Shortest form that reads back the same, and always with a point or an exponent.
        Value::F64(v) if v.is_finite() => drop(write!(out, "{v:?}")),
        Value::F64(v) if v.is_nan() => put_text(out, "NaN"),
        Value::F64(v) => put_text(out, if v > 0.0 { "Infinity" } else { "-Infinity" }),
        Value::Bool(v) => out.push_str(if v { "true" } else { "false" }),
        Value::Static(v) | Value::Str(v) => put_text(out, v),
        Value::Json(v) => put_json(out, v),
    }
}

/// JSON text as it is. Text that is not JSON must not spoil the line and is written as a text; ends of lines, which
/// JSON has only as white space, become blanks.
fn put_json(out: &mut String, json: &str) {
    if serde_json::from_str::<IgnoredAny>(json).is_err() {
        put_text(out, json);
    } else if json.contains(['\n', '\r']) {
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
