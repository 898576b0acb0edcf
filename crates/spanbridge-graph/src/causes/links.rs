//! Links: which of them is the cause of a span.

use crate::model::Span;
use spanbridge::{SpanId, semconv};

/// The recorded spans that a span links to.
pub(super) struct Links {
    /// The sender of its message, if the links name one.
    pub(super) sender: Option<u32>,
    pub(super) others: Vec<u32>,
}

impl Links {
    pub(super) fn all(mut self) -> Vec<u32> {
        self.others.extend(self.sender);
        self.others
    }
}

/// Where the links of a span lead. A message that is not a child of its sender links to it, and perhaps to the batch that it
/// came in. A batch links to every sender, and none of them comes first.
pub(super) fn links_of<'s>(
    span: &Span,
    place: impl Fn(SpanId) -> Option<u32>,
    at: impl Fn(u32) -> Option<&'s Span>,
) -> Links {
    if span.links.is_empty() {
        return Links { sender: None, others: Vec::new() };
    }
    let mut others: Vec<u32> = span.links.iter().filter_map(|link| place(link.span_id)).collect();
    let is_sender = |node: &u32| at(*node).is_some_and(|other| !is_batch(other));
    let mut senders = others.iter().filter(|node| is_sender(node)).copied();
    let sender = match (senders.next(), senders.next()) {
        (Some(one), None) if !is_batch(span) => Some(one),
        _ => None,
    };
    others.retain(|node| Some(*node) != sender);
    Links { sender, others }
}

pub(super) fn is_batch(span: &Span) -> bool {
    span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some()
}
