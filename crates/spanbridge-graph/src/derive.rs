//! Relations that no single process can know: which delivery of a message followed which, and where a dead-lettered message
//! went.
//!
//! Deliveries of one message have the same sender. Those from one queue, or for one group, are attempts; those from several
//! are a fan-out. A message that comes back to the same queue is a retry, whichever way it took. One that turns up in
//! another queue, and names the queue it was dead-lettered from, is a dead letter.

use super::message::{Position, Sender, Senders, Source};
use super::model::{Edge, Graph, Run, Span, SpanStatus};
use crate::hash::Set;
use spanbridge::record::Endpoint;
use spanbridge::{SpanId, TraceId, semconv};
use std::collections::BTreeMap;

/// A later delivery, and the one before it.
const RETRY_OF: &str = "retry.of";
/// The last delivery in the queue that dead-lettered the message, or its sender, and the delivery of the dead letter.
const DEAD_LETTERED_TO: &str = "dead_lettered.to";

/// The relations between the deliveries of a run, in any order.
pub(super) fn derived_edges(run: &Run, spans: &[Span]) -> Vec<Edge> {
    let mut deliveries: Vec<Delivery<'_>> = deliveries(run, spans).collect();
    relate(&mut deliveries)
}

/// The relations between the deliveries of a run and of others: runs that the same span triggered, the parent, and the
/// children. `sent_once`: the span that triggered the run sent a single message.
pub fn edges_between(graph: &Graph, others: &[Graph], sent_once: bool) -> Vec<Edge> {
    let by = graph.run.triggered_by_span_id.filter(|_| sent_once);
    let all = others.iter().chain([graph]).flat_map(|g| deliveries(&g.run, &g.spans).map(|d| (g.run.run_id, d)));
    let mut runs = BTreeMap::new();
    let mut deliveries: Vec<Delivery<'_>> = Vec::new();
    // Different runs are related only by a named queue.
    for (run, delivery) in all.filter(|(_, delivery)| !delivery.source.queue.is_empty()) {
        runs.insert(delivery.span.span_id, run);
        deliveries.push(Delivery { sent_once: delivery.sent_once || by == Some(delivery.sender.span_id), ..delivery });
    }
    let here = |end: &Endpoint<'_>| matches!(end, Endpoint::Span { span_id, .. } if runs.get(span_id) == Some(&graph.run.run_id));
    let mut edges = relate(&mut deliveries);
    edges.retain(|edge| here(&edge.from) || here(&edge.to));
    edges
}

/// The relations between the deliveries of several runs, whoever sent the messages.
pub(super) fn edges_among(graphs: &[&Graph]) -> Vec<Edge> {
    if graphs.len() < 2 {
        return Vec::new();
    }
    let spans = || graphs.iter().flat_map(|graph| &graph.spans);
    let publishes: Set<SpanId> = spans().filter(|s| s.primitive == "messaging.publish").map(|s| s.span_id).collect();
    let all = graphs.iter().flat_map(|graph| deliveries(&graph.run, &graph.spans));
    // Different runs are related only by a named queue.
    let named = all.filter(|delivery| !delivery.source.queue.is_empty());
    let mut deliveries: Vec<Delivery<'_>> = named.collect();
    for delivery in &mut deliveries {
        delivery.sent_once |= publishes.contains(&delivery.sender.span_id);
    }
    relate(&mut deliveries)
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
        // A sender that is not recorded may have sent several messages with one context. Then only attempts tell them apart.
        if message.iter().any(|d| d.sent_once) || attempts_differ(message) {
            relate_message(message, &mut edges);
        }
    }
    edges
}

/// The work on a message.
struct Delivery<'s> {
    span: &'s Span,
    sender: Sender,
    /// Whether the sender's span is recorded and sent a single message.
    sent_once: bool,
    source: Source<'s>,
    offset: Position<'s>,
    id: Option<&'s str>,
    attempt: Option<i64>,
    /// Whether it was acknowledged: such a message is not dead-lettered.
    is_acked: bool,
    /// Its last dead-lettering, and the one that its sender already sent along.
    dead_lettering: Option<DeadLettering<'s>>,
    sent_with: Option<DeadLettering<'s>>,
}

/// How a message was dead-lettered. The count tells repeated ones apart.
#[derive(Clone, Copy, PartialEq)]
struct DeadLettering<'s> {
    queue: &'s str,
    reason: Option<&'s str>,
    count: i64,
}

