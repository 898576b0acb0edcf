//! Links of a span: as they lie in a batch, or as a list.

use super::attributes::{Attributes, AttributesView};
use super::words::Items;
use crate::encoder::layout::Field;
use crate::{SpanId, TraceId};
use std::fmt;

/// A link to a span that is not the parent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: Attributes<'a>,
}

/// A link to a span that is not the parent, borrowed. The owned form is [`Link`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LinkView<'a> {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Attributes of the link.
    pub attributes: AttributesView<'a>,
}

impl<'a> Link<'a> {
    /// A link to a span.
    pub fn new(trace_id: TraceId, span_id: SpanId, attributes: Attributes<'a>) -> Self {
        Link { trace_id, span_id, attributes }
    }

    /// The same link, borrowing nothing.
    pub(super) fn into_owned(self) -> Link<'static> {
        Link { trace_id: self.trace_id, span_id: self.span_id, attributes: self.attributes.into_owned() }
    }
}

impl<'a> From<LinkView<'a>> for Link<'a> {
    fn from(link: LinkView<'a>) -> Self {
        Link { trace_id: link.trace_id, span_id: link.span_id, attributes: link.attributes.into() }
    }
}

/// The links of a span, borrowed: decoded one by one as they are iterated.
#[derive(Clone, Copy)]
pub struct LinksView<'a>(Links<'a>);

#[derive(Clone, Copy)]
enum Links<'a> {
    /// Fields among these items.
    Packed(Items<'a>),
    List(&'a [Link<'a>]),
}

/// No links.
impl Default for LinksView<'_> {
    fn default() -> Self {
        Self::list(&[])
    }
}

impl<'a> LinksView<'a> {
    pub(super) fn packed(items: Items<'a>) -> Self {
        Self(Links::Packed(items))
    }

    #[inline(always)]
    pub(super) fn list(links: &'a [Link<'a>]) -> Self {
        Self(Links::List(links))
    }

    /// Every link, in the order in which they were made.
    #[inline]
    pub fn iter(self) -> LinksIter<'a> {
        LinksIter(self.0)
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> IntoIterator for LinksView<'a> {
    type Item = LinkView<'a>;
    type IntoIter = LinksIter<'a>;

    fn into_iter(self) -> LinksIter<'a> {
        self.iter()
    }
}

/// Iterates over the links of a span.
#[derive(Clone)]
pub struct LinksIter<'a>(Links<'a>);

impl<'a> Iterator for LinksIter<'a> {
    type Item = LinkView<'a>;

    #[inline]
    fn next(&mut self) -> Option<LinkView<'a>> {
        match &mut self.0 {
            Links::Packed(items) => packed_link(items),
            Links::List(links) => {
                let (link, rest) = links.split_first()?;
                *links = rest;
                Some(LinkView { trace_id: link.trace_id, span_id: link.span_id, attributes: link.attributes.view() })
            }
        }
    }
}

/// A link is three numbers that follow each other as fields: the halves of its trace, and its span.
#[inline(never)]
fn packed_link<'a>(items: &mut Items<'a>) -> Option<LinkView<'a>> {
    loop {
        let mut part = || items.field_number(Field::Link);
        let (trace, span) = (u128::from(part()?) << 64 | u128::from(part()?), part()?);
        if let (Some(trace_id), Some(span_id)) = (TraceId::new(trace), SpanId::new(span)) {
            return Some(LinkView { trace_id, span_id, attributes: AttributesView::list(&[]) });
        }
    }
}

impl PartialEq for LinksView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for LinksView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
