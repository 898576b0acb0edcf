//! Writing a record as JSON.

use super::SCHEMA_VERSION;
use super::object::Object;
use crate::family;
use crate::record::{BodyView, EndView, Record, RecordView, Via};

impl Record<'_> {
    /// One line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        self.view().to_json()
    }

    /// Appends one line of JSON, without the line's end.
    pub fn write_json(&self, out: &mut String) {
        self.view().write_json(out);
    }
}

impl RecordView<'_> {
    /// One line of JSON, without the line's end.
    pub fn to_json(self) -> String {
        let mut out = String::with_capacity(512);
        self.write_json(&mut out);
        out
    }

    /// Appends one line of JSON, without the line's end.
    pub fn write_json(self, out: &mut String) {
        let what = self.body();
        let mut o = Object::begin(out);
        o.number("schemaVersion", u64::from(SCHEMA_VERSION));
        match self.id() {
            Some(id) => o.text("recordId", id),
            None => o.record_id(self.segment_id(), self.segment_seq()),
        }
        o.text("type", type_of(&what));
        o.option("runId", self.run_id());
        o.option("traceId", self.trace_id());
        o.id("segmentId", self.segment_id());
        o.number("segmentSeq", self.segment_seq());
        o.text("service", self.service());
        body(&mut o, what);
        o.end();
    }
}

fn type_of(body: &BodyView<'_>) -> &'static str {
    match body {
        BodyView::Segment(_) => "segment",
        BodyView::RunStart(_) => "run:start",
        BodyView::RunAttributes(_) => "run:attributes",
        BodyView::RunSuspend(_) => "run:suspend",
        BodyView::RunResume(_) => "run:resume",
        BodyView::RunEnd(_) => "run:end",
        BodyView::Span(span) if span.end().is_none() => "span:start",
        BodyView::Span(_) => "span",
        BodyView::SpanEnd(_) => "span:end",
        BodyView::SpanAttributes(_) => "span:attributes",
        BodyView::Event(_) => "span:event",
        BodyView::Artifact(_) => "artifact",
        BodyView::Mutation(_) => "mutation",
        BodyView::Edge(_) => "edge",
        BodyView::Diagnostic(_) => "diagnostic",
    }
}

fn body(o: &mut Object<'_>, body: BodyView<'_>) {
    match body {
        BodyView::Segment(s) => {
            o.time("startedAt", s.started_at());
            o.object("resource", s.resource());
            o.text("via", s.via().name());
            o.optional_name("suspensionId", s.suspension_id());
            o.optional_name("legId", s.resumption_id());
            o.optional_name("afterLegId", s.previous_resumption_id());
        }
        BodyView::RunStart(r) => {
            o.text("name", r.name());
            o.time("startedAt", r.started_at());
            o.optional_text("rootPrimitive", r.root_primitive());
            o.option("parentRunId", r.parent_run_id());
            o.option("triggeredBySpanId", r.triggered_by_span_id());
            o.attributes(r.attributes());
        }
        BodyView::RunAttributes(r) => o.attributes(r.attributes()),
        BodyView::RunSuspend(r) => {
            o.text("suspensionId", r.suspension_id());
            o.time("suspendedAt", r.suspended_at());
            o.optional_text("reason", r.reason());
        }
        BodyView::RunResume(r) => {
            o.text("suspensionId", r.suspension_id());
            o.time("resumedAt", r.resumed_at());
        }
        BodyView::RunEnd(r) => {
            o.time("endedAt", r.ended_at());
            o.text("status", r.status().name());
            o.optional_text("error", r.error());
        }
        BodyView::Span(span) => {
            o.id("spanId", span.span_id());
            o.option("parentSpanId", span.parent_span_id());
            o.text("name", span.name());
            o.text("family", family(span.primitive()));
            o.text("primitive", span.primitive());
            o.text("kind", span.kind().name());
            o.time("startedAt", span.started_at());
            if let Some(end) = span.end() {
                self::end(o, end);
            }
            o.attributes(span.attributes());
            o.links(span.links());
        }
        BodyView::SpanEnd(s) => {
            o.id("spanId", s.span_id());
            end(o, s.end());
            o.attributes(s.attributes());
        }
        BodyView::SpanAttributes(s) => {
            o.id("spanId", s.span_id());
            o.attributes(s.attributes());
        }
        BodyView::Event(e) => {
            o.id("spanId", e.span_id());
            o.name("eventId", e.event_id());
            o.text("name", e.name());
            o.time("timestamp", e.timestamp());
            o.attributes(e.attributes());
        }
        BodyView::Artifact(a) => {
            o.id("spanId", a.span_id());
            o.name("artifactId", a.artifact_id());
            o.text("kind", a.kind());
            o.text("contentType", a.content_type());
            o.text("encoding", a.encoding());
            o.number("sizeBytes", a.size_bytes());
            o.optional_text("hash", a.hash());
            o.optional_text("preview", a.preview());
        }
        BodyView::Mutation(m) => {
            o.text("mutationId", &m.mutation_id());
            o.option("spanId", m.span_id());
            o.text("database", m.database());
            o.text("table", m.table());
            o.json_object("key", &m.key());
            o.text("op", m.op().name());
            if let Some(before) = m.before() {
                o.json_object("before", &before);
            }
            if let Some(after) = m.after() {
                o.json_object("after", &after);
            }
            o.texts("columns", m.columns().iter());
            if let Some(at) = m.committed_at() {
                o.time("committedAt", at);
            }
            o.optional_text("position", m.position());
        }
        BodyView::Edge(e) => {
            o.text("edgeType", e.edge_type());
            o.endpoint("from", e.from());
            o.endpoint("to", e.to());
        }
        BodyView::Diagnostic(d) => {
            o.text("code", d.code());
            o.text("message", d.message());
            if let Some(count) = d.count() {
                o.number("count", count);
            }
            o.option("spanId", d.span_id());
            o.attributes(d.attributes());
        }
    }
}

fn end(o: &mut Object<'_>, end: EndView<'_>) {
    o.time("endedAt", end.ended_at());
    o.text("status", end.status().name());
    o.optional_text("error", end.error());
    o.optional_text("errorType", end.error_type());
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
