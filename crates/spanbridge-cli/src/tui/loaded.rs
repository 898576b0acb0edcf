//! A run that was read, with what its screen is made of.

use crate::render::alike::Shapes;
use crate::render::debug::Facts;
use crate::render::forest::Forest;
use crate::render::parts::Parts;
use spanbridge_graph::{Graph, Span};
use std::fmt;

/// A run that was read. Everything that takes time for a large one was done where it was read.
pub(crate) struct Loaded {
    pub(crate) graph: Graph,
    pub(crate) parts: Parts,
    pub(crate) shapes: Shapes,
    pub(crate) facts: Facts,
}

impl Loaded {
    pub(crate) fn new(graph: Graph) -> Self {
        let parts = Parts::of(&graph);
        let (shapes, facts) = (parts.shapes(&graph), Facts::of(&graph));
        Self { graph, parts, shapes, facts }
    }

    pub(crate) fn forest(&self) -> Forest<'_> {
        self.parts.forest(&self.graph)
    }

    /// The places of the spans that have this text in their name, service, error, id, or an attribute. Upper and lower case are
    /// the same.
    pub(crate) fn search(&self, text: &str) -> Vec<usize> {
        let text = text.to_lowercase();
        let has = |field: &str| contains(field, &text);
        let matches = |span: &Span| {
            has(&span.name)
                || has(&span.service)
                || has(&span.primitive)
                || span.error.as_deref().is_some_and(has)
                || (text.len() >= 4 && span.span_id.to_string().starts_with(&text))
                || span
                    .attributes
                    .iter()
                    .any(|(key, value)| has(key) || value.as_str().map_or_else(|| has(&value.to_string()), has))
                || span.events.iter().any(|event| has(&event.name))
        };
        let spans = self.graph.spans.iter().enumerate();
        spans.filter(|(_, span)| matches(span)).map(|(place, _)| place).collect()
    }
}

/// Whether a text has another one, which is in lower case, in it.
fn contains(text: &str, lower: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(lower);
    }
    let (text, lower) = (text.as_bytes(), lower.as_bytes());
    text.len() >= lower.len() && text.windows(lower.len().max(1)).any(|part| part.eq_ignore_ascii_case(lower))
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loaded({}, {} spans)", self.graph.run.run_id, self.graph.spans.len())
    }
}
