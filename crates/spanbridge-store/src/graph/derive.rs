//! The relations that no single process can know: which delivery of a message came after which, and where a message went
//! when it died.
//!
//! Deliveries of one message have the same sender. Those from one queue, or for one group, are attempts; those from several
//! are a fan-out. A message that comes back to where it was is a retry, whichever way it took; one that turns up in
//! another queue, and says in which it died, is a dead letter.

use super::message::{Position, Sender, Senders, Source};
use super::{Edge, Graph, Run, Span, SpanStatus};
use crate::hash::Set;
use spanbridge::record::Endpoint;
use spanbridge::{SpanId, TraceId, semconv};
use std::collections::BTreeMap;

/// A later delivery, and the one before it.
const RETRY_OF: &str = "retry.of";
/// The last delivery in the queue where the message died, or its sender, and the delivery of the dead letter.
const DEAD_LETTERED_TO: &str = "dead_lettered.to";

/// The relations between the deliveries of a run, in no order that means anything.
pub(super) fn edges(run: &Run, spans: &[Span]) -> Vec<Edge> {
    let mut deliveries: Vec<Delivery<'_>> = deliveries(run, spans).collect();
    relate(&mut deliveries)
}

/// The same between a run and others, where the work on some message is a run of its own: those that were triggered by the
/// same span, the parent, and children. `sent_once` says that the span which triggered the run is that of a single message.
pub(crate) fn edges_between(graph: &Graph, others: &[Graph], sent_once: bool) -> Vec<Edge> {
    let by = graph.run.triggered_by_span_id.filter(|_| sent_once);
    let all = others.iter().chain([graph]).flat_map(|g| deliveries(&g.run, &g.spans).map(|d| (g.run.run_id, d)));
    let mut runs = BTreeMap::new();
    let mut deliveries: Vec<Delivery<'_>> = Vec::new();
    // Runs of different making are related by the name of a queue, and not for want of one.
    for (run, delivery) in all.filter(|(_, delivery)| !delivery.source.queue.is_empty()) {
        runs.insert(delivery.span.span_id, run);
        deliveries.push(Delivery { sent_once: delivery.sent_once || by == Some(delivery.sender.span_id), ..delivery });
    }
    let here = |end: &Endpoint<'_>| matches!(end, Endpoint::Span { span_id, .. } if runs.get(span_id) == Some(&graph.run.run_id));
    let mut edges = relate(&mut deliveries);
    edges.retain(|edge| here(&edge.from) || here(&edge.to));
    edges
}

fn deliveries<'s>(run: &'s Run, spans: &'s [Span]) -> impl Iterator<Item = Delivery<'s>> {
    let senders = Senders::new(run, spans);
    let acks = spans.iter().filter(|s| s.text(semconv::MESSAGING_OPERATION_NAME) == Some("ack"));
    let acks = acks.filter(|s| s.primitive == "messaging.settle" && s.status == SpanStatus::Ok);
    let acked: Set<SpanId> = acks.filter_map(|s| s.parent_span_id).collect();
    let work = spans.iter().filter(|s| s.is_delivery());
    work.filter_map(move |s| {
        let is_acked = acked.contains(&s.span_id);
        Some(Delivery { is_acked, ..Delivery::of(s, senders.of(s)?, spans) })
    })
}

fn relate(deliveries: &mut [Delivery<'_>]) -> Vec<Edge> {
    deliveries.sort_unstable_by_key(Delivery::message);
    let mut edges = Vec::new();
    for message in deliveries.chunk_by_mut(|a, b| a.message() == b.message()) {
        // A sender that nobody saw may have sent several messages with one context; then nothing tells them apart.
        if message.iter().any(|d| d.sent_once) || attempts_differ(message) {
            of_message(message, &mut edges);
        }
    }
    edges
}

/// The work on a message.
struct Delivery<'s> {
    span: &'s Span,
    sender: Sender,
    /// The sender's span is recorded, and it is that of a single message.
    sent_once: bool,
    source: Source<'s>,
    offset: Position<'s>,
    id: Option<&'s str>,
    attempt: Option<i64>,
    /// What was acknowledged does not die.
    is_acked: bool,
    /// The last death that it has behind it, and the one that its sender has sent along.
    death: Option<Death<'s>>,
    sent_with: Option<Death<'s>>,
}

/// How a message has died. Once more in the same way, and the count is another.
#[derive(Clone, Copy, PartialEq)]
struct Death<'s> {
    queue: &'s str,
    reason: Option<&'s str>,
    count: i64,
}

impl<'s> Death<'s> {
    fn of(span: &'s Span) -> Option<Self> {
        let queue = span.text(semconv::DEAD_LETTER_QUEUE)?;
        let count = span.integer(semconv::DEAD_LETTER_COUNT)?;
        Some(Death { queue, reason: span.text(semconv::DEAD_LETTER_REASON), count })
    }
}

