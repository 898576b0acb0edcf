//! A span, borrowed: the one kind of record that there is so much of that each of its fields is decoded on its own, when
//! someone asks for it.

use super::attributes::AttributesView;
use super::links::LinksView;
use super::words::{Items, Words};
use super::{End, SpanData};
use crate::context::primitive;
use crate::encoder::layout::*;
use crate::{Kind, SpanId, Status};
use std::fmt;

/// A span begins, and may have ended. The owned form is [`SpanData`].
#[derive(Clone, Copy)]
pub struct SpanView<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Packed(Packed<'a>),
    Record(&'a SpanData<'a>),
}

/// A span that lies in the words of a batch.
#[derive(Clone, Copy)]
struct Packed<'a> {
    fixed: &'a [u64; SPAN_WORDS],
    items: Items<'a>,
}

/// How and when a span ended. The owned form is [`End`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndView<'a> {
    ended_at: u64,
    status: Status,
    error: Option<&'a str>,
    error_type: Option<&'a str>,
}

impl<'a> SpanView<'a> {
    #[inline(always)]
    pub(super) fn packed(fixed: &'a [u64; SPAN_WORDS], items: Items<'a>) -> Self {
        Self(Repr::Packed(Packed { fixed, items }))
    }

    pub(super) fn record(span: &'a SpanData<'a>) -> Self {
        Self(Repr::Record(span))
    }

    /// The span.
    #[inline(always)]
    pub fn span_id(self) -> SpanId {
        match self.0 {
            Repr::Packed(p) => SpanId(p.fixed[2]),
            Repr::Record(span) => span.span_id,
        }
    }

    /// The span that caused it.
    #[inline(always)]
    pub fn parent_span_id(self) -> Option<SpanId> {
        match self.0 {
            Repr::Packed(p) => SpanId::new(p.fixed[3]),
            Repr::Record(span) => span.parent_span_id,
        }
    }

    /// Its name.
    #[inline(always)]
    pub fn name(self) -> &'a str {
        match self.0 {
            Repr::Packed(p) if p.fixed[4] != 0 => Words::span_name(p.fixed[0], p.fixed[4]),
            Repr::Packed(p) => p.copied_name(),
            Repr::Record(span) => &span.name,
        }
    }

    /// What kind of step it is; [`family`](crate::family) follows from it.
    #[inline(always)]
    pub fn primitive(self) -> &'a str {
        match self.0 {
            Repr::Packed(p) => {
                let code = p.fixed[0] >> PRIMITIVE_AT & 0xff;
                let late = if code == CUSTOM || p.items.has_joined() { p.late_primitive(code) } else { None };
                late.unwrap_or_else(|| primitive::by_code(code as u8).name())
            }
            Repr::Record(span) => &span.primitive,
        }
    }

    /// Its role in a remote interaction.
    #[inline(always)]
    pub fn kind(self) -> Kind {
        match self.0 {
            Repr::Packed(p) => {
                let late = if p.items.has_joined() { p.late_kind() } else { None };
                late.unwrap_or_else(|| kind_of(p.fixed[0]))
            }
            Repr::Record(span) => span.kind,
        }
    }

    /// When it began, in nanoseconds since the Unix epoch.
    #[inline(always)]
    pub fn started_at(self) -> u64 {
        match self.0 {
            Repr::Packed(p) => p.items.all().clock.ns(p.fixed[5]),
            Repr::Record(span) => span.started_at,
        }
    }

    /// How and when it ended. `None`: it had not when the record was delivered.
    #[inline(always)]
    pub fn end(self) -> Option<EndView<'a>> {
        match self.0 {
            Repr::Packed(p) if p.fixed[1] == 0 => None,
            // The text of an error comes with an end that is a record of its own.
            Repr::Packed(p) => Some(EndView::packed(p.fixed[1], Some(p.fixed[5]), p.items.joined())),
            Repr::Record(span) => span.end.as_ref().map(EndView::record),
        }
    }

    /// Its attributes.
    #[inline(always)]
    pub fn attributes(self) -> AttributesView<'a> {
        match self.0 {
            Repr::Packed(p) => AttributesView::packed(p.items),
            Repr::Record(span) => span.attributes.view(),
        }
    }

    /// Spans of other traces, or of this one, that belong to it without being its parent.
    #[inline(always)]
    pub fn links(self) -> LinksView<'a> {
        match self.0 {
            Repr::Packed(p) if p.fixed[0] >> FIELDS_AT & 1 == 1 || p.items.has_joined() => LinksView::packed(p.items),
            Repr::Packed(_) => LinksView::list(&[]),
            Repr::Record(span) => LinksView::list(&span.links),
        }
    }
}

