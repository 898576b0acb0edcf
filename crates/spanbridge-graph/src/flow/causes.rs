//! What caused each span: its parent, the step that sent its message, or the attempt before it.

use super::hop::{Hop, hands_off};
use super::node::{NONE, Node, OPEN, Standing};
use super::places::Places;
use crate::hash::Map;
use crate::message::Senders;
use crate::model::{Graph, Span};
use spanbridge::record::Endpoint;
use spanbridge::{Kind, SpanId, semconv};
use std::cell::OnceCell;

/// Finds what caused the spans of some graphs.
pub(super) struct Causes<'a, 'g> {
    graphs: &'a [&'g Graph],
    firsts: &'a [u32],
    /// The delivery before a delivery.
    before: Map<SpanId, SpanId>,
    by_id: OnceCell<Map<SpanId, u32>>,
    pub(super) runs: Places<'a, 'g>,
}

impl<'a, 'g> Causes<'a, 'g> {
    pub(super) fn new(graphs: &'a [&'g Graph], firsts: &'a [u32]) -> Self {
        let mut before = Map::default();
        for edge in graphs.iter().flat_map(|g| &g.edges) {
            let (Endpoint::Span { span_id: from, .. }, Endpoint::Span { span_id: to, .. }) = (&edge.from, &edge.to)
            else {
                continue;
            };
            match &*edge.edge_type {
                "retry.of" => drop(before.insert(*from, *to)),
                "dead_lettered.to" => drop(before.entry(*to).or_insert(*from)),
                _ => {}
            }
        }
        Causes { graphs, firsts, before, by_id: OnceCell::new(), runs: Places::of(graphs) }
    }

    /// The node of a span, in any of the graphs.
    fn node(&self, id: SpanId) -> Option<u32> {
        let all = || {
            let spans = self.graphs.iter().zip(self.firsts);
            spans.flat_map(|(g, first)| g.spans.iter().zip(first + 1..).map(|(s, node)| (s.span_id, node))).collect()
        };
        self.by_id.get_or_init(all).get(&id).copied()
    }

    fn span(&self, node: u32) -> Option<&'g Span> {
        let at = self.firsts.partition_point(|first| *first <= node) - 1;
        self.graphs[at].spans.get((node - self.firsts[at]).checked_sub(1)? as usize)
    }

    /// Adds the nodes of a graph.
    pub(super) fn add(&self, graph: usize, list: &mut Vec<Node>) {
        let (run, spans) = (&self.graphs[graph].run, &self.graphs[graph].spans);
        let first = self.firsts[graph];
        let node = |started_at: u64, ended_at: Option<u64>, (cause, hop)| Node {
            started_at,
            ended_at: ended_at.filter(|end| *end >= started_at).unwrap_or(OPEN),
            cause,
            hop,
            standing: Standing::Sound,
            is_unsure: ended_at.is_some_and(|end| end < started_at),
        };
        // Without an owner, a run ends with its last span, and that may be one whose clock is wrong.
        let ended_at = run.ended_at.filter(|_| run.owned);
        list.push(node(run.started_at, ended_at, self.cause_of_run(graph)));
        let senders = Senders::new(run, spans);
        for span in spans {
            let cause = self.cause(span, graph, &senders).unwrap_or((first, Hop::Inside));
            list.push(node(span.started_at, span.ended_at, cause));
        }
    }

    /// What caused a run. The one that is asked about begins the story.
    fn cause_of_run(&self, graph: usize) -> (u32, Hop) {
        let run = &self.graphs[graph].run;
        if graph == 0 {
            return (NONE, Hop::Inside);
        }
        if let Some(trigger) = run.triggered_by_span_id.and_then(|by| self.node(by)) {
            let is_within = |span: &Span| {
                span.started_at <= run.started_at
                    && span.ended_at.is_none_or(|end| run.ended_at.is_some_and(|run_end| run_end <= end))
            };
            let waits = self.span(trigger).is_some_and(|span| !hands_off(span) && is_within(span));
            return (trigger, if waits { Hop::Inside } else { self.way_to(graph, trigger) });
        }
        let parent = run.parent_run_id.and_then(|parent| self.runs.get(parent));
        let parent = parent.filter(|p| *p != graph).map_or(NONE, |p| self.firsts[p]);
        (parent, self.way_to(graph, parent))
    }

    /// How a run was started that nobody waited for: by a message or an invocation, or in some other way.
    fn way_to(&self, graph: usize, trigger: u32) -> Hop {
        let is_sent = trigger != NONE && self.span(trigger).is_some_and(hands_off);
        let is_received = self.graphs[graph].spans.first().is_some_and(|span| span.kind == Kind::Consumer);
        if is_sent || is_received { Hop::Queue } else { Hop::Fork }
    }

    /// What caused a span. `None`: the run did.
    fn cause(&self, span: &Span, graph: usize, senders: &Senders<'_>) -> Option<(u32, Hop)> {
        let first = self.firsts[graph];
        let spans = &self.graphs[graph].spans;
        let here = |place: usize| first + 1 + place as u32;
        if !self.before.is_empty()
            && let Some(before) = self.before.get(&span.span_id).and_then(|id| self.node(*id))
            && self.span(before).is_some_and(|b| b.started_at <= span.started_at && b.span_id != span.span_id)
        {
            return Some((before, Hop::Again));
        }
        // Parents come before children. A graph that was made by hand may say anything.
        if let Some(parent) = span.parent.filter(|p| spans.get(*p).is_some_and(|p| p.span_id != span.span_id)) {
            return Some((here(parent), Hop::between(&spans[parent], span)));
        }
        let trigger = self.graphs[graph].run.triggered_by_span_id;
        if span.is_delivery()
            && let Some(sender) = senders.of(span).filter(|sender| Some(sender.span_id) != trigger)
        {
            let place = sender.place.map(here).or_else(|| self.elsewhere(sender.span_id));
            return place.map(|place| (place, Hop::Queue));
        }
        if span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some() {
            // The last message that came completed the batch.
            let sent = span.links.iter().filter_map(|l| senders.place(l.span_id));
            let sent = sent.map(|at| (spans[at].ended_at.unwrap_or(spans[at].started_at), at));
            return sent.filter(|(end, _)| *end <= span.started_at).max().map(|(_, at)| (here(at), Hop::Queue));
        }
        let parent = span.parent_span_id.filter(|_| span.orphan).and_then(|parent| self.elsewhere(parent))?;
        Some((parent, self.span(parent).map_or(Hop::Fork, |above| Hop::between(above, span))))
    }

    /// A span of another graph.
    fn elsewhere(&self, id: SpanId) -> Option<u32> {
        if self.graphs.len() > 1 { self.node(id) } else { None }
    }

    /// The work on replies, each with the node that asked: it waited for the reply.
    pub(super) fn replies(&self, list: &[Node]) -> Vec<(u32, u32)> {
        let edges = self.graphs.iter().flat_map(|g| &g.edges).filter(|edge| edge.edge_type == "replied.to");
        let pairs = edges.filter_map(|edge| {
            let (Endpoint::Span { span_id: reply, .. }, Endpoint::Span { span_id: question, .. }) =
                (&edge.from, &edge.to)
            else {
                return None;
            };
            let (reply, question) = (self.node(*reply)?, self.node(*question)?);
            let asked = &list[question as usize];
            (asked.hop == Hop::Inside && asked.cause != NONE).then_some((asked.cause, reply))
        });
        let mut pairs: Vec<_> = pairs.filter(|(asked, reply)| list[*reply as usize].cause != *asked).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}
