//! What edges, settlements and diagnostics say about the nodes.

use crate::causes::Causes;
use crate::derive::edges_among;
use crate::hash::{Map, Set};
use crate::model::{Edge, SpanStatus};
use spanbridge::record::Endpoint;
use spanbridge::semconv;

/// What is known of nodes beside their own status.
#[derive(Default)]
pub(super) struct Facts {
    /// The delivery of the same message before this one, and after it.
    before: Map<u32, u32>,
    after: Map<u32, u32>,
    /// Where the message of a delivery, or of a publish, went when it was dead-lettered.
    dead_letters: Map<u32, u32>,
    /// Deliveries whose message the consumer refused.
    refused: Set<u32>,
    /// Functions that were warned of their time limit.
    out_of_time: Set<u32>,
    /// Functions whose response did not arrive.
    response_lost: Set<u32>,
}

impl Facts {
    pub(super) fn of(causes: &Causes<'_>) -> Self {
        let mut facts = Facts::default();
        let among = edges_among(&causes.graphs.iter().collect::<Vec<_>>());
        for edge in causes.graphs.iter().flat_map(|graph| &graph.edges).chain(&among) {
            facts.add_edge(causes, edge);
        }
        for diagnostic in causes.graphs.iter().flat_map(|graph| &graph.diagnostics) {
            let about = match diagnostic.code.as_str() {
                semconv::DEADLINE_NEAR => &mut facts.out_of_time,
                semconv::RESPONSE_LOST => &mut facts.response_lost,
                _ => continue,
            };
            about.extend(diagnostic.span_id.and_then(|id| causes.place_of_span(id)).map(|node| node as u32));
        }
        for node in 0..causes.len() {
            let Some(span) = causes.span(node).filter(|span| span.primitive == "messaging.settle") else { continue };
            let refuses = matches!(span.text(semconv::MESSAGING_OPERATION_NAME), Some("nack" | "reject"))
                && !span.is_true(semconv::SETTLE_REQUEUE);
            if refuses && span.status == SpanStatus::Ok {
                facts.refused.extend(causes.cause(node).map(|job| job as u32));
            }
        }
        facts
    }

    fn add_edge(&mut self, causes: &Causes<'_>, edge: &Edge) {
        let node = |end: &Endpoint<'_>| match end {
            Endpoint::Span { span_id, .. } => causes.place_of_span(*span_id).map(|node| node as u32),
            _ => None,
        };
        let (Some(from), Some(to)) = (node(&edge.from), node(&edge.to)) else { return };
        match edge.edge_type.as_str() {
            "retry.of" if from != to => {
                self.before.entry(from).or_insert(to);
                self.after.entry(to).or_insert(from);
            }
            "dead_lettered.to" => {
                self.dead_letters.entry(from).or_insert(to);
            }
            _ => {}
        }
    }

    /// The deliveries of the same message before this one, the latest first.
    pub(super) fn deliveries_before(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        // Edges that were recorded may go round in a circle.
        let first = node as u32;
        let mut seen: Set<u32> = Set::default();
        let mut next = self.before.get(&first).copied();
        std::iter::from_fn(move || {
            let node = next.filter(|node| *node != first && seen.insert(*node))?;
            next = self.before.get(&node).copied();
            Some(node as usize)
        })
    }

    /// Whether the message was delivered again.
    pub(super) fn is_delivered_again(&self, node: usize) -> bool {
        self.after.contains_key(&(node as u32))
    }

    /// The deliveries after which there was no other of the same message.
    pub(super) fn last_deliveries(&self) -> impl Iterator<Item = usize> + '_ {
        self.before.keys().filter(|node| !self.after.contains_key(node)).map(|node| *node as usize)
    }

    pub(super) fn dead_letter(&self, node: usize) -> Option<usize> {
        self.dead_letters.get(&(node as u32)).map(|to| *to as usize)
    }

    pub(super) fn is_refused(&self, node: usize) -> bool {
        self.refused.contains(&(node as u32))
    }

    pub(super) fn is_out_of_time(&self, node: usize) -> bool {
        self.out_of_time.contains(&(node as u32))
    }

    pub(super) fn is_response_lost(&self, node: usize) -> bool {
        self.response_lost.contains(&(node as u32))
    }
}
