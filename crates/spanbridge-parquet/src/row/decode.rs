//! From a row to a record.

use super::cells::{Pairs, Row};
use super::encode::via;
use crate::columns::{Number, Text, name_of, value};
use spanbridge::record::{
    Artifact, AttributeValue, Attributes, Body, Diagnostic, Edge, End, Endpoint, Event, Link, Mutation, MutationOp,
    Record, RunAttributes, RunEnd, RunResume, RunStart, RunSuspend, Segment, SpanAttributes, SpanData, SpanEnd, Via,
};
use spanbridge::{Kind, Status};
use std::borrow::Cow;
use std::str::FromStr;

/// Why a row is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is of a type that this release does not know.
    UnknownType(String),
    /// The words continue "row 7: ".
    Invalid(String),
}

type Read<T> = Result<T, Unreadable>;
type TextOf<'r> = Cow<'r, str>;

/// The record of a row.
pub(crate) fn record_of(mut row: Row<'_>) -> Read<Record<'_>> {
    let body = body(&mut row)?;
    let seq = row.number(Number::Seq).ok_or_else(|| invalid("it has no `seq`"))?;
    let (segment, service) = (row.parsed(Text::Segment)?, row.required(Text::Service)?);
    let (run, trace) = (row.optional_parsed(Text::RunId)?, row.optional_parsed(Text::TraceId)?);
    Ok(Record::new(segment, seq, service, body).of_run(run, trace).with_id(row.take(Text::RecordId)))
}

fn invalid(why: impl Into<String>) -> Unreadable {
    Unreadable::Invalid(why.into())
}

fn unusable(column: Text, text: &str) -> Unreadable {
    // Whatever stands there, a message has one line.
    let shown: String = text.chars().take(40).collect();
    invalid(format!("its `{}` cannot be {shown:?}", name_of(column)))
}

impl<'r> Row<'r> {
    fn required(&mut self, column: Text) -> Read<TextOf<'r>> {
        self.take(column).ok_or_else(|| invalid(format!("it has no `{}`", name_of(column))))
    }

    fn parsed<T: FromStr>(&mut self, column: Text) -> Read<T> {
        let text = self.required(column)?;
        text.parse().map_err(|_| unusable(column, &text))
    }

    fn optional_parsed<T: FromStr>(&mut self, column: Text) -> Read<Option<T>> {
        if self.texts[column as usize].is_some() { self.parsed(column).map(Some) } else { Ok(None) }
    }

    /// One of a few words.
    fn word<T: Copy, const N: usize>(&mut self, column: Text, all: [T; N], word: fn(T) -> &'static str) -> Read<T> {
        let text = self.required(column)?;
        all.into_iter().find(|known| word(*known) == text).ok_or_else(|| unusable(column, &text))
    }

    fn time(&self, column: Number, name: &str) -> Read<u64> {
        self.number(column).ok_or_else(|| invalid(format!("it has no `{name}`")))
    }

    fn started_at(&self) -> Read<u64> {
        self.time(Number::StartedAt, "started_at")
    }

    fn ended_at(&self) -> Read<u64> {
        self.time(Number::EndedAt, "ended_at")
    }

    fn status(&mut self) -> Read<Status> {
        self.word(Text::Status, [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled], |s| s.name())
    }

    fn end(&mut self, ended_at: u64) -> Read<End<'r>> {
        let end = End::new(ended_at, self.status()?);
        Ok(end.with_error(self.take(Text::Error)).with_error_type(self.take(Text::ErrorType)))
    }

    fn all_attributes(&mut self) -> Read<Attributes<'r>> {
        let types = self.take(Text::AttributeTypes);
        attributes(std::mem::take(&mut self.attributes), types.as_deref())
    }

    fn endpoint(&mut self, [trace, span, run, artifact]: [Text; 4]) -> Read<Endpoint<'r>> {
        if let Some(trace_id) = self.optional_parsed(trace)? {
            return Ok(Endpoint::Span { trace_id, span_id: self.parsed(span)? });
        }
        match self.optional_parsed(run)? {
            Some(run) => Ok(Endpoint::Run(run)),
            None => self.required(artifact).map(Endpoint::Artifact),
        }
    }
}

/// Attributes, with the kinds that a letter each says.
fn attributes<'r>(pairs: Pairs<'r>, types: Option<&str>) -> Read<Attributes<'r>> {
    let types = types.unwrap_or_default();
    if pairs.len() != types.chars().count() {
        return Err(invalid(format!("it has {} attributes and the types {types:?}", pairs.len())));
    }
    let one = |((key, text), kind): ((TextOf<'r>, TextOf<'r>), char)| {
        let unusable = || invalid(format!("its attribute {key:?} is not of the type {kind:?}"));
        let value = match kind {
            value::I64 => AttributeValue::I64(text.parse().map_err(|_| unusable())?),
            value::F64 => AttributeValue::F64(text.parse().map_err(|_| unusable())?),
            value::BOOL => AttributeValue::Bool(text.parse().map_err(|_| unusable())?),
            value::STR => AttributeValue::Str(text),
            value::JSON => AttributeValue::Json(text),
            _ => return Err(unusable()),
        };
        Ok((key, value))
    };
    pairs.into_iter().zip(types.chars()).map(one).collect()
}

