//! Which part of a run to show.

use super::forest::Forest;
use spanbridge_graph::{Span, SpanStatus};

/// Which part of a run to show. The default shows all of it, with equal siblings on one line.
///
/// Where something matches, the spans above it are shown as well, so that you see how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// Only spans of these services. None: of all.
    pub services: Vec<String>,
    /// Only spans that failed.
    pub errors: bool,
    /// Only this many levels. What is below is counted.
    pub depth: Option<usize>,
    /// Show each of several equal siblings.
    pub expand: bool,
}

impl View {
    /// Only spans of this service, and of those that were named before.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.services.push(name.into());
        self
    }

    /// Only spans that failed.
    pub fn errors(self, errors: bool) -> Self {
        Self { errors, ..self }
    }

    /// Only this many levels.
    pub fn depth(self, depth: Option<usize>) -> Self {
        Self { depth, ..self }
    }

    /// Show each of several equal siblings.
    pub fn expand(self, expand: bool) -> Self {
        Self { expand, ..self }
    }

    /// Whether it leaves out what does not match.
    pub(crate) fn is_filter(&self) -> bool {
        self.errors || !self.services.is_empty()
    }

    pub(crate) fn matches(&self, span: &Span) -> bool {
        (!self.errors || has_failed(span)) && (self.services.is_empty() || self.services.contains(&span.service))
    }
}

pub(crate) fn has_failed(span: &Span) -> bool {
    matches!(span.status, SpanStatus::Error | SpanStatus::Panicked)
}

/// What a view makes of a tree.
#[derive(Default)]
pub(crate) struct Visible {
    /// Whether each node is shown.
    is_shown: Vec<bool>,
    /// How many spans each node has, with everything below it.
    sizes: Vec<u32>,
    /// How many spans match.
    pub(crate) matching: usize,
}

impl Visible {
    pub(crate) fn of(forest: &Forest<'_>, view: &View) -> Self {
        let nodes = forest.top() + 1;
        let (mut is_shown, mut sizes) = (vec![!view.is_filter(); nodes], vec![0u32; nodes]);
        let order = forest.order();
        let mut matching = 0;
        // Children come after their parents.
        for node in order.into_iter().rev() {
            if let Some(span) = forest.graph.spans.get(node) {
                sizes[node] += 1;
                if view.is_filter() && view.matches(span) {
                    is_shown[node] = true;
                    matching += 1;
                }
            }
            for place in forest.children(node) {
                let child = forest.at(place);
                sizes[node] += sizes[child];
                is_shown[node] |= is_shown[child];
            }
        }
        Self { is_shown, sizes, matching }
    }

    pub(crate) fn is_shown(&self, node: usize) -> bool {
        self.is_shown[node]
    }

    /// How many spans are below a node.
    pub(crate) fn below(&self, forest: &Forest<'_>, node: usize) -> usize {
        forest.children(node).map(|place| self.sizes[forest.at(place)] as usize).sum()
    }
}
