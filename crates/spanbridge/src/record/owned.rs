//! Records that own all their text, for sinks that keep records, and for importers.

use super::{Artifact, AttributeValue, Attributes, Body, End, Endpoint, Link, Record, Start};
use crate::Value;
use std::borrow::Cow;

impl Record<'_> {
    /// The same record, borrowing nothing. Allocates for each borrowed text.
    pub fn into_owned(self) -> Record<'static> {
        let Record { id, run_id, trace_id, segment_id, segment_seq, service, body } = self;
        let (id, service, body) = (id.map(text), text(service), body.into_owned());
        Record { id, run_id, trace_id, segment_id, segment_seq, service, body }
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn owned(attributes: Attributes<'_>) -> Attributes<'static> {
    attributes.iter().map(|(key, value)| (Cow::Owned(key.to_owned()), value_of(value))).collect()
}

fn value_of(value: Value<'_>) -> AttributeValue<'static> {
    match value {
        Value::I64(v) => AttributeValue::I64(v),
        Value::F64(v) => AttributeValue::F64(v),
        Value::Bool(v) => AttributeValue::Bool(v),
        Value::Static(v) => AttributeValue::Str(v.into()),
        Value::Str(v) => AttributeValue::Str(Cow::Owned(v.to_owned())),
        Value::Json(v) => AttributeValue::Json(Cow::Owned(v.to_owned())),
    }
}

impl Body<'_> {
    fn into_owned(self) -> Body<'static> {
        match self {
            Body::Segment { started_at, resource, via, suspension_id, resumption_id, previous_resumption_id } => {
                Body::Segment {
                    started_at,
                    resource: owned(resource),
                    via,
                    suspension_id: suspension_id.map(text),
                    resumption_id: resumption_id.map(text),
                    previous_resumption_id: previous_resumption_id.map(text),
                }
            }
            Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes } => {
                Body::RunStart {
                    name: text(name),
                    started_at,
                    root_primitive: root_primitive.map(text),
                    parent_run_id,
                    triggered_by_span_id,
                    attributes: owned(attributes),
                }
            }
            Body::RunSuspend { suspension_id, suspended_at, reason } => {
                Body::RunSuspend { suspension_id: text(suspension_id), suspended_at, reason: reason.map(text) }
            }
            Body::RunResume { suspension_id, resumed_at } => {
                Body::RunResume { suspension_id: text(suspension_id), resumed_at }
            }
            Body::RunEnd { ended_at, status, error } => Body::RunEnd { ended_at, status, error: error.map(text) },
            Body::SpanStart(start) => Body::SpanStart(start.into_owned()),
            Body::SpanEnd { span_id, end, attributes } => {
                Body::SpanEnd { span_id, end: end.into_owned(), attributes: owned(attributes) }
            }
            Body::Span(start, end) => Body::Span(start.into_owned(), end.into_owned()),
            Body::SpanAttributes { span_id, attributes } => {
                Body::SpanAttributes { span_id, attributes: owned(attributes) }
            }
            Body::Event { span_id, event_id, name, timestamp, attributes } => Body::Event {
                span_id,
                event_id: text(event_id),
                name: text(name),
                timestamp,
                attributes: owned(attributes),
            },
            Body::Artifact(artifact) => Body::Artifact(artifact.into_owned()),
            Body::Edge { edge_type, from, to } => {
                Body::Edge { edge_type: text(edge_type), from: from.into_owned(), to: to.into_owned() }
            }
            Body::Diagnostic { code, message, count, span_id, attributes } => Body::Diagnostic {
                code: text(code),
                message: text(message),
                count,
                span_id,
                attributes: owned(attributes),
            },
        }
    }
}

impl Start<'_> {
    fn into_owned(self) -> Start<'static> {
        let Start { span_id, parent_span_id, name, primitive, kind, started_at, attributes, links } = self;
        let links = links.into_iter().map(|l| {
            let Link { trace_id, span_id, attributes } = l;
            Link { trace_id, span_id, attributes: owned(attributes) }
        });
        Start {
            span_id,
            parent_span_id,
            name: text(name),
            primitive: text(primitive),
            kind,
            started_at,
            attributes: owned(attributes),
            links: links.collect(),
        }
    }
}

impl End<'_> {
    fn into_owned(self) -> End<'static> {
        End::new(self.ended_at, self.status).with_error(self.error.map(text), self.error_type.map(text))
    }
}

impl Artifact<'_> {
    fn into_owned(self) -> Artifact<'static> {
        let Artifact { span_id, artifact_id, kind, content_type, encoding, size_bytes, hash, preview } = self;
        Artifact {
            span_id,
            artifact_id: text(artifact_id),
            kind: text(kind),
            content_type: text(content_type),
            encoding: text(encoding),
            size_bytes,
            hash: hash.map(text),
            preview: preview.map(text),
        }
    }
}

impl Endpoint<'_> {
    fn into_owned(self) -> Endpoint<'static> {
        match self {
            Endpoint::Span { trace_id, span_id } => Endpoint::Span { trace_id, span_id },
            Endpoint::Run(id) => Endpoint::Run(id),
            Endpoint::Artifact(id) => Endpoint::Artifact(text(id)),
        }
    }
}
