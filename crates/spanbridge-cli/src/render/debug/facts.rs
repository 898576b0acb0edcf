//! What a graph has beside its spans, by the span that it belongs to.

use super::super::mutations::Mutations;
use spanbridge::SpanId;
use spanbridge::record::Endpoint;
use spanbridge_graph::{Artifact, Diagnostic, Edge, Graph};
use std::collections::HashMap;

/// What belongs to spans. It belongs to one graph, but does not borrow it.
pub(crate) struct Facts {
    index: HashMap<SpanId, usize>,
    artifacts: HashMap<SpanId, Vec<usize>>,
    pub(super) mutations: Mutations,
    diagnostics: HashMap<SpanId, Vec<usize>>,
    edges: HashMap<SpanId, Vec<usize>>,
}

impl Facts {
    pub(crate) fn of(graph: &Graph) -> Self {
        let from = |edge: &Edge| match edge.from {
            Endpoint::Span { span_id, .. } => Some(span_id),
            _ => None,
        };
        Facts {
            index: graph.spans.iter().enumerate().map(|(at, span)| (span.span_id, at)).collect(),
            artifacts: by_span(graph.artifacts.iter().map(|artifact| Some(artifact.span_id))),
            mutations: Mutations::of_graph(graph),
            diagnostics: by_span(graph.diagnostics.iter().map(|diagnostic| diagnostic.span_id)),
            edges: by_span(graph.edges.iter().map(from)),
        }
    }

    pub(crate) fn index_of(&self, span: SpanId) -> Option<usize> {
        self.index.get(&span).copied()
    }

    /// In the order in which they came: input, then output.
    pub(super) fn artifacts<'g>(&self, graph: &'g Graph, span: SpanId) -> impl Iterator<Item = &'g Artifact> {
        self.artifacts.get(&span).into_iter().flatten().map(|place| &graph.artifacts[*place])
    }

    pub(super) fn diagnostics<'g>(&self, graph: &'g Graph, span: SpanId) -> impl Iterator<Item = &'g Diagnostic> {
        self.diagnostics.get(&span).into_iter().flatten().map(|place| &graph.diagnostics[*place])
    }

    /// The relations that begin at it.
    pub(super) fn edges<'g>(&self, graph: &'g Graph, span: SpanId) -> impl Iterator<Item = &'g Edge> {
        self.edges.get(&span).into_iter().flatten().map(|place| &graph.edges[*place])
    }
}

fn by_span(spans: impl Iterator<Item = Option<SpanId>>) -> HashMap<SpanId, Vec<usize>> {
    let mut all: HashMap<SpanId, Vec<usize>> = HashMap::new();
    for (place, span) in spans.enumerate() {
        span.into_iter().for_each(|span| all.entry(span).or_default().push(place));
    }
    all
}
