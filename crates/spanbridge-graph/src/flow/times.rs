//! How the time of each span was spent.

use super::hop::Hop;
use super::node::{Node, OPEN, Standing};
use super::nodes::Nodes;
use crate::hash::Set;
use crate::message::Senders;
use crate::model::{Edge, Graph, Span, SpanTimes};
use spanbridge::record::Endpoint;
use spanbridge::{SpanId, semconv};

impl SpanTimes {
    /// The times of the spans of a graph, in their order.
    pub fn of(graph: &Graph) -> Vec<SpanTimes> {
        let nodes = Nodes::of(graph, &[]);
        let senders = Senders::new(&graph.run, &graph.spans);
        let repeated = repeated(graph);
        // Of a very large run, not all children may be there.
        let is_incomplete = |span: &Span| {
            graph.left_out.as_ref().is_some_and(|rest| rest.incomplete.binary_search(&span.span_id).is_ok())
        };
        let times = |(place, span): (usize, &Span)| {
            let place = place as u32 + 1;
            let node = &nodes.list[place as usize];
            let ended_too_early = span.ended_at.is_some_and(|end| end < span.started_at);
            let mut times = SpanTimes {
                clock_skew: node.standing == Standing::Skewed || ended_too_early,
                queued: queued(&nodes, node, span, &senders, graph)
                    .filter(|_| node.hop == Hop::Again || !repeated.contains(&span.span_id)),
                ..SpanTimes::default()
            };
            if let Some(end) = span.ended_at.filter(|_| !node.is_unsure) {
                let (own, suspended) = spent(&nodes, place, span, end);
                (times.self_time, times.suspended) = (Some(own).filter(|_| !is_incomplete(span)), suspended);
            }
            times
        };
        graph.spans.iter().enumerate().map(times).collect()
    }
}

/// How long a span worked itself, and how long the run was suspended meanwhile.
fn spent(nodes: &Nodes<'_>, place: u32, span: &Span, end: u64) -> (u64, u64) {
    let waits = nodes.waits_of(place).of_segment(span.segment_id);
    let waited = |from: u64, to: u64| waits.map_or(0, |waits| waits.within(from, to));
    let (mut covered, mut waited_meanwhile, mut until) = (0, 0, span.started_at);
    for child in nodes.children(place) {
        let child = &nodes.list[*child as usize];
        let to = if child.ended_at == OPEN { end } else { child.ended_at.min(end) };
        let from = child.started_at.max(until);
        if from < to {
            covered += to - from;
            waited_meanwhile += waited(from, to);
            until = to;
        }
    }
    let suspended = waited(span.started_at, end) - waited_meanwhile;
    (end - span.started_at - covered - suspended, suspended)
}

/// How long the message of a span waited before the span began.
fn queued(nodes: &Nodes<'_>, node: &Node, span: &Span, senders: &Senders<'_>, graph: &Graph) -> Option<u64> {
    if node.standing != Standing::Sound {
        return None;
    }
    let cause = nodes.list.get(node.cause as usize);
    let (from, to) = match node.hop {
        Hop::Again => return span.started_at.checked_sub(cause?.ended_at),
        // What came before a later attempt is not recorded, so the time since the message was sent says nothing.
        _ if is_later_attempt(span) => return None,
        Hop::Queue => (cause?.started_at, cause?.ended_at),
        // The work on a message as a run of its own.
        _ => {
            let trigger = graph.trigger.as_ref()?;
            let sender = senders.of(span).filter(|_| span.is_delivery())?;
            (graph.run.triggered_by_span_id == Some(sender.span_id)).then_some(())?;
            (trigger.started_at?, trigger.ended_at.unwrap_or(OPEN))
        }
    };
    span.started_at.checked_sub(if to <= span.started_at { to } else { from })
}

/// The deliveries that came after others, also if those are in other runs.
fn repeated(graph: &Graph) -> Set<SpanId> {
    let of = |edge: &Edge| match (&*edge.edge_type, &edge.from, &edge.to) {
        ("retry.of", Endpoint::Span { span_id, .. }, _) => Some(*span_id),
        ("dead_lettered.to", _, Endpoint::Span { span_id, .. }) => Some(*span_id),
        _ => None,
    };
    graph.edges.iter().filter_map(of).collect()
}

fn is_later_attempt(span: &Span) -> bool {
    span.integer(semconv::DELIVERY_ATTEMPT).is_some_and(|n| n > 1) || span.is_true(semconv::DELIVERY_REDELIVERED)
}
