//! What a graph has beside its spans, by the span that it belongs to.

use spanbridge::SpanId;
use spanbridge::record::Endpoint;
use spanbridge_graph::{Artifact, Diagnostic, Edge, Graph};
use std::collections::HashMap;

/// What belongs to spans.
pub(super) struct Facts<'g> {
    index: HashMap<SpanId, usize>,
    artifacts: HashMap<SpanId, Vec<&'g Artifact>>,
    diagnostics: HashMap<SpanId, Vec<&'g Diagnostic>>,
    edges: HashMap<SpanId, Vec<&'g Edge>>,
}

impl<'g> Facts<'g> {
    pub(super) fn of(graph: &'g Graph) -> Self {
        let mut facts = Facts {
            index: graph.spans.iter().enumerate().map(|(at, span)| (span.span_id, at)).collect(),
            artifacts: HashMap::new(),
            diagnostics: HashMap::new(),
            edges: HashMap::new(),
        };
        graph.artifacts.iter().for_each(|a| facts.artifacts.entry(a.span_id).or_default().push(a));
        for diagnostic in &graph.diagnostics {
            if let Some(span) = diagnostic.span_id {
                facts.diagnostics.entry(span).or_default().push(diagnostic);
            }
        }
        for edge in &graph.edges {
            if let Endpoint::Span { span_id, .. } = edge.from {
                facts.edges.entry(span_id).or_default().push(edge);
            }
        }
        facts
    }

    pub(super) fn index_of(&self, span: SpanId) -> Option<usize> {
        self.index.get(&span).copied()
    }

    /// In the order in which they came: input, then output.
    pub(super) fn artifacts(&self, span: SpanId) -> &[&'g Artifact] {
        self.artifacts.get(&span).map_or(&[], Vec::as_slice)
    }

    pub(super) fn diagnostics(&self, span: SpanId) -> &[&'g Diagnostic] {
        self.diagnostics.get(&span).map_or(&[], Vec::as_slice)
    }

    /// The relations that begin at it.
    pub(super) fn edges(&self, span: SpanId) -> &[&'g Edge] {
        self.edges.get(&span).map_or(&[], Vec::as_slice)
    }
}
