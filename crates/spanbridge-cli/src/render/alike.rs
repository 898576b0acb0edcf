//! Siblings that differ only in their times.

use super::badges::{self, Relations};
use super::forest::Forest;
use super::view::has_failed;
use spanbridge_graph::Span;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// More equal siblings than this stand on one line.
const MAX_EQUAL: usize = 5;

/// The same for siblings that failed.
const MAX_EQUAL_FAILED: usize = 20;

/// Something among siblings that gets a line.
pub(crate) enum Line {
    /// A node, with everything below it.
    Node(usize),
    /// Several nodes that differ only in their times.
    Equal(Vec<usize>),
    /// So many spans that are below the last level that is shown.
    Below(usize),
    /// A group of spans of a very large run that are not shown.
    LeftOut(usize),
}

/// A number for each node that is the same for nodes that look the same, with everything below them.
pub(crate) struct Shapes {
    shapes: Vec<u64>,
    has_failed: Vec<bool>,
}

impl Shapes {
    /// The shapes of a tree. `marked` are spans that stand on a line of their own.
    pub(crate) fn of(forest: &Forest<'_>, relations: &Relations, marked: impl Fn(usize) -> bool) -> Self {
        let nodes = forest.top() + 1;
        let mut shapes = Self { shapes: vec![0; nodes], has_failed: vec![false; nodes] };
        for node in forest.order().into_iter().rev() {
            let mut hasher = DefaultHasher::new();
            match forest.graph.spans.get(node) {
                Some(span) if !marked(node) => {
                    let Span { name, service, primitive, status, error, has_start, .. } = span;
                    (name, service, primitive, status, error, has_start).hash(&mut hasher);
                    forest.hop(node).hash(&mut hasher);
                    for (_, badge) in badges::timeless(forest, relations, node) {
                        badge.hash(&mut hasher);
                    }
                    // Its line says which.
                    if !has_start {
                        node.hash(&mut hasher);
                    }
                    shapes.has_failed[node] = has_failed(span);
                }
                _ => node.hash(&mut hasher),
            }
            for place in forest.children(node) {
                let child = forest.at(place);
                shapes.shapes[child].hash(&mut hasher);
                shapes.has_failed[node] |= shapes.has_failed[child];
            }
            shapes.shapes[node] = hasher.finish();
        }
        shapes
    }

    /// The lines of some siblings, in order. Equal ones stand where the first of them is. Failed ones are never on a line with
    /// others.
    pub(crate) fn lines(&self, siblings: Vec<usize>) -> Vec<Line> {
        if siblings.len() <= MAX_EQUAL {
            return siblings.into_iter().map(Line::Node).collect();
        }
        let mut groups: HashMap<u64, Vec<usize>> = HashMap::new();
        siblings.iter().for_each(|node| groups.entry(self.shapes[*node]).or_default().push(*node));
        let mut lines = Vec::new();
        for node in siblings {
            let max = if self.has_failed[node] { MAX_EQUAL_FAILED } else { MAX_EQUAL };
            match groups.get_mut(&self.shapes[node]) {
                Some(equal) if equal.len() > max => lines.push(Line::Equal(std::mem::take(equal))),
                Some(equal) if !equal.is_empty() => lines.push(Line::Node(node)),
                _ => {} // It is on a line already.
            }
        }
        lines
    }
}