fn body<'r>(row: &mut Row<'r>) -> Read<Body<'r>> {
    let record_type = row.required(Text::Type)?;
    Ok(match &*record_type {
        "segment" => {
            let via = row.word(Text::Via, [Via::Start, Via::Resume, Via::Receive], via)?;
            Segment::new(row.started_at()?, row.all_attributes()?, via)
                .with_suspension_id(row.take(Text::SuspensionId))
                .with_resumption_id(row.take(Text::ResumptionId))
                .with_previous_resumption_id(row.take(Text::PreviousResumptionId))
                .into()
        }
        "run:start" => RunStart::new(row.required(Text::Name)?, row.started_at()?)
            .with_root_primitive(row.take(Text::RootPrimitive))
            .with_parent_run_id(row.optional_parsed(Text::ParentRunId)?)
            .with_triggered_by_span_id(row.optional_parsed(Text::TriggeredBySpanId)?)
            .with_attributes(row.all_attributes()?)
            .into(),
        "run:attributes" => RunAttributes::new(row.all_attributes()?).into(),
        "run:suspend" => RunSuspend::new(row.required(Text::SuspensionId)?, row.started_at()?)
            .with_reason(row.take(Text::Reason))
            .into(),
        "run:resume" => RunResume::new(row.required(Text::SuspensionId)?, row.started_at()?).into(),
        "run:end" => RunEnd::new(row.ended_at()?, row.status()?).with_error(row.take(Text::Error)).into(),
        "span" | "span:start" => span(row, record_type == "span")?.into(),
        "span:end" => {
            let ended_at = row.ended_at()?;
            let (span, end) = (row.parsed(Text::SpanId)?, row.end(ended_at)?);
            SpanEnd::new(span, end).with_attributes(row.all_attributes()?).into()
        }
        "span:attributes" => SpanAttributes::new(row.parsed(Text::SpanId)?, row.all_attributes()?).into(),
        "span:event" => {
            let (span, id, name) = (row.parsed(Text::SpanId)?, row.required(Text::EventId)?, row.required(Text::Name)?);
            Event::new(span, id, name, row.started_at()?).with_attributes(row.all_attributes()?).into()
        }
        "artifact" => artifact(row)?.into(),
        "mutation" => mutation(row)?.into(),
        "edge" => {
            let from = [Text::FromTraceId, Text::FromSpanId, Text::FromRunId, Text::FromArtifactId];
            let to = [Text::ToTraceId, Text::ToSpanId, Text::ToRunId, Text::ToArtifactId];
            Edge::new(row.required(Text::Name)?, row.endpoint(from)?, row.endpoint(to)?).into()
        }
        "diagnostic" => Diagnostic::new(row.required(Text::Name)?, row.required(Text::Message)?)
            .with_count(row.number(Number::Count))
            .with_span_id(row.optional_parsed(Text::SpanId)?)
            .with_attributes(row.all_attributes()?)
            .into(),
        _ => return Err(Unreadable::UnknownType(record_type.into_owned())),
    })
}

fn span<'r>(row: &mut Row<'r>, has_end: bool) -> Read<SpanData<'r>> {
    const KINDS: [Kind; 5] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
    let started_at = row.started_at()?;
    let span = SpanData::new(row.parsed(Text::SpanId)?, row.required(Text::Name)?, started_at)
        .with_parent_span_id(row.optional_parsed(Text::ParentSpanId)?)
        .with_primitive(row.required(Text::Primitive)?)
        .with_kind(row.word(Text::Kind, KINDS, |kind| kind.name())?)
        .with_attributes(row.all_attributes()?);
    let end = match has_end {
        true => {
            let duration = row.time(Number::DurationNs, "duration_ns")?;
            Some(row.end(started_at.wrapping_add(duration))?)
        }
        false => None,
    };
    let links = std::mem::take(&mut row.links).into_iter().map(|link| {
        let id = || invalid("a link has no ids that can be read");
        let (trace, span) = (link.trace_id.parse().map_err(|_| id())?, link.span_id.parse().map_err(|_| id())?);
        Ok(Link::new(trace, span, attributes(link.attributes, link.attribute_types.as_deref())?))
    });
    Ok(span.with_end(end).with_links(links.collect::<Read<_>>()?))
}

fn artifact<'r>(row: &mut Row<'r>) -> Read<Artifact<'r>> {
    let size = row.number(Number::SizeBytes).ok_or_else(|| invalid("it has no `size_bytes`"))?;
    let (span, id) = (row.parsed(Text::SpanId)?, row.required(Text::ArtifactId)?);
    let (kind, content_type) = (row.required(Text::ArtifactKind)?, row.required(Text::ContentType)?);
    Ok(Artifact::new(span, id, kind, content_type, size)
        .with_encoding(row.required(Text::Encoding)?)
        .with_hash(row.take(Text::Hash))
        .with_preview(row.take(Text::Preview)))
}

fn mutation<'r>(row: &mut Row<'r>) -> Read<Mutation<'r>> {
    let (id, database) = (row.required(Text::MutationId)?, row.required(Text::Database)?);
    let (table, key) = (row.required(Text::TableName)?, row.required(Text::RowKey)?);
    let op = row.word(Text::Op, MutationOp::ALL, MutationOp::name)?;
    Ok(Mutation::new(id, database, table, key, op)
        .with_span_id(row.optional_parsed(Text::SpanId)?)
        .with_before(row.take(Text::RowBefore))
        .with_after(row.take(Text::RowAfter))
        .with_columns(std::mem::take(&mut row.changed_columns))
        .with_committed_at(row.number(Number::StartedAt))
        .with_position(row.take(Text::Position)))
}