impl<'s> Delivery<'s> {
    fn of(span: &'s Span, sender: Sender, spans: &'s [Span]) -> Self {
        Delivery {
            span,
            sender,
            sent_once: sender.place.is_some_and(|at| spans[at].primitive == "messaging.publish"),
            source: Source::of(span),
            offset: Position::offset(span),
            id: span.text(semconv::MESSAGING_MESSAGE_ID),
            attempt: span.integer(semconv::DELIVERY_ATTEMPT),
            is_acked: false,
            death: Death::of(span),
            sent_with: sender.place.and_then(|at| Death::of(&spans[at])),
        }
    }

    /// What deliveries of the same message have in common.
    fn message(&self) -> (SpanId, Option<&'s str>) {
        (self.sender.span_id, self.id)
    }

    /// What attempts have in common beside the message. An offset is a message of its own.
    fn place(&self) -> (Source<'s>, Position<'s>) {
        (self.source, self.offset)
    }

    fn order(&self) -> (u64, SpanId) {
        (self.span.started_at, self.span.span_id)
    }

    fn endpoint(&self) -> Endpoint<'static> {
        span_endpoint(self.span.trace_id, self.span.span_id)
    }
}

/// Whether, in every place, each delivery is another attempt.
fn attempts_differ(message: &mut [Delivery<'_>]) -> bool {
    message.sort_unstable_by_key(|d| (d.place(), d.attempt.unwrap_or(1)));
    message.windows(2).all(|pair| {
        let attempt = |d: &Delivery<'_>| d.attempt.unwrap_or(1);
        pair[0].place() != pair[1].place() || attempt(&pair[0]) != attempt(&pair[1])
    })
}

fn of_message(message: &mut [Delivery<'_>], edges: &mut Vec<Edge>) {
    message.sort_unstable_by_key(|d| (d.place(), d.order()));
    let places: Vec<_> = message.chunk_by(|a, b| a.place() == b.place()).collect();
    for deliveries in &places {
        for (i, dead) in deliveries.iter().enumerate() {
            edges.extend(where_it_died(dead, i.checked_sub(1).map(|i| &deliveries[i]), &places));
        }
    }
    for deliveries in message.chunk_by_mut(|a, b| a.place() == b.place()) {
        // Where every delivery is counted, the count is better than the clocks.
        if deliveries.iter().all(|d| d.attempt.is_some()) {
            deliveries.sort_unstable_by_key(|d| (d.attempt, d.order()));
        }
        edges.extend(deliveries.windows(2).map(|pair| derived(RETRY_OF, pair[1].endpoint(), pair[0].endpoint())));
    }
}

/// The relation of a dead letter to where it died: the last delivery there before it. `before` is what its own queue has
/// seen of the message: a mere redelivery of a dead letter died no second time.
///
/// A client that sends a message again may take its headers along, and with them the deaths that it has behind it. That is
/// history, and no death of the message that is sent.
fn where_it_died(dead: &Delivery<'_>, before: Option<&Delivery<'_>>, places: &[&[Delivery<'_>]]) -> Option<Edge> {
    let queue = dead.span.text(semconv::DEAD_LETTER_QUEUE).filter(|queue| *queue != dead.source.queue)?;
    let is_history = |known: Option<Death<'_>>| known.is_some() && known == dead.death;
    if is_history(dead.sent_with) {
        return None;
    }
    let there = places.iter().filter(|place| place[0].source.queue == queue);
    let last = there.filter_map(|place| {
        let earlier = place.partition_point(|d| d.order() < dead.order());
        // Clocks may disagree: then any is better than none.
        place.get(earlier.saturating_sub(1))
    });
    match last.max_by_key(|d| d.order()) {
        Some(last) if last.is_acked || is_history(last.death) => None,
        Some(last) if before.is_none_or(|before| before.order() < last.order()) => {
            Some(derived(DEAD_LETTERED_TO, last.endpoint(), dead.endpoint()))
        }
        // It died before anybody worked on it.
        None if before.is_none() => {
            let Sender { trace_id, span_id, .. } = dead.sender;
            Some(derived(DEAD_LETTERED_TO, span_endpoint(trace_id, span_id), dead.endpoint()))
        }
        _ => None,
    }
}

fn derived(edge_type: &str, from: Endpoint<'static>, to: Endpoint<'static>) -> Edge {
    Edge { edge_type: edge_type.to_owned(), from, to, derived: true }
}

fn span_endpoint(trace_id: TraceId, span_id: SpanId) -> Endpoint<'static> {
    Endpoint::Span { trace_id, span_id }
}
