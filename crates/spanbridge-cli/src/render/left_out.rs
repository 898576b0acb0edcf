//! The lines of what is not shown of a very large run.

use super::forest::Forest;
use super::page::TextStyle;
use super::row::Row;
use super::text::{counted, named, truncate};
use super::time;
use spanbridge::SpanId;
use spanbridge_graph::{Graph, LeftOutKind};
use std::collections::HashMap;

/// Maximum width of the name of a span that others are like.
const MAX_NAME: usize = 32;

/// The groups of spans that are not shown, by the span below which they are; `None` is the top.
#[derive(Default)]
pub(crate) struct LeftOutLines(HashMap<Option<SpanId>, Vec<usize>>);

impl LeftOutLines {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut lines = Self::default();
        for (place, group) in graph.left_out.iter().flat_map(|left_out| &left_out.groups).enumerate() {
            lines.0.entry(group.below).or_default().push(place);
        }
        lines
    }

    /// Whether there are such spans below this node, which is a span.
    pub(crate) fn are_below(&self, forest: &Forest<'_>, node: usize) -> bool {
        !self.0.is_empty() && node < forest.graph.spans.len() && !self.below(forest, node).is_empty()
    }

    /// The groups below this node: a span, or the one above all roots.
    pub(crate) fn below(&self, forest: &Forest<'_>, node: usize) -> &[usize] {
        let span = forest.graph.spans.get(node).map(|span| span.span_id);
        let is_place = span.is_some() || node == forest.top();
        self.0.get(&span).filter(|_| is_place).map_or(&[], Vec::as_slice)
    }
}

/// The line of a group.
pub(crate) fn row(graph: &Graph, group: usize, guides: String) -> Row {
    let Some(group) = graph.left_out.as_ref().and_then(|left_out| left_out.groups.get(group)) else {
        return Row::default();
    };
    let like = group.like.and_then(|like| graph.spans.iter().find(|span| span.span_id == like));
    let name = match (group.kind, like) {
        (LeftOutKind::Orphans, Some(span)) => {
            format!("… {} more like {}, without a recorded parent", group.count, truncate(&named(&span.name), MAX_NAME))
        }
        (_, Some(span)) => format!("… {} more like {}", group.count, truncate(&named(&span.name), MAX_NAME)),
        _ => format!("… {} more {}", group.count, if group.count == 1 { "span" } else { "spans" }),
    };
    let mut badges = Vec::new();
    if group.errors > 0 {
        let errors = usize::try_from(group.errors).unwrap_or(usize::MAX);
        badges.push((TextStyle::Error, counted(errors, "error")));
    }
    if let (Some(median), Some(max)) = (group.median, group.max) {
        badges.push((TextStyle::Plain, format!("p50 {}", time::duration(median))));
        badges.push((TextStyle::Plain, format!("max {}", time::duration(max))));
    }
    if group.deeper > 0 {
        badges.push((TextStyle::Dim, format!("{} below", group.deeper)));
    }
    Row { guides, name: (TextStyle::Dim, name), badges, ..Row::default() }
}
