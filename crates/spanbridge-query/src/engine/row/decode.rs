//! From a row to a record.

use super::encode::{STATUSES, via};
use super::names::{field, value};
use super::{Attribute, Row};
use spanbridge::record::{
    Artifact, AttributeValue, Attributes, Body, Diagnostic, Edge, End, Endpoint, Event, Link, Mutation, MutationOp,
    Record, RunAttributes, RunEnd, RunResume, RunStart, RunSuspend, Segment, SpanAttributes, SpanData, SpanEnd, Via,
};
use spanbridge::{Kind, SpanId, Status, TraceId};
use std::borrow::Cow;

type Text = Cow<'static, str>;

impl Row<'static> {
    /// The record of a row. `None`: the row is of a later release, or damaged.
    pub fn into_record(self) -> Option<Record<'static>> {
        let trace = self.trace.or_else(|| self.run.and_then(|run| TraceId::new(run.get())));
        let run = self.run.filter(|_| self.names_run);
        let trace = trace.filter(|_| self.names_trace);
        let mut fields = Fields(self.fields);
        let id = fields.take(field::RECORD_ID);
        let parts = Parts {
            span: self.span,
            parent: self.parent,
            name: self.name,
            primitive: self.primitive,
            role: self.role,
            status: STATUSES.into_iter().find(|known| known.name() == self.status),
            at: self.at,
            took: self.took,
            attributes: attributes(self.attributes)?,
        };
        let body = parts.body(&self.kind, &mut fields)?;
        Some(Record::new(self.segment, self.seq, self.service, body).of_run(run, trace).with_id(id))
    }
}

fn attributes(all: Vec<Attribute<'static>>) -> Option<Attributes<'static>> {
    all.into_iter().map(|(key, kind, text)| Some((key, attribute(kind, text)?))).collect()
}

fn attribute(kind: u8, text: Text) -> Option<AttributeValue<'static>> {
    Some(match kind {
        value::I64 => AttributeValue::I64(text.parse().ok()?),
        value::F64 => AttributeValue::F64(text.parse().ok()?),
        value::BOOL => AttributeValue::Bool(text.parse().ok()?),
        value::STR => AttributeValue::Str(text),
        value::JSON => AttributeValue::Json(text),
        _ => return None,
    })
}

/// The fields that are not taken yet.
struct Fields(Vec<(Text, Text)>);

impl Fields {
    fn take(&mut self, key: &str) -> Option<Text> {
        let found = self.0.iter_mut().find(|(known, _)| known == key)?;
        Some(std::mem::take(&mut found.1))
    }

    fn parsed<T: std::str::FromStr>(&mut self, key: &str) -> Option<T> {
        self.take(key)?.parse().ok()
    }

    fn end(&mut self, ended_at: u64, status: Option<Status>) -> Option<End<'static>> {
        let end = End::new(ended_at, status?);
        Some(end.with_error(self.take(field::ERROR)).with_error_type(self.take(field::ERROR_TYPE)))
    }

    fn links(&mut self) -> Option<Vec<Link<'static>>> {
        let mut links: Vec<(TraceId, SpanId, Vec<Attribute<'static>>)> = Vec::new();
        for (key, text) in std::mem::take(&mut self.0) {
            if key == field::LINK {
                let (trace, span) = place(&text)?;
                links.push((trace, span, Vec::new()));
            } else if let Some(rest) = key.strip_prefix(field::LINK_ATTRIBUTE) {
                let (kind, key) = rest.split_once(':')?;
                links.last_mut()?.2.push((key.to_owned().into(), kind.parse().ok()?, text));
            }
        }
        let link = |(trace, span, of_link)| Some(Link::new(trace, span, attributes(of_link)?));
        links.into_iter().map(link).collect()
    }

    fn endpoint(&mut self, [span, run, artifact]: [&str; 3]) -> Option<Endpoint<'static>> {
        if let Some(text) = self.take(span) {
            let (trace_id, span_id) = place(&text)?;
            return Some(Endpoint::Span { trace_id, span_id });
        }
        match self.take(run) {
            Some(text) => text.parse().ok().map(Endpoint::Run),
            None => self.take(artifact).map(Endpoint::Artifact),
        }
    }

    fn mutation(&mut self, span: Option<SpanId>) -> Option<Mutation<'static>> {
        let op = MutationOp::from_name(&self.take(field::OP)?)?;
        let [id, database, table, key] =
            [field::MUTATION_ID, field::DATABASE, field::TABLE, field::KEY].map(|k| self.take(k));
        let columns = self.0.iter().filter(|(key, _)| key == field::COLUMN).map(|(_, name)| name.clone());
        let columns = columns.collect();
        let mutation = Mutation::new(id?, database?, table?, key?, op)
            .with_span_id(span)
            .with_before(self.take(field::BEFORE))
            .with_after(self.take(field::AFTER))
            .with_columns(columns)
            .with_committed_at(self.parsed(field::COMMITTED_AT))
            .with_position(self.take(field::POSITION));
        Some(mutation)
    }
}

