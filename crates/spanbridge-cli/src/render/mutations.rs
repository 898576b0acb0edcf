//! The changed rows of a graph, by the span that wrote them.

use spanbridge::SpanId;
use spanbridge_graph::{Graph, Mutation};
use std::collections::HashMap;

/// Which rows each span changed. It belongs to one graph, but does not borrow it.
#[derive(Default)]
pub(crate) struct Mutations(HashMap<SpanId, Vec<usize>>);

impl Mutations {
    pub(crate) fn of_graph(graph: &Graph) -> Self {
        let mut all: HashMap<SpanId, Vec<usize>> = HashMap::new();
        for (place, mutation) in graph.mutations.iter().enumerate() {
            mutation.span_id.into_iter().for_each(|span| all.entry(span).or_default().push(place));
        }
        Mutations(all)
    }

    /// How many rows the span changed.
    pub(crate) fn count(&self, span: SpanId) -> usize {
        self.0.get(&span).map_or(0, Vec::len)
    }

    /// The rows that it changed, in the order of their commits.
    pub(crate) fn of<'g>(&self, graph: &'g Graph, span: SpanId) -> impl Iterator<Item = &'g Mutation> {
        self.0.get(&span).into_iter().flatten().filter_map(|place| graph.mutations.get(*place))
    }
}
