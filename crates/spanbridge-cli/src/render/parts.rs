//! What is worked out of a graph once, before any line of it is drawn.

use super::alike::Shapes;
use super::badges::Relations;
use super::critical::PathTimes;
use super::forest::{Forest, Shape};
use super::left_out::LeftOutLines;
use super::mutations::Mutations;
use super::services::Services;
use super::timeline::Timeline;
use spanbridge_graph::{Graph, SpanTimes};

/// What the lines of a graph are made of. It belongs to one graph, but does not borrow it.
pub(crate) struct Parts {
    pub(crate) shape: Shape,
    pub(crate) services: Services,
    pub(crate) relations: Relations,
    pub(crate) times: Vec<SpanTimes>,
    pub(crate) path: PathTimes,
    pub(crate) timeline: Timeline,
    pub(crate) left_out: LeftOutLines,
    pub(crate) mutations: Mutations,
    /// Spans with the same error as a child. It is shown where it started.
    pub(crate) has_error_of_child: Vec<bool>,
}

impl Parts {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut has_error_of_child = vec![false; graph.spans.len()];
        for span in &graph.spans {
            let above = span.parent.filter(|_| span.error.is_some());
            if let Some(p) = above.filter(|p| graph.spans.get(*p).is_some_and(|p| p.error == span.error)) {
                has_error_of_child[p] = true;
            }
        }
        Self {
            shape: Shape::of(graph),
            services: Services::of(graph),
            relations: Relations::of(graph),
            times: SpanTimes::of(graph),
            path: PathTimes::of(graph),
            timeline: Timeline::of(graph),
            left_out: LeftOutLines::of(graph),
            mutations: Mutations::of_graph(graph),
            has_error_of_child,
        }
    }

    pub(crate) fn forest<'p>(&'p self, graph: &'p Graph) -> Forest<'p> {
        Forest { graph, shape: &self.shape }
    }

    /// Which spans look the same. Those on the critical path, and those of which not all children are shown, stand on a line of their
    /// own.
    pub(crate) fn shapes(&self, graph: &Graph) -> Shapes {
        let forest = self.forest(graph);
        let is_alone = |i: usize| self.path.time(&graph.spans[i]).is_some() || self.left_out.are_below(&forest, i);
        Shapes::of(&forest, &self.relations, is_alone)
    }
}
