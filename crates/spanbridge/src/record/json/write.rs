//! Writing a record as JSON.

use super::SCHEMA_VERSION;
use super::object::Object;
use crate::family;
use crate::record::{Artifact, Body, End, Record, Start, Via};

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
            None => o.record_id(self.segment_id, self.segment_seq),
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
        Body::Segment { started_at, resource, via, suspension_id, resumption_id, previous_resumption_id } => {
            o.time("startedAt", *started_at);
            o.object("resource", resource);
            o.text("via", via.name());
            o.optional_text("suspensionId", suspension_id);
            o.optional_text("legId", resumption_id);
            o.optional_text("afterLegId", previous_resumption_id);
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