/// A trace and a span, 48 digits.
fn place(text: &str) -> Option<(TraceId, SpanId)> {
    let (trace, span) = text.as_bytes().split_at_checked(32)?;
    Some((TraceId::from_hex(trace)?, SpanId::from_hex(span)?))
}

/// What has a column of its own.
struct Parts {
    span: Option<SpanId>,
    parent: Option<SpanId>,
    name: Text,
    primitive: Text,
    role: Text,
    status: Option<Status>,
    at: u64,
    took: u64,
    attributes: Attributes<'static>,
}

impl Parts {
    fn body(self, kind: &str, fields: &mut Fields) -> Option<Body<'static>> {
        let Self { span, name, at, status, attributes, .. } = self;
        Some(match kind {
            "segment" => {
                let known = fields.take(field::VIA)?;
                let via = [Via::Start, Via::Resume, Via::Receive].into_iter().find(|of| via(*of) == known)?;
                Segment::new(at, attributes, via)
                    .with_suspension_id(fields.take(field::SUSPENSION_ID))
                    .with_resumption_id(fields.take(field::RESUMPTION_ID))
                    .with_previous_resumption_id(fields.take(field::PREVIOUS_RESUMPTION_ID))
                    .into()
            }
            "run:start" => RunStart::new(name, at)
                .with_root_primitive(fields.take(field::ROOT_PRIMITIVE))
                .with_parent_run_id(fields.parsed(field::PARENT_RUN_ID))
                .with_triggered_by_span_id(fields.parsed(field::TRIGGERED_BY))
                .with_attributes(attributes)
                .into(),
            "run:attributes" => RunAttributes::new(attributes).into(),
            "run:suspend" => {
                let suspend = RunSuspend::new(fields.take(field::SUSPENSION_ID)?, at);
                suspend.with_reason(fields.take(field::REASON)).into()
            }
            "run:resume" => RunResume::new(fields.take(field::SUSPENSION_ID)?, at).into(),
            "run:end" => RunEnd::new(at, status?).with_error(fields.take(field::ERROR)).into(),
            "span" | "span:start" => {
                let mut start = SpanData::new(span?, name, at);
                (start.parent_span_id, start.primitive, start.attributes) = (self.parent, self.primitive, attributes);
                start.kind = KINDS.into_iter().find(|known| known.name() == self.role)?;
                if kind == "span" {
                    start.end = Some(fields.end(at.wrapping_add(self.took), status)?);
                }
                start.links = fields.links()?;
                start.into()
            }
            "span:end" => SpanEnd::new(span?, fields.end(at, status)?).with_attributes(attributes).into(),
            "span:attributes" => SpanAttributes::new(span?, attributes).into(),
            "span:event" => {
                Event::new(span?, fields.take(field::EVENT_ID)?, name, at).with_attributes(attributes).into()
            }
            "artifact" => {
                let [id, kind, content_type] =
                    [field::ARTIFACT_ID, field::ARTIFACT_KIND, field::CONTENT_TYPE].map(|key| fields.take(key));
                Artifact::new(span?, id?, kind?, content_type?, fields.parsed(field::SIZE_BYTES)?)
                    .with_encoding(fields.take(field::ENCODING)?)
                    .with_hash(fields.take(field::HASH))
                    .with_preview(fields.take(field::PREVIEW))
                    .into()
            }
            "mutation" => fields.mutation(span)?.into(),
            "edge" => Edge::new(name, fields.endpoint(field::FROM)?, fields.endpoint(field::TO)?).into(),
            "diagnostic" => Diagnostic::new(name, fields.take(field::MESSAGE)?)
                .with_count(fields.parsed(field::COUNT))
                .with_span_id(span)
                .with_attributes(attributes)
                .into(),
            _ => return None,
        })
    }
}

const KINDS: [Kind; 5] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