impl<'s> DeadLettering<'s> {
    fn of(span: &'s Span) -> Option<Self> {
        let queue = span.text(semconv::DEAD_LETTER_QUEUE)?;
        let count = span.integer(semconv::DEAD_LETTER_COUNT)?;
        Some(DeadLettering { queue, reason: span.text(semconv::DEAD_LETTER_REASON), count })
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
            dead_lettering: DeadLettering::of(span),
            sent_with: sender.place.and_then(|at| DeadLettering::of(&spans[at])),
        }
    }

    /// What deliveries of the same message have in common.
    fn message(&self) -> (SpanId, Option<&'s str>) {
        (self.sender.span_id, self.id)
    }

    /// What attempts have in common beside the message. Each offset is a message of its own.
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

/// Whether the deliveries in each place all have different attempt numbers.
fn attempts_differ(message: &mut [Delivery<'_>]) -> bool {
    message.sort_unstable_by_key(|d| (d.place(), d.attempt.unwrap_or(1)));
    message.windows(2).all(|pair| {
        let attempt = |d: &Delivery<'_>| d.attempt.unwrap_or(1);
        pair[0].place() != pair[1].place() || attempt(&pair[0]) != attempt(&pair[1])
    })
}

fn relate_message(message: &mut [Delivery<'_>], edges: &mut Vec<Edge>) {
    message.sort_unstable_by_key(|d| (d.place(), d.order()));
    let places: Vec<_> = message.chunk_by(|a, b| a.place() == b.place()).collect();
    for deliveries in &places {
        for (i, dead) in deliveries.iter().enumerate() {
            edges.extend(dead_letter_edge(dead, i.checked_sub(1).map(|i| &deliveries[i]), &places));
        }
    }
    for deliveries in message.chunk_by_mut(|a, b| a.place() == b.place()) {
        // If every delivery has a count, that is better than the clocks.
        if deliveries.iter().all(|d| d.attempt.is_some()) {
            deliveries.sort_unstable_by_key(|d| (d.attempt, d.order()));
        }
        edges.extend(deliveries.windows(2).map(|pair| derived(RETRY_OF, pair[1].endpoint(), pair[0].endpoint())));
    }
}

/// The relation of a dead letter to the queue it was dead-lettered from: the last delivery there before it. `before` is the
/// delivery before it in its own queue; a redelivered dead letter was not dead-lettered again.
///
/// A client that republishes a message may copy its headers, and with them earlier dead-letterings. Those are not of the
/// message that is sent.
fn dead_letter_edge(dead: &Delivery<'_>, before: Option<&Delivery<'_>>, places: &[&[Delivery<'_>]]) -> Option<Edge> {
    let queue = dead.span.text(semconv::DEAD_LETTER_QUEUE).filter(|queue| *queue != dead.source.queue)?;
    let is_history = |known: Option<DeadLettering<'_>>| known.is_some() && known == dead.dead_lettering;
    if is_history(dead.sent_with) {
        return None;
    }
    let there = places.iter().filter(|place| place[0].source.queue == queue);
    let last = there.filter_map(|place| {
        let earlier = place.partition_point(|d| d.order() < dead.order());
        // Clocks may disagree. Any delivery is better than none.
        place.get(earlier.saturating_sub(1))
    });
    match last.max_by_key(|d| d.order()) {
        Some(last) if last.is_acked || is_history(last.dead_lettering) => None,
        Some(last) if before.is_none_or(|before| before.order() < last.order()) => {
            Some(derived(DEAD_LETTERED_TO, last.endpoint(), dead.endpoint()))
        }
        // It was dead-lettered before anybody worked on it.
        None if before.is_none() => {
            let Sender { trace_id, span_id, .. } = dead.sender;
            Some(derived(DEAD_LETTERED_TO, span_endpoint(trace_id, span_id), dead.endpoint()))
        }
        _ => None,
    }
}

fn derived(edge_type: &str, from: Endpoint<'static>, to: Endpoint<'static>) -> Edge {
    Edge { derived: true, ..Edge::new(edge_type, from, to) }
}

fn span_endpoint(trace_id: TraceId, span_id: SpanId) -> Endpoint<'static> {
    Endpoint::Span { trace_id, span_id }
}
