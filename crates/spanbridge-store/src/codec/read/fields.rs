//! The fields of a record, in the order in which `write::fields` writes them.

use super::streams::{Streams, wide};
use crate::codec::bytes::{Reader, at_distance, unzigzag};
use crate::codec::recent::Recent;
use crate::codec::{endpoint, op, span, tag, value};
use spanbridge::record::{
    Artifact, AttributeValue, Attributes, Body, Diagnostic, Edge, End, Endpoint, Event, Link, Mutation, RunAttributes,
    RunEnd, RunResume, RunStart, RunSuspend, Segment, SpanAttributes, SpanData, SpanEnd, Via,
};
use spanbridge::{Kind, RunId, SpanId, Status, TraceId};
use std::borrow::Cow;

/// The fields of one record, in the order in which `write` writes them.
pub(super) struct Fields<'b, 'a> {
    pub(super) codes: Reader<'a>,
    pub(super) names: std::slice::Iter<'b, &'a str>,
    pub(super) streams: &'b mut Streams<'a>,
    pub(super) recent: &'b mut Recent,
    pub(super) time: &'b mut u64,
    pub(super) key: Option<RunId>,
    pub(super) trace_id: Option<TraceId>,
}

impl<'a> Fields<'_, 'a> {
    pub(super) fn record(&mut self) -> Option<(Option<Cow<'a, str>>, Body<'a>)> {
        let tag = self.codes.byte()?;
        let id = if tag & tag::FOREIGN == 0 { None } else { Some(self.text()?) };
        Some((id, self.body(tag & !tag::FOREIGN)?))
    }

    fn body(&mut self, tag: u8) -> Option<Body<'a>> {
        Some(match tag {
            tag::SEGMENT => {
                let started_at = self.time()?;
                let code = self.codes.byte()?;
                let [resumption_id, previous_resumption_id] =
                    if code & tag::RESUMPTIONS == 0 { [None, None] } else { [self.maybe_text()?, self.maybe_text()?] };
                let via = match code & !tag::RESUMPTIONS {
                    1 => Via::Start,
                    2 => Via::Resume,
                    3 => Via::Receive,
                    _ => return None,
                };
                let suspension_id = self.maybe_text()?;
                Body::Segment(
                    Segment::new(started_at, self.attributes()?, via)
                        .with_suspension_id(suspension_id)
                        .with_resumption_id(resumption_id)
                        .with_previous_resumption_id(previous_resumption_id),
                )
            }
            tag::RUN_START => {
                let started_at = self.time()?;
                let name = self.name()?;
                let root_primitive = if self.flag()? { Some(self.name()?) } else { None };
                let parent_run_id = if self.flag()? { Some(RunId::new(self.wide()?)?) } else { None };
                let triggered_by_span_id = self.maybe_span()?;
                let attributes = self.attributes()?;
                Body::RunStart(
                    RunStart::new(name, started_at)
                        .with_root_primitive(root_primitive)
                        .with_parent_run_id(parent_run_id)
                        .with_triggered_by_span_id(triggered_by_span_id)
                        .with_attributes(attributes),
                )
            }
            tag::RUN_ATTRIBUTES => Body::RunAttributes(RunAttributes::new(self.attributes()?)),
            tag::RUN_SUSPEND => {
                let suspended_at = self.time()?;
                let suspension_id = self.text()?;
                Body::RunSuspend(RunSuspend::new(suspension_id, suspended_at).with_reason(self.maybe_text()?))
            }
            tag::RUN_RESUME => {
                let resumed_at = self.time()?;
                Body::RunResume(RunResume::new(self.text()?, resumed_at))
            }
            tag::RUN_END => {
                let ended_at = self.time()?;
                let End { status, error, .. } = self.end(ended_at)?;
                Body::RunEnd(RunEnd::new(ended_at, status).with_error(error))
            }
            tag::SPAN_START => {
                let span = self.span_data()?;
                Body::Span(span.with_links(self.links()?))
            }
            tag::SPAN_END => {
                let span_id = self.span()?;
                let ended_at = self.time()?;
                let end = self.end(ended_at)?;
                Body::SpanEnd(SpanEnd::new(span_id, end).with_attributes(self.attributes()?))
            }
            tag::SPAN => {
                let span = self.span_data()?;
                let ended_at = at_distance(span.started_at, self.streams.times.varint()?);
                let end = self.end(ended_at)?;
                Body::Span(span.with_end(Some(end)).with_links(self.links()?))
            }
            tag::SPAN_ATTRIBUTES => {
                let span_id = self.span()?;
                Body::SpanAttributes(SpanAttributes::new(span_id, self.attributes()?))
            }
            tag::EVENT => {
                let span_id = self.span()?;
                let timestamp = self.time()?;
                let event_id = self.text()?;
                let name = self.name()?;
                Body::Event(Event::new(span_id, event_id, name, timestamp).with_attributes(self.attributes()?))
            }
            tag::ARTIFACT => {
                let (span_id, artifact_id) = (self.span()?, self.text()?);
                let (kind, content_type, encoding) = (self.name()?, self.name()?, self.name()?);
                let size_bytes = self.streams.numbers.varint()?;
                Body::Artifact(
                    Artifact::new(span_id, artifact_id, kind, content_type, size_bytes)
                        .with_encoding(encoding)
                        .with_hash(self.maybe_text()?)
                        .with_preview(self.maybe_text()?),
                )
            }
            tag::MUTATION => {
                let mutation_id = self.text()?;
                let span_id = self.maybe_span()?;
                let (database, table, key) = (self.name()?, self.name()?, self.text()?);
                let op = op::of(self.codes.byte()?)?;
                let (before, after) = (self.maybe_text()?, self.maybe_text()?);
                let mut columns = Vec::new();
                while self.flag()? {
                    columns.push(self.name()?);
                }
                let committed_at =
                    if self.flag()? { Some(at_distance(*self.time, self.streams.times.varint()?)) } else { None };
                Body::Mutation(
                    Mutation::new(mutation_id, database, table, key, op)
                        .with_span_id(span_id)
                        .with_before(before)
                        .with_after(after)
                        .with_columns(columns)
                        .with_committed_at(committed_at)
                        .with_position(self.maybe_text()?),
                )
            }
            tag::EDGE => {
                let edge_type = self.name()?;
                let from = self.endpoint()?;
                Body::Edge(Edge::new(edge_type, from, self.endpoint()?))
            }
            tag::DIAGNOSTIC => {
                let code = self.name()?;
                let message = self.text()?;
                let count = if self.flag()? { Some(self.streams.numbers.varint()?) } else { None };
                let span_id = self.maybe_span()?;
                Body::Diagnostic(
                    Diagnostic::new(code, message)
                        .with_count(count)
                        .with_span_id(span_id)
                        .with_attributes(self.attributes()?),
                )
            }
            _ => return None,
        })
    }

    /// A span without its end and its links, which come last.
    fn span_data(&mut self) -> Option<SpanData<'a>> {
        let span_id = SpanId::new(self.streams.words.word()?)?;
        let parent_span_id = self.maybe_span()?;
        self.recent.push(span_id.get());
        let name = self.name()?;
        let primitive = self.name()?;
        let kind = match self.codes.byte()? {
            0 => Kind::Internal,
            1 => Kind::Server,
            2 => Kind::Client,
            3 => Kind::Producer,
            4 => Kind::Consumer,
            _ => return None,
        };
        let started_at = self.time()?;
        let attributes = self.attributes()?;
        Some(
            SpanData::new(span_id, name, started_at)
                .with_parent_span_id(parent_span_id)
                .with_primitive(primitive)
                .with_kind(kind)
                .with_attributes(attributes),
        )
    }

    fn end(&mut self, ended_at: u64) -> Option<End<'a>> {
        let code = self.codes.byte()?;
        let status = match code & !tag::ERROR_TYPE {
            1 => Status::Ok,
            2 => Status::Error,
            3 => Status::Panicked,
            4 => Status::Cancelled,
            _ => return None,
        };
        let error = self.maybe_text()?;
        let error_type = if code & tag::ERROR_TYPE == 0 { None } else { Some(self.name()?) };
        Some(End::new(ended_at, status).with_error(error).with_error_type(error_type))
    }

    fn links(&mut self) -> Option<Vec<Link<'a>>> {
        let mut links = Vec::new();
        loop {
            let trace_id = match self.codes.byte()? {
                0 => return Some(links),
                1 => self.trace_id?,
                2 => TraceId::new(self.wide()?)?,
                _ => return None,
            };
            let span_id = SpanId::new(self.streams.words.word()?)?;
            links.push(Link::new(trace_id, span_id, self.attributes()?));
        }
    }

    fn endpoint(&mut self) -> Option<Endpoint<'a>> {
        Some(match self.codes.byte()? {
            endpoint::SPAN => Endpoint::Span { trace_id: TraceId::new(self.wide()?)?, span_id: self.span()? },
            endpoint::RUN => Endpoint::Run(RunId::new(self.wide()?)?),
            endpoint::ARTIFACT => Endpoint::Artifact(self.text()?),
            _ => return None,
        })
    }

    fn attributes(&mut self) -> Option<Attributes<'a>> {
        let mut attributes = Vec::new();
        loop {
            let value = match self.codes.byte()? {
                value::END => return Some(attributes.into_iter().collect()),
                value::I64 => AttributeValue::I64(unzigzag(self.streams.numbers.varint()?)),
                value::F64 => AttributeValue::F64(f64::from_bits(self.streams.words.word()?)),
                value::BOOL => AttributeValue::Bool(self.streams.numbers.varint()? != 0),
                value::STR => AttributeValue::Str(self.text()?),
                value::JSON => AttributeValue::Json(self.text()?),
                _ => return None,
            };
            attributes.push((self.name()?, value));
        }
    }

    fn maybe_span(&mut self) -> Option<Option<SpanId>> {
        Some(Some(SpanId::new(match self.codes.byte()? {
            span::NONE => return Some(None),
            span::WORD => self.streams.words.word()?,
            span::RECENT => self.recent.back(self.streams.numbers.varint()?)?,
            span::RUN => self.key?.as_parent().get(),
            _ => return None,
        })?))
    }

    fn span(&mut self) -> Option<SpanId> {
        self.maybe_span()?
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.codes.byte()? != 0)
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(self.names.next()?))
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(self.streams.text()?))
    }

    fn maybe_text(&mut self) -> Option<Option<Cow<'a, str>>> {
        Some(if self.flag()? { Some(self.text()?) } else { None })
    }

    fn wide(&mut self) -> Option<u128> {
        wide(&mut self.streams.words)
    }

    fn time(&mut self) -> Option<u64> {
        *self.time = at_distance(*self.time, self.streams.times.varint()?);
        Some(*self.time)
    }
}
