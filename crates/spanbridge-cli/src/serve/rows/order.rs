//! In which order the spans are rows.

use crate::render::forest::Forest;
use spanbridge::SpanId;
use std::collections::HashMap;

/// No row.
pub(super) const NONE: i64 = -1;

/// The order of the rows: below a span everything that it caused, siblings by start.
pub(super) struct Order {
    /// The place in the graph of each row.
    pub(super) spans: Vec<usize>,
    /// The row of what stands above each row, or [`NONE`].
    pub(super) parents: Vec<i64>,
    rows: HashMap<SpanId, u32>,
}

impl Order {
    /// The order of the tree. A settlement that is a word on the line of its job there is a row below it here.
    pub(super) fn of(forest: &Forest<'_>) -> Self {
        let spans = &forest.graph.spans;
        let mut above: Vec<Option<usize>> = (0..spans.len()).map(|i| forest.above_place(i)).collect();
        for i in forest.folded() {
            above[*i] = spans[*i].parent;
        }
        // By number of the parent, the roots last.
        let mut by_parent: Vec<usize> = (0..spans.len()).collect();
        by_parent.sort_by_key(|i| (above[*i].unwrap_or(spans.len()), spans[*i].started_at));
        let mut starts = vec![0; spans.len() + 2];
        by_parent.iter().for_each(|i| starts[above[*i].unwrap_or(spans.len()) + 1] += 1);
        for n in 0..=spans.len() {
            starts[n + 1] += starts[n];
        }
        let children = |n: usize| &by_parent[starts[n]..starts[n + 1]];

        let mut order = Order { spans: Vec::new(), parents: Vec::new(), rows: HashMap::with_capacity(spans.len()) };
        let mut next: Vec<(usize, i64)> = children(spans.len()).iter().rev().map(|i| (*i, NONE)).collect();
        while let Some((i, parent)) = next.pop() {
            let row = order.spans.len();
            order.spans.push(i);
            order.parents.push(parent);
            order.rows.entry(spans[i].span_id).or_insert(row as u32);
            next.extend(children(i).iter().rev().map(|child| (*child, row as i64)));
        }
        order
    }

    /// The row of a span. If an id occurs twice, the first.
    pub(super) fn row(&self, span: SpanId) -> Option<u32> {
        self.rows.get(&span).copied()
    }

    /// The rows and the places of their spans in the graph.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, usize)> {
        (0..).zip(self.spans.iter().copied())
    }
}
