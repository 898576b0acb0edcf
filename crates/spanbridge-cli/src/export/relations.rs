//! How the spans of a graph hang together.

use spanbridge::SpanId;
use spanbridge::record::Endpoint;
use spanbridge_graph::{Graph, Span};

/// From one span to another.
pub(super) enum Relation<'g> {
    /// From a parent to its child.
    Child {
        /// Whether another service did it.
        is_hop: bool,
    },
    /// From what is linked to, to what has the link.
    Link,
    /// An edge.
    Edge(&'g str),
}

/// Calls `each` with all relations, each once: the tree, then links, then edges between spans.
pub(super) fn each<'g>(
    graph: &'g Graph,
    mut each: impl FnMut(SpanId, SpanId, Relation<'g>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let parent = |span: &'g Span| span.parent.and_then(|at| graph.spans.get(at));
    for span in &graph.spans {
        match (parent(span), span.parent_span_id) {
            (Some(of), _) => each(of.span_id, span.span_id, Relation::Child { is_hop: of.service != span.service })?,
            // The parent is not recorded here, or it is in another run.
            (None, Some(id)) if span.orphan => each(id, span.span_id, Relation::Child { is_hop: false })?,
            _ => {}
        }
    }
    for span in &graph.spans {
        for link in &span.links {
            each(link.span_id, span.span_id, Relation::Link)?;
        }
    }
    for edge in &graph.edges {
        if let (Endpoint::Span { span_id: from, .. }, Endpoint::Span { span_id: to, .. }) = (&edge.from, &edge.to) {
            each(*from, *to, Relation::Edge(&edge.edge_type))?;
        }
    }
    Ok(())
}
