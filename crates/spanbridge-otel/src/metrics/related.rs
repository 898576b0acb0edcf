//! Spans that say what others count for: bounded.

use spanbridge::record::{BodyView, EndpointView, RecordView, SpanView};
use spanbridge::{Kind, Primitive, SpanId, TraceId, semconv};
use std::collections::{HashMap, VecDeque};

/// Names a span.
pub(super) type Id = (TraceId, SpanId);

/// How many spans are known at a time. The oldest give way.
const MOST: usize = 4096;

/// What a span means for those under it, and for those that link to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A call that sends several messages. Each has a span of its own under it.
    Call,
    /// Messages were received, and are counted already.
    Receive,
    /// Work on several messages, of which so many have spans of their own.
    Batch(u64),
}

/// The spans that have a role, and that began not long ago.
#[derive(Debug, Default)]
pub(super) struct Related {
    roles: HashMap<Id, Role>,
    order: VecDeque<Id>,
}

impl Related {
    /// Looks at what begins in a batch, before what ends in it is measured.
    pub(super) fn look<'a>(&mut self, records: impl Iterator<Item = RecordView<'a>> + Clone) {
        for record in records.clone() {
            if let (Some(trace), BodyView::Span(span)) = (record.trace_id(), record.body())
                && let Some(role) = role(span)
            {
                self.insert((trace, span.span_id()), role)
            }
        }
        for record in records {
            match record.body() {
                BodyView::Span(span) if is_work(span.primitive()) && !has_count(span) => {
                    let parent = record.trace_id().zip(span.parent_span_id());
                    let links = span.links().into_iter().map(|link| (link.trace_id, link.span_id));
                    parent.into_iter().chain(links).for_each(|id| self.is_part_of(id))
                }
                // A link that was added after the start. Only work on messages links to a batch.
                BodyView::Edge(edge) => {
                    if let EndpointView::Span { trace_id, span_id } = edge.to() {
                        self.is_part_of((trace_id, span_id))
                    }
                }
                _ => {}
            }
        }
    }

    fn insert(&mut self, id: Id, role: Role) {
        if self.roles.insert(id, role).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.roles.remove(&oldest);
        }
    }

    fn is_part_of(&mut self, id: Id) {
        if let Some(Role::Batch(own)) = self.roles.get_mut(&id) {
            *own += 1
        }
    }

    /// The role of a span, if it has one.
    pub(super) fn role(&self, id: Id) -> Option<Role> {
        self.roles.get(&id).copied()
    }
}

fn role(span: SpanView<'_>) -> Option<Role> {
    let primitive = span.primitive();
    if primitive == Primitive::MESSAGING_RECEIVE.name() {
        return Some(Role::Receive);
    }
    let has_count = has_count(span);
    match span.kind() {
        Kind::Client if has_count && primitive == Primitive::MESSAGING_PUBLISH.name() => Some(Role::Call),
        _ if has_count && is_work(primitive) => Some(Role::Batch(0)),
        _ => None,
    }
}

fn is_work(primitive: &str) -> bool {
    primitive == Primitive::MESSAGING_PROCESS.name()
}

fn has_count(span: SpanView<'_>) -> bool {
    span.attributes().get(semconv::MESSAGING_BATCH_COUNT).is_some()
}
