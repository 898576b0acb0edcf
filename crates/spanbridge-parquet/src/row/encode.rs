//! From a record to a row.

use super::cells::{LinkRow, Pairs, Row};
use crate::columns::{Number, Text, value};
use spanbridge::Value;
use spanbridge::record::{
    ArtifactView, AttributesView, BodyView, EndView, EndpointView, IdView, MutationView, RecordView, SpanView, Via,
};
use std::borrow::Cow;
use std::fmt::Display;

/// The row of a record. `None`: the record says what this release does not know.
pub(crate) fn row_of(record: RecordView<'_>) -> Option<Row<'_>> {
    let mut row = Row::default();
    row.shown(Text::RunId, record.run_id());
    row.shown(Text::TraceId, record.trace_id());
    row.shown(Text::Segment, Some(record.segment_id()));
    row.set_number(Number::Seq, record.segment_seq());
    row.set(Text::Service, record.service());
    row.optional(Text::RecordId, record.id());
    row.body(record.body())?;
    Some(row)
}

impl<'r> Row<'r> {
    fn optional(&mut self, column: Text, text: Option<&'r str>) {
        if let Some(text) = text {
            self.set(column, text);
        }
    }

    fn shown(&mut self, column: Text, id: Option<impl Display>) {
        if let Some(id) = id {
            self.set(column, id.to_string());
        }
    }

    fn id(&mut self, column: Text, id: Option<IdView<'r>>) {
        if let Some(id) = id {
            self.set(column, id.to_text());
        }
    }

    fn add_attributes(&mut self, attributes: AttributesView<'r>) {
        let (pairs, types) = typed(attributes);
        self.attributes = pairs;
        if !types.is_empty() {
            self.set(Text::AttributeTypes, types);
        }
    }

    fn put_end(&mut self, end: EndView<'r>) {
        self.set(Text::Status, end.status().name());
        self.optional(Text::Error, end.error());
        self.optional(Text::ErrorType, end.error_type());
    }

    fn body(&mut self, body: BodyView<'r>) -> Option<()> {
        self.set(Text::Type, type_of(&body)?);
        match body {
            BodyView::Segment(s) => {
                self.set_number(Number::StartedAt, s.started_at());
                self.add_attributes(s.resource());
                self.set(Text::Via, via(s.via()));
                self.id(Text::SuspensionId, s.suspension_id());
                self.id(Text::ResumptionId, s.resumption_id());
                self.id(Text::PreviousResumptionId, s.previous_resumption_id());
            }
            BodyView::RunStart(r) => {
                self.set(Text::Name, r.name());
                self.set_number(Number::StartedAt, r.started_at());
                self.optional(Text::RootPrimitive, r.root_primitive());
                self.shown(Text::ParentRunId, r.parent_run_id());
                self.shown(Text::TriggeredBySpanId, r.triggered_by_span_id());
                self.add_attributes(r.attributes());
            }
            BodyView::RunAttributes(r) => self.add_attributes(r.attributes()),
            BodyView::RunSuspend(r) => {
                self.set(Text::SuspensionId, r.suspension_id());
                self.set_number(Number::StartedAt, r.suspended_at());
                self.optional(Text::Reason, r.reason());
            }
            BodyView::RunResume(r) => {
                self.set(Text::SuspensionId, r.suspension_id());
                self.set_number(Number::StartedAt, r.resumed_at());
            }
            BodyView::RunEnd(r) => {
                self.set_number(Number::EndedAt, r.ended_at());
                self.set(Text::Status, r.status().name());
                self.optional(Text::Error, r.error());
            }
            BodyView::Span(span) => self.span(span),
            BodyView::SpanEnd(s) => {
                self.shown(Text::SpanId, Some(s.span_id()));
                self.set_number(Number::EndedAt, s.end().ended_at());
                self.put_end(s.end());
                self.add_attributes(s.attributes());
            }
            BodyView::SpanAttributes(s) => {
                self.shown(Text::SpanId, Some(s.span_id()));
                self.add_attributes(s.attributes());
            }
            BodyView::Event(e) => {
                self.shown(Text::SpanId, Some(e.span_id()));
                self.id(Text::EventId, Some(e.event_id()));
                self.set(Text::Name, e.name());
                self.set_number(Number::StartedAt, e.timestamp());
                self.add_attributes(e.attributes());
            }
            BodyView::Artifact(a) => self.artifact(a),
            BodyView::Mutation(m) => self.mutation(m),
            BodyView::Edge(e) => {
                self.set(Text::Name, e.edge_type());
                self.put_endpoint(
                    [Text::FromTraceId, Text::FromSpanId, Text::FromRunId, Text::FromArtifactId],
                    e.from(),
                )?;
                self.put_endpoint([Text::ToTraceId, Text::ToSpanId, Text::ToRunId, Text::ToArtifactId], e.to())?;
            }
            BodyView::Diagnostic(d) => {
                self.set(Text::Name, d.code());
                self.set(Text::Message, d.message());
                d.count().into_iter().for_each(|count| self.set_number(Number::Count, count));
                self.shown(Text::SpanId, d.span_id());
                self.add_attributes(d.attributes());
            }
            _ => return None,
        }
        Some(())
    }

    fn span(&mut self, span: SpanView<'r>) {
        self.shown(Text::SpanId, Some(span.span_id()));
        self.shown(Text::ParentSpanId, span.parent_span_id());
        self.set(Text::Name, span.name());
        self.set(Text::Primitive, span.primitive());
        self.set(Text::Kind, span.kind().name());
        self.set_number(Number::StartedAt, span.started_at());
        if let Some(end) = span.end() {
            self.set_number(Number::DurationNs, end.ended_at().wrapping_sub(span.started_at()));
            self.put_end(end);
        }
        self.add_attributes(span.attributes());
        self.links.extend(span.links().into_iter().map(|link| {
            let (attributes, types) = typed(link.attributes);
            let attribute_types = (!types.is_empty()).then(|| types.into());
            let (trace_id, span_id) = (link.trace_id.to_string().into(), link.span_id.to_string().into());
            LinkRow { trace_id, span_id, attributes, attribute_types }
        }));
    }

    fn artifact(&mut self, a: ArtifactView<'r>) {
        self.shown(Text::SpanId, Some(a.span_id()));
        self.id(Text::ArtifactId, Some(a.artifact_id()));
        self.set(Text::ArtifactKind, a.kind());
        self.set(Text::ContentType, a.content_type());
        self.set(Text::Encoding, a.encoding());
        self.set_number(Number::SizeBytes, a.size_bytes());
        self.optional(Text::Hash, a.hash());
        self.optional(Text::Preview, a.preview());
    }

    fn mutation(&mut self, m: MutationView<'r>) {
        self.shown(Text::SpanId, m.span_id());
        self.set(Text::MutationId, m.mutation_id());
        self.set(Text::Database, m.database());
        self.set(Text::TableName, m.table());
        self.set(Text::RowKey, m.key());
        self.set(Text::Op, m.op().name());
        for (column, values) in [(Text::RowBefore, m.before()), (Text::RowAfter, m.after())] {
            values.into_iter().for_each(|values| self.set(column, values));
        }
        self.changed_columns = m.columns().iter().map(Cow::Borrowed).collect();
        m.committed_at().into_iter().for_each(|at| self.set_number(Number::StartedAt, at));
        self.optional(Text::Position, m.position());
    }

    fn put_endpoint(&mut self, [trace, span, run, artifact]: [Text; 4], endpoint: EndpointView<'r>) -> Option<()> {
        match endpoint {
            EndpointView::Span { trace_id, span_id } => {
                self.shown(trace, Some(trace_id));
                self.shown(span, Some(span_id));
            }
            EndpointView::Run(id) => self.shown(run, Some(id)),
            EndpointView::Artifact(id) => self.set(artifact, id),
            _ => return None,
        }
        Some(())
    }
}

/// Keys and texts of attributes, and a letter for the kind of each value. A text reads back to the same value, a float too.
fn typed(attributes: AttributesView<'_>) -> (Pairs<'_>, String) {
    let mut types = String::new();
    let pairs = attributes.iter().map(|(key, value)| {
        let (kind, text) = match value {
            Value::I64(n) => (value::I64, n.to_string().into()),
            Value::F64(n) => (value::F64, format!("{n:?}").into()),
            Value::Bool(is) => (value::BOOL, if is { "true" } else { "false" }.into()),
            Value::Static(text) => (value::STR, text.into()),
            Value::Str(text) => (value::STR, text.into()),
            Value::Json(text) => (value::JSON, text.into()),
            other => (value::STR, format!("{other:?}").into()),
        };
        types.push(kind);
        (Cow::Borrowed(key), text)
    });
    (pairs.collect(), types)
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
