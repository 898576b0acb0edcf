//! From a record to a row.

use super::names::{field, value};
use super::{Attribute, Row};
use spanbridge::record::{AttributesView, BodyView, EndView, EndpointView, IdView, LinksView, RecordView, Via};
use spanbridge::{RunId, SpanId, Status, Value};
use spanbridge_graph::{run_of, time_of};
use std::borrow::Cow;

impl<'r> Row<'r> {
    /// The row of a record. `None`: the record says what this release does not know.
    pub fn of(record: RecordView<'r>) -> Option<Self> {
        let body = record.body();
        let mut parts = parts_of(body)?;
        parts.optional(field::RECORD_ID, record.id());
        let run = run_of(record);
        let attribute = |(key, value): (&'r str, Value<'r>)| -> Attribute<'r> {
            let (kind, text) = typed(value);
            (key.into(), kind, text)
        };
        Some(Self {
            run,
            names_run: record.run_id().is_some(),
            names_trace: record.trace_id().is_some(),
            trace: record.trace_id().filter(|trace| Some(RunId::of_trace(*trace)) != run),
            segment: record.segment_id(),
            seq: record.segment_seq(),
            service: record.service().into(),
            kind: parts.kind.into(),
            span: parts.span,
            parent: parts.parent,
            name: parts.name.into(),
            primitive: parts.primitive.into(),
            role: parts.role.into(),
            status: parts.status.into(),
            at: time_of(body).unwrap_or(0),
            took: parts.took,
            attributes: parts.attributes.iter().map(attribute).collect(),
            fields: parts.fields,
        })
    }
}

/// What a body says, apart from attributes.
struct Parts<'r> {
    kind: &'static str,
    span: Option<SpanId>,
    parent: Option<SpanId>,
    name: &'r str,
    primitive: &'r str,
    role: &'static str,
    status: &'static str,
    took: u64,
    attributes: AttributesView<'r>,
    fields: Vec<(Cow<'static, str>, Cow<'r, str>)>,
}

impl<'r> Parts<'r> {
    fn new(kind: &'static str) -> Self {
        let (span, parent, name, primitive, role, status, took) = (None, None, "", "", "", "", 0);
        let (attributes, fields) = (AttributesView::default(), Vec::new());
        Self { kind, span, parent, name, primitive, role, status, took, attributes, fields }
    }

    fn field(&mut self, key: &'static str, value: impl Into<Cow<'r, str>>) {
        self.fields.push((key.into(), value.into()));
    }

    fn optional(&mut self, key: &'static str, value: Option<&'r str>) {
        if let Some(value) = value {
            self.field(key, value);
        }
    }

    fn id(&mut self, key: &'static str, id: Option<IdView<'r>>) {
        if let Some(id) = id {
            self.field(key, id.to_text());
        }
    }

    fn shown(&mut self, key: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(key, value.to_string());
        }
    }

    fn end(&mut self, end: EndView<'r>) {
        self.status = end.status().name();
        self.optional(field::ERROR, end.error());
        self.optional(field::ERROR_TYPE, end.error_type());
    }

    fn links(&mut self, links: LinksView<'r>) {
        for link in links.iter() {
            self.field(field::LINK, format!("{}{}", link.trace_id, link.span_id));
            for (key, value) in link.attributes {
                let (kind, text) = typed(value);
                self.fields.push((format!("{}{kind}:{key}", field::LINK_ATTRIBUTE).into(), text));
            }
        }
    }

    fn endpoint(&mut self, keys: [&'static str; 3], endpoint: EndpointView<'r>) -> Option<()> {
        let [span, run, artifact] = keys;
        match endpoint {
            EndpointView::Span { trace_id, span_id } => self.field(span, format!("{trace_id}{span_id}")),
            EndpointView::Run(id) => self.field(run, id.to_string()),
            EndpointView::Artifact(id) => self.field(artifact, id),
            _ => return None,
        }
        Some(())
    }
}

/// The kind of a value, and its text. A text reads back to the same value, a float too.
fn typed(value: Value<'_>) -> (u8, Cow<'_, str>) {
    match value {
        Value::I64(n) => (value::I64, n.to_string().into()),
        Value::F64(n) => (value::F64, n.to_string().into()),
        Value::Bool(is) => (value::BOOL, if is { "true" } else { "false" }.into()),
        Value::Static(text) => (value::STR, text.into()),
        Value::Str(text) => (value::STR, text.into()),
        Value::Json(text) => (value::JSON, text.into()),
        other => (value::STR, format!("{other:?}").into()),
    }
}

