//! The relations of a run that are not part of the tree.

use super::input::Input;
use crate::derive::derived_edges;
use crate::model::{Edge, Graph, Run, Span};
use spanbridge::record::{Body, Endpoint};

impl Graph {
    /// Adds relations that follow from other runs.
    #[doc(hidden)]
    pub fn add_edges(&mut self, edges: Vec<Edge>) {
        self.edges.extend(edges);
        deduplicate(&mut self.edges);
    }
}

/// The recorded relations, each once, and those that follow from the spans.
pub(super) fn edges(input: &Input<'_, '_>, run: &Run, spans: &[Span]) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for place in &input.outline.joined.edges {
        if let Body::Edge(edge) = input.body(*place) {
            let (from, to) = (owned(&edge.from), owned(&edge.to));
            edges.push(Edge { edge_type: edge.edge_type.clone().into_owned(), from, to, derived: false });
        }
    }
    edges.extend(derived_edges(run, spans));
    deduplicate(&mut edges);
    edges
}

fn deduplicate(edges: &mut Vec<Edge>) {
    edges.sort_by(|a, b| edge_key(a).cmp(&edge_key(b)));
    // The sort is stable, so a recorded relation stays and a derived one goes.
    edges.dedup_by(|later, first| edge_key(later) == edge_key(first));
}

fn owned(endpoint: &Endpoint<'_>) -> Endpoint<'static> {
    match endpoint {
        Endpoint::Span { trace_id, span_id } => Endpoint::Span { trace_id: *trace_id, span_id: *span_id },
        Endpoint::Run(run_id) => Endpoint::Run(*run_id),
        Endpoint::Artifact(id) => Endpoint::Artifact(id.clone().into_owned().into()),
        // A kind of endpoint that this release does not know cannot come out of its store.
        _ => Endpoint::Artifact("".into()),
    }
}

/// By type, then by ends. Any order will do, if it is always the same.
fn edge_key(edge: &Edge) -> (&str, EndKey<'_>, EndKey<'_>) {
    (&edge.edge_type, end_key(&edge.from), end_key(&edge.to))
}

type EndKey<'a> = (u8, u128, u64, &'a str);

fn end_key<'a>(endpoint: &'a Endpoint<'_>) -> EndKey<'a> {
    match endpoint {
        Endpoint::Span { trace_id, span_id } => (0, trace_id.get(), span_id.get(), ""),
        Endpoint::Run(run_id) => (1, run_id.get(), 0, ""),
        Endpoint::Artifact(id) => (2, 0, 0, id),
        _ => (3, 0, 0, ""),
    }
}
