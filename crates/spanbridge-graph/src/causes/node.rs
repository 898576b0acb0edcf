//! The nodes of the tree, and what is below each.

use super::hop::Hop;
use super::links::is_batch;
use crate::hash::Map;
use crate::model::{Graph, Run, Span};
use spanbridge::{Kind, RunId, SegmentId, SpanId};

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// A span, or a run that its owner declared, below what caused it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The place of its graph.
    pub(super) graph: u32,
    /// The place of the span in the graph. [`NONE`]: it is the run.
    pub(super) span: u32,
    pub(super) cause: u32,
    pub(super) hop: Hop,
    /// Whether the cause waits for it, so that its failure can be the reason of that of the cause.
    pub(super) awaited: bool,
}

/// Spans and runs below what caused them. Nodes are numbered from 0.
pub(crate) struct Causes<'g> {
    pub(crate) graphs: &'g [Graph],
    pub(super) nodes: Vec<Node>,
    /// The children of node `n` are `below[starts[n]..starts[n + 1]]`. Those of the last one are the roots.
    pub(super) starts: Vec<u32>,
    pub(super) below: Vec<u32>,
    pub(super) spans: Map<SpanId, u32>,
    pub(super) runs: Map<RunId, u32>,
    /// Links that are no cause: from the span that has the link, to the other. Sorted by the second.
    pub(super) links: Vec<(u32, u32)>,
}

impl<'g> Causes<'g> {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The place of its graph.
    pub(crate) fn graph_place(&self, node: usize) -> usize {
        self.nodes[node].graph as usize
    }

    /// The place of the span in its graph, unless the node is a run.
    pub(crate) fn place_in_graph(&self, node: usize) -> Option<usize> {
        let place = self.nodes[node].span;
        (place != NONE).then_some(place as usize)
    }

    pub(crate) fn graph(&self, node: usize) -> &'g Graph {
        &self.graphs[self.nodes[node].graph as usize]
    }

    pub(crate) fn run(&self, node: usize) -> &'g Run {
        &self.graph(node).run
    }

    /// The span, unless the node is a run.
    pub(crate) fn span(&self, node: usize) -> Option<&'g Span> {
        self.graph(node).spans.get(self.place_in_graph(node)?)
    }

    pub(crate) fn cause(&self, node: usize) -> Option<usize> {
        let cause = self.nodes[node].cause;
        (cause != NONE).then_some(cause as usize)
    }

    pub(crate) fn hop(&self, node: usize) -> Hop {
        self.nodes[node].hop
    }

    /// The cause, if it waits for this.
    pub(crate) fn waiting(&self, node: usize) -> Option<usize> {
        self.cause(node).filter(|_| self.nodes[node].awaited)
    }

    /// What it caused, in causal order as far as that is known.
    pub(crate) fn children(&self, node: usize) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        let range = self.starts[node] as usize..self.starts[node + 1] as usize;
        self.below[range].iter().map(|n| *n as usize)
    }

    /// The children that it waits for.
    pub(crate) fn awaited(&self, node: usize) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.children(node).filter(|child| self.nodes[*child].awaited)
    }

    pub(crate) fn roots(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        self.children(self.nodes.len())
    }

    /// The spans that link to this one and are not caused by it.
    pub(crate) fn linking(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let from = self.links.partition_point(|(_, to)| (*to as usize) < node);
        self.links[from..].iter().take_while(move |(_, to)| *to as usize == node).map(|(from, _)| *from as usize)
    }

    /// The work on the messages of this batch: spans that link to it. What links to a step that sent a message, or to any other
    /// one, is not a part of it.
    pub(crate) fn of_batch(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let is_batch = |span: &Span| span.kind != Kind::Producer && is_batch(span);
        self.linking(node).filter(move |_| self.span(node).is_some_and(is_batch))
    }

    pub(crate) fn place_of_span(&self, span: SpanId) -> Option<usize> {
        self.spans.get(&span).map(|node| *node as usize)
    }

    /// The nodes of these runs.
    pub(crate) fn of_runs(&self, runs: &[RunId]) -> impl Iterator<Item = usize> + '_ {
        let wanted: Vec<bool> = self.graphs.iter().map(|graph| runs.contains(&graph.run.run_id)).collect();
        (0..self.nodes.len()).filter(move |node| wanted[self.nodes[*node].graph as usize])
    }

    pub(crate) fn name(&self, node: usize) -> &'g str {
        self.span(node).map_or(&self.run(node).name, |span| &span.name)
    }

    /// The service that recorded it. Of a run: the one that began it.
    pub(crate) fn service(&self, node: usize) -> &'g str {
        match self.span(node) {
            Some(span) => &span.service,
            None => self.run(node).first_segment().map_or("", |segment| &segment.service),
        }
    }

    pub(crate) fn started_at(&self, node: usize) -> u64 {
        self.span(node).map_or(self.run(node).started_at, |span| span.started_at)
    }

    pub(crate) fn ended_at(&self, node: usize) -> Option<u64> {
        self.span(node).map_or(self.run(node).ended_at, |span| span.ended_at)
    }

    /// Who recorded it. Times of one segment can be compared; those of two may be of different clocks.
    pub(crate) fn segment(&self, node: usize) -> Option<SegmentId> {
        match self.span(node) {
            Some(span) => Some(span.segment_id),
            None => self.run(node).first_segment().map(|segment| segment.segment_id),
        }
    }

    /// How long it took, if that is known.
    pub(crate) fn duration(&self, node: usize) -> Option<u64> {
        self.ended_at(node)?.checked_sub(self.started_at(node))
    }

    /// Whether one ended before the other began, by the same clock.
    pub(crate) fn ended_before(&self, first: usize, second: usize) -> bool {
        self.segment(first) == self.segment(second)
            && self.ended_at(first).is_some_and(|end| end <= self.started_at(second))
    }
}
