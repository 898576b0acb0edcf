//! The other ends of links: which spans link to a span.

use crate::hash::{Map, Set};
use crate::model::{Graph, LinkSource, Span};
use spanbridge::{SpanId, TraceId};

/// What a link leads to, and where it is.
type End = ((TraceId, SpanId), LinkSource);

impl Graph {
    /// Adds links from spans of other runs. Those that lead to no span of this run are left out.
    #[doc(hidden)]
    pub fn add_link_sources(&mut self, links: impl IntoIterator<Item = ((TraceId, SpanId), LinkSource)>) {
        add_link_sources(&mut self.spans, links.into_iter().collect());
    }
}

/// The links of these spans. Most lead elsewhere.
pub(super) fn links_inside(spans: &[Span]) -> Vec<End> {
    let of = |span: &Span| {
        let source = LinkSource::new(span.run_id, span.trace_id, span.span_id);
        span.links.iter().map(move |link| ((link.trace_id, link.span_id), source)).collect::<Vec<_>>()
    };
    spans.iter().filter(|span| !span.links.is_empty()).flat_map(of).collect()
}

/// Adds to each span where the links to it are.
pub(super) fn add_link_sources(spans: &mut [Span], links: Vec<End>) {
    if links.is_empty() {
        return; // nearly always
    }
    let targets: Set<SpanId> = links.iter().map(|((_, span), _)| *span).collect();
    let is_target = |(_, span): &(usize, &Span)| targets.contains(&span.span_id);
    let places: Map<SpanId, usize> = spans.iter().enumerate().filter(is_target).map(|(i, s)| (s.span_id, i)).collect();
    let mut changed = Set::default();
    for ((trace, span), source) in links {
        if let Some(at) = places.get(&span).copied().filter(|at| spans[*at].trace_id == trace) {
            spans[at].linked_from.push(source);
            changed.insert(at);
        }
    }
    for at in changed {
        spans[at].linked_from.sort_unstable();
        spans[at].linked_from.dedup();
    }
}
