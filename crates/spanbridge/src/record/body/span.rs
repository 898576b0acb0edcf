//! What records say about a span.

use super::text::owned;
use crate::record::{Attributes, Link};
use crate::{Kind, Primitive, SpanId, Status};
use std::borrow::Cow;

/// A span begins, and may have ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanData<'a> {
    /// The span.
    pub span_id: SpanId,
    /// The span that caused it.
    pub parent_span_id: Option<SpanId>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// What kind of step it is; [`family`](crate::family) follows from it.
    pub primitive: Cow<'a, str>,
    /// Its role in a remote interaction.
    pub kind: Kind,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// How and when it ended. `None`: it had not when the record was delivered.
    pub end: Option<End<'a>>,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Spans of other traces, or of this one, that belong to it without being its parent.
    pub links: Vec<Link<'a>>,
}

/// How and when a span ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct End<'a> {
    /// When, in nanoseconds since the Unix epoch.
    pub ended_at: u64,
    /// How.
    pub status: Status,
    /// Why, in words.
    pub error: Option<Cow<'a, str>>,
    /// The class of the error, one of few: OpenTelemetry's `error.type`. An attribute of that name that the span was given
    /// counts more: it was said on purpose.
    pub error_type: Option<Cow<'a, str>>,
}

/// A span ends whose start is an earlier record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanEnd<'a> {
    /// Which span.
    pub span_id: SpanId,
    /// How and when.
    pub end: End<'a>,
    /// Attributes added since the start.
    pub attributes: Attributes<'a>,
}

/// Attributes were added to a span that is still open.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpanAttributes<'a> {
    /// Which span.
    pub span_id: SpanId,
    /// What was added.
    pub attributes: Attributes<'a>,
}

/// A point in time inside a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The span.
    pub span_id: SpanId,
    /// Names the event.
    pub event_id: Cow<'a, str>,
    /// What happened.
    pub name: Cow<'a, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub timestamp: u64,
    /// Attributes of the event.
    pub attributes: Attributes<'a>,
}

impl<'a> SpanData<'a> {
    /// The beginning of a root: an internal operation that has not ended, without attributes and links.
    pub fn new(span_id: SpanId, name: impl Into<Cow<'a, str>>, started_at: u64) -> Self {
        SpanData {
            span_id,
            parent_span_id: None,
            name: name.into(),
            primitive: Cow::Borrowed(Primitive::OPERATION.name()),
            kind: Kind::default(),
            started_at,
            end: None,
            attributes: Attributes::new(),
            links: Vec::new(),
        }
    }

    /// The same span, under this parent.
    pub fn with_parent_span_id(self, parent_span_id: Option<SpanId>) -> Self {
        SpanData { parent_span_id, ..self }
    }

    /// The same span, as this kind of step.
    pub fn with_primitive(self, primitive: impl Into<Cow<'a, str>>) -> Self {
        SpanData { primitive: primitive.into(), ..self }
    }

    /// The same span, in this role.
    pub fn with_kind(self, kind: Kind) -> Self {
        SpanData { kind, ..self }
    }

    /// The same span, ended.
    pub fn with_end(self, end: Option<End<'a>>) -> Self {
        SpanData { end, ..self }
    }

    /// The same span, with these attributes.
    pub fn with_attributes(self, attributes: Attributes<'a>) -> Self {
        SpanData { attributes, ..self }
    }

    /// The same span, with these links.
    pub fn with_links(self, links: Vec<Link<'a>>) -> Self {
        SpanData { links, ..self }
    }

    pub(super) fn into_owned(self) -> SpanData<'static> {
        SpanData {
            span_id: self.span_id,
            parent_span_id: self.parent_span_id,
            name: owned(self.name),
            primitive: owned(self.primitive),
            kind: self.kind,
            started_at: self.started_at,
            end: self.end.map(End::into_owned),
            attributes: self.attributes.into_owned(),
            links: self.links.into_iter().map(Link::into_owned).collect(),
        }
    }
}

impl<'a> End<'a> {
    /// An end without an error.
    pub fn new(ended_at: u64, status: Status) -> Self {
        End { ended_at, status, error: None, error_type: None }
    }

    /// The same end, with the text of an error.
    pub fn with_error(self, error: Option<Cow<'a, str>>) -> Self {
        End { error, ..self }
    }

    /// The same end, with the class of an error.
    pub fn with_error_type(self, error_type: Option<Cow<'a, str>>) -> Self {
        End { error_type, ..self }
    }

    fn into_owned(self) -> End<'static> {
        End {
            ended_at: self.ended_at,
            status: self.status,
            error: self.error.map(owned),
            error_type: self.error_type.map(owned),
        }
    }
}

impl<'a> SpanEnd<'a> {
    /// The end of a span that got no more attributes.
    pub fn new(span_id: SpanId, end: End<'a>) -> Self {
        SpanEnd { span_id, end, attributes: Attributes::new() }
    }

    /// The same end, with attributes added since the start.
    pub fn with_attributes(self, attributes: Attributes<'a>) -> Self {
        SpanEnd { attributes, ..self }
    }

    pub(super) fn into_owned(self) -> SpanEnd<'static> {
        SpanEnd { span_id: self.span_id, end: self.end.into_owned(), attributes: self.attributes.into_owned() }
    }
}

impl<'a> SpanAttributes<'a> {
    /// What was added to this span.
    pub fn new(span_id: SpanId, attributes: Attributes<'a>) -> Self {
        SpanAttributes { span_id, attributes }
    }

    pub(super) fn into_owned(self) -> SpanAttributes<'static> {
        SpanAttributes { span_id: self.span_id, attributes: self.attributes.into_owned() }
    }
}

impl<'a> Event<'a> {
    /// An event without attributes.
    pub fn new(
        span_id: SpanId,
        event_id: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        timestamp: u64,
    ) -> Self {
        let (event_id, name) = (event_id.into(), name.into());
        Event { span_id, event_id, name, timestamp, attributes: Attributes::new() }
    }

    /// The same event, with these attributes.
    pub fn with_attributes(self, attributes: Attributes<'a>) -> Self {
        Event { attributes, ..self }
    }

    pub(super) fn into_owned(self) -> Event<'static> {
        Event {
            span_id: self.span_id,
            event_id: owned(self.event_id),
            name: owned(self.name),
            timestamp: self.timestamp,
            attributes: self.attributes.into_owned(),
        }
    }
}
