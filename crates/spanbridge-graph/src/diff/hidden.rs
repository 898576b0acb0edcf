//! What is not shown of very large runs, by nodes.

use crate::causes::Causes;
use crate::hash::{Map, Set};
use crate::model::LeftOutKind;
use spanbridge::SpanId;

/// What is not shown of the graphs of one side.
#[derive(Default)]
pub(super) struct Hidden {
    /// The nodes of which not all children are shown.
    below: Set<usize>,
    /// Whether not all steps at the top are shown.
    at_top: bool,
    /// How many siblings like a node are not shown.
    pub(super) like: Map<usize, u64>,
    /// Nodes below which steps of unknown kinds are not shown. `None` stands for the top.
    unknown: Set<Option<usize>>,
    /// Whether failures are not shown.
    pub(super) failures: bool,
}

impl Hidden {
    pub(super) fn of(causes: &Causes<'_>) -> Self {
        let mut hidden = Hidden::default();
        for graph in causes.graphs {
            let Some(left_out) = &graph.left_out else { continue };
            let node = |span: SpanId| causes.place_of_span(span);
            // What stands at the top of a declared run is below its node.
            let top = causes.of_runs(&[graph.run.run_id]).next().filter(|_| graph.run.owned);
            hidden.below.extend(left_out.incomplete.iter().filter_map(|span| node(*span)));
            hidden.failures |= left_out.errors_left_out > 0;
            for group in &left_out.groups {
                let below = group.below.map_or(top, node);
                if group.below.is_none() {
                    hidden.below.extend(top);
                    hidden.at_top |= top.is_none();
                }
                if let Some(like) = group.like.and_then(node) {
                    hidden.like.insert(like, group.count);
                }
                if group.kind == LeftOutKind::Others {
                    hidden.unknown.insert(below);
                }
            }
        }
        hidden
    }

    pub(super) fn is_whole(&self) -> bool {
        self.below.is_empty() && !self.at_top
    }

    /// Whether not all steps below a node are shown.
    pub(super) fn is_below(&self, node: Option<usize>) -> bool {
        node.map_or(self.at_top, |node| self.below.contains(&node))
    }

    /// Whether there may be a step of any kind below a node.
    pub(super) fn may_have(&self, node: Option<usize>) -> bool {
        // Small groups count together, wherever they are.
        self.is_below(node) && (self.unknown.contains(&node) || self.unknown.contains(&None))
    }
}