fn parts_of(body: BodyView<'_>) -> Option<Parts<'_>> {
    let mut parts = Parts::new(type_of(&body)?);
    match body {
        BodyView::Segment(s) => {
            parts.attributes = s.resource();
            parts.field(field::VIA, via(s.via()));
            parts.id(field::SUSPENSION_ID, s.suspension_id());
            parts.id(field::RESUMPTION_ID, s.resumption_id());
            parts.id(field::PREVIOUS_RESUMPTION_ID, s.previous_resumption_id());
        }
        BodyView::RunStart(r) => {
            (parts.name, parts.attributes) = (r.name(), r.attributes());
            parts.optional(field::ROOT_PRIMITIVE, r.root_primitive());
            parts.shown(field::PARENT_RUN_ID, r.parent_run_id());
            parts.shown(field::TRIGGERED_BY, r.triggered_by_span_id());
        }
        BodyView::RunAttributes(r) => parts.attributes = r.attributes(),
        BodyView::RunSuspend(r) => {
            parts.field(field::SUSPENSION_ID, r.suspension_id());
            parts.optional(field::REASON, r.reason());
        }
        BodyView::RunResume(r) => parts.field(field::SUSPENSION_ID, r.suspension_id()),
        BodyView::RunEnd(r) => {
            parts.status = r.status().name();
            parts.optional(field::ERROR, r.error());
        }
        BodyView::Span(span) => {
            (parts.span, parts.parent) = (Some(span.span_id()), span.parent_span_id());
            (parts.name, parts.primitive, parts.role) = (span.name(), span.primitive(), span.kind().name());
            parts.attributes = span.attributes();
            if let Some(end) = span.end() {
                parts.took = end.ended_at().wrapping_sub(span.started_at());
                parts.end(end);
            }
            parts.links(span.links());
        }
        BodyView::SpanEnd(s) => {
            (parts.span, parts.attributes) = (Some(s.span_id()), s.attributes());
            parts.end(s.end());
        }
        BodyView::SpanAttributes(s) => (parts.span, parts.attributes) = (Some(s.span_id()), s.attributes()),
        BodyView::Event(e) => {
            (parts.span, parts.name, parts.attributes) = (Some(e.span_id()), e.name(), e.attributes());
            parts.id(field::EVENT_ID, Some(e.event_id()));
        }
        BodyView::Artifact(a) => {
            parts.span = Some(a.span_id());
            parts.id(field::ARTIFACT_ID, Some(a.artifact_id()));
            parts.field(field::ARTIFACT_KIND, a.kind());
            parts.field(field::CONTENT_TYPE, a.content_type());
            parts.field(field::ENCODING, a.encoding());
            parts.field(field::SIZE_BYTES, a.size_bytes().to_string());
            parts.optional(field::HASH, a.hash());
            parts.optional(field::PREVIEW, a.preview());
        }
        BodyView::Mutation(m) => {
            parts.span = m.span_id();
            parts.field(field::MUTATION_ID, m.mutation_id());
            parts.field(field::DATABASE, m.database());
            parts.field(field::TABLE, m.table());
            parts.field(field::KEY, m.key());
            parts.field(field::OP, m.op().name());
            for (key, values) in [(field::BEFORE, m.before()), (field::AFTER, m.after())] {
                values.into_iter().for_each(|values| parts.field(key, values));
            }
            m.columns().iter().for_each(|column| parts.field(field::COLUMN, column));
            parts.shown(field::COMMITTED_AT, m.committed_at());
            parts.optional(field::POSITION, m.position());
        }
        BodyView::Edge(e) => {
            parts.name = e.edge_type();
            parts.endpoint(field::FROM, e.from())?;
            parts.endpoint(field::TO, e.to())?;
        }
        BodyView::Diagnostic(d) => {
            (parts.span, parts.name, parts.attributes) = (d.span_id(), d.code(), d.attributes());
            parts.field(field::MESSAGE, d.message());
            parts.shown(field::COUNT, d.count());
        }
        _ => return None,
    }
    Some(parts)
}

/// The `type` of a record in JSON.
fn type_of(body: &BodyView<'_>) -> Option<&'static str> {
    Some(match body {
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
        _ => return None,
    })
}

pub(super) fn via(via: Via) -> &'static str {
    match via {
        Via::Start => "start",
        Via::Resume => "resume",
        Via::Receive => "receive",
        _ => "",
    }
}

/// Every status.
pub(super) const STATUSES: [Status; 4] = [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled];
