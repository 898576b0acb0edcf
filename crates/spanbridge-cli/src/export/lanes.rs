//! Which spans of a service are drawn in one row: those that lie inside each other, or after each other.

use spanbridge_graph::Span;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// The rows of one service in one run.
#[derive(Default)]
struct Rows {
    /// For each row, the ends of the spans that are open in it: each lies inside the one before it.
    open: Vec<Vec<u64>>,
    /// Until when each row is taken.
    taken: BinaryHeap<Reverse<(u64, usize)>>,
}

/// The end of a span, for drawing. One that has none goes on.
pub(super) fn end_of(span: &Span) -> u64 {
    span.ended_at.map_or(u64::MAX, |end| end.max(span.started_at))
}

/// For each span its row among those of its service. Spans of a row never overlap but to lie inside each other.
pub(super) fn rows(spans: &[Span]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    // At the same time, the longer one is outside. A parent of the same length is before its child.
    order.sort_by_key(|at| (spans[*at].started_at, Reverse(end_of(&spans[*at])), *at));
    let mut services: HashMap<&str, Rows> = HashMap::new();
    let mut row_of = vec![0; spans.len()];
    for at in order {
        let span = &spans[at];
        let rows = services.entry(&span.service).or_default();
        let parent = span.parent.filter(|parent| spans.get(*parent).is_some_and(|p| p.service == span.service));
        let (start, end) = (span.started_at, end_of(span));
        row_of[at] =
            rows.inside(parent.map(|parent| row_of[parent]), start, end).unwrap_or_else(|| rows.free(start, end));
    }
    row_of
}

impl Rows {
    /// The parent's row, if there is room inside of what is open in it.
    fn inside(&mut self, row: Option<usize>, start: u64, end: u64) -> Option<usize> {
        let row = row?;
        let open = self.open.get_mut(row)?;
        while open.last().is_some_and(|last| *last <= start) {
            open.pop();
        }
        if open.last().is_none_or(|last| *last < end) {
            return None;
        }
        open.push(end);
        Some(row)
    }

    /// A row that is free by then, or another one.
    fn free(&mut self, start: u64, end: u64) -> usize {
        let row = match self.taken.peek() {
            Some(Reverse((until, _))) if *until <= start => self.taken.pop().map_or(0, |Reverse((_, row))| row),
            _ => {
                self.open.push(Vec::new());
                self.open.len() - 1
            }
        };
        self.open[row] = vec![end];
        self.taken.push(Reverse((end.max(start.saturating_add(1)), row)));
        row
    }
}
