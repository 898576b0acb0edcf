//! A span, and what belongs to it.

use super::{AnyValue, KeyValue};
use spanbridge::{Kind, SpanId, TraceId};
use std::borrow::Cow;

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// The `tracestate` header that it was under.
    pub trace_state: Cow<'a, str>,
    /// The span that caused it.
    pub parent_span_id: Option<SpanId>,
    /// The flags of W3C Trace Context in the low byte; [`Span::HAS_IS_REMOTE`] and [`Span::IS_REMOTE`] above it.
    pub flags: u32,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its role. `None`: unspecified, or one that is not known here.
    pub kind: Option<Kind>,
    /// When it began.
    pub start_time: u64,
    /// When it ended.
    pub end_time: u64,
    /// Its attributes.
    pub attributes: Vec<KeyValue<'a>>,
    /// How many attributes it had more.
    pub dropped_attributes: u32,
    /// Points in time inside it.
    pub events: Vec<Event<'a>>,
    /// How many events it had more.
    pub dropped_events: u32,
    /// Spans that belong to it without being its parent.
    pub links: Vec<Link<'a>>,
    /// How many links it had more.
    pub dropped_links: u32,
    /// How it ended.
    pub status: Status<'a>,
}

/// A point in time inside a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// When.
    pub time: u64,
    /// What happened.
    pub name: Cow<'a, str>,
    /// Attributes of the event.
    pub attributes: Vec<KeyValue<'a>>,
    /// How many attributes it had more.
    pub dropped_attributes: u32,
}

/// A link to a span that is not the parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Link<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// The `tracestate` header that it was under.
    pub trace_state: Cow<'a, str>,
    /// Attributes of the link.
    pub attributes: Vec<KeyValue<'a>>,
    /// How many attributes it had more.
    pub dropped_attributes: u32,
    /// As [`Span::flags`], of the span that is linked to.
    pub flags: u32,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status<'a> {
    /// In one word.
    pub code: StatusCode,
    /// Why, if it failed.
    pub message: Cow<'a, str>,
}

/// How a span ended, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusCode {
    /// Nobody called it failed. Also a code that is not known here.
    #[default]
    Unset,
    /// Somebody called it good.
    Ok,
    /// It failed.
    Error,
}

impl<'a> Span<'a> {
    /// In [`Span::flags`]: the sender knows whether the parent is in another process.
    pub const HAS_IS_REMOTE: u32 = 0x100;
    /// In [`Span::flags`]: the parent is in another process.
    pub const IS_REMOTE: u32 = 0x200;

    /// A root without a name and without times.
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        Span {
            trace_id,
            span_id,
            trace_state: Cow::Borrowed(""),
            parent_span_id: None,
            flags: 0,
            name: Cow::Borrowed(""),
            kind: None,
            start_time: 0,
            end_time: 0,
            attributes: Vec::new(),
            dropped_attributes: 0,
            events: Vec::new(),
            dropped_events: 0,
            links: Vec::new(),
            dropped_links: 0,
            status: Status::default(),
        }
    }

    /// The last value of this attribute.
    pub fn attribute(&self, key: &str) -> Option<&AnyValue<'a>> {
        super::get(&self.attributes, key)
    }

    /// About how many bytes it takes up if it borrows nothing: to keep many within a limit.
    pub fn size(&self) -> usize {
        let events: usize = self.events.iter().map(Event::size).sum();
        let links: usize = self.links.iter().map(Link::size).sum();
        let texts = self.name.len() + self.trace_state.len() + self.status.message.len();
        320 + texts + of_all(&self.attributes) + events + links
    }

    /// The same span, borrowing nothing.
    pub fn into_owned(self) -> Span<'static> {
        Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            trace_state: owned(self.trace_state),
            parent_span_id: self.parent_span_id,
            flags: self.flags,
            name: owned(self.name),
            kind: self.kind,
            start_time: self.start_time,
            end_time: self.end_time,
            attributes: all_owned(self.attributes),
            dropped_attributes: self.dropped_attributes,
            events: self.events.into_iter().map(Event::into_owned).collect(),
            dropped_events: self.dropped_events,
            links: self.links.into_iter().map(Link::into_owned).collect(),
            dropped_links: self.dropped_links,
            status: Status { code: self.status.code, message: owned(self.status.message) },
        }
    }
}

impl Event<'_> {
    pub(crate) fn size(&self) -> usize {
        96 + self.name.len() + of_all(&self.attributes)
    }

    /// The same event, borrowing nothing.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            time: self.time,
            name: owned(self.name),
            attributes: all_owned(self.attributes),
            dropped_attributes: self.dropped_attributes,
        }
    }
}

impl<'a> Link<'a> {
    /// A link to a span.
    pub fn new(trace_id: TraceId, span_id: SpanId) -> Self {
        let (trace_state, attributes) = (Cow::Borrowed(""), Vec::new());
        Link { trace_id, span_id, trace_state, attributes, dropped_attributes: 0, flags: 0 }
    }

    pub(crate) fn size(&self) -> usize {
        112 + self.trace_state.len() + of_all(&self.attributes)
    }

    /// The same link, borrowing nothing.
    pub fn into_owned(self) -> Link<'static> {
        Link {
            trace_id: self.trace_id,
            span_id: self.span_id,
            trace_state: owned(self.trace_state),
            attributes: all_owned(self.attributes),
            dropped_attributes: self.dropped_attributes,
            flags: self.flags,
        }
    }
}

fn of_all(attributes: &[KeyValue<'_>]) -> usize {
    attributes.iter().map(KeyValue::size).sum()
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn all_owned(attributes: Vec<KeyValue<'_>>) -> Vec<KeyValue<'static>> {
    attributes.into_iter().map(KeyValue::into_owned).collect()
}