impl<'a> Packed<'a> {
    #[inline(never)]
    fn copied_name(self) -> &'a str {
        self.items.values(Field::Name).next().and_then(|name| name.as_str()).unwrap_or_default()
    }

    /// The name of a primitive of the user's own, or of one that came late. The record's own item counts only where the header
    /// says so: another primitive may have replaced it since.
    #[cold]
    fn late_primitive(self, code: u64) -> Option<&'a str> {
        let items = if code == CUSTOM { self.items } else { self.items.joined() };
        items.values(Field::Primitive).last().and_then(|primitive| primitive.as_str())
    }

    #[cold]
    fn late_kind(self) -> Option<Kind> {
        let mut items = self.items.joined();
        let kinds = std::iter::from_fn(|| items.field_number(Field::Kind));
        kinds.last().map(|kind| kind_of(kind << KIND_AT))
    }
}

impl<'a> EndView<'a> {
    /// From an end word. With the start of the span in the same record: the three bits that the shift lost are those of the
    /// start, or one more; cores may be a few ticks apart, so an end is never before the start.
    #[inline(always)]
    pub(super) fn packed(word: u64, start: Option<u64>, items: Items<'a>) -> Self {
        let ticks = match start {
            Some(t) => t.wrapping_add((((word & !7).wrapping_sub(t << 3) as i64).max(0) >> 3) as u64),
            None => word >> 3,
        };
        EndView {
            ended_at: items.all().clock.ns(ticks),
            status: Status::from_bits(word & 7).unwrap_or(Status::Cancelled),
            error: if items.is_empty() { None } else { items.text(Field::Error) },
            error_type: if items.is_empty() { None } else { items.text(Field::ErrorType) },
        }
    }

    pub(super) fn record(end: &'a End<'a>) -> Self {
        let (error, error_type) = (end.error.as_deref(), end.error_type.as_deref());
        EndView { ended_at: end.ended_at, status: end.status, error, error_type }
    }

    /// When, in nanoseconds since the Unix epoch.
    #[inline(always)]
    pub fn ended_at(self) -> u64 {
        self.ended_at
    }

    /// How.
    #[inline(always)]
    pub fn status(self) -> Status {
        self.status
    }

    /// Why, in words.
    #[inline(always)]
    pub fn error(self) -> Option<&'a str> {
        self.error
    }

    /// The class of the error: OpenTelemetry's `error.type`. An attribute of that name that the span was given counts more.
    #[inline(always)]
    pub fn error_type(self) -> Option<&'a str> {
        self.error_type
    }
}

impl PartialEq for SpanView<'_> {
    fn eq(&self, other: &Self) -> bool {
        let fields =
            |s: &Self| (s.span_id(), s.parent_span_id(), s.name(), s.primitive(), s.kind(), s.started_at(), s.end());
        fields(self) == fields(other) && self.attributes() == other.attributes() && self.links() == other.links()
    }
}

impl fmt::Debug for SpanView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanView")
            .field("span_id", &self.span_id())
            .field("parent_span_id", &self.parent_span_id())
            .field("name", &self.name())
            .field("primitive", &self.primitive())
            .field("kind", &self.kind())
            .field("started_at", &self.started_at())
            .field("end", &self.end())
            .field("attributes", &self.attributes())
            .field("links", &self.links())
            .finish()
    }
}
