//! Spans in the order of the tree: parents before children, siblings by start.
//!
//! Time and memory are linear, except for sorting siblings. Deep trees need no recursion, and a cycle of parents is cut at
//! its earliest span.

use super::index::Index;
use crate::hash::Set;

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// What the tree needs to know about a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) id: u64,
    /// The parent's id. 0 if it has none, or if the run itself stands above it.
    pub(super) parent: u64,
    pub(super) started_at: u64,
    /// The place of the parent among the nodes, if it came before; else [`NONE`].
    pub(super) above: u32,
}

/// A span in its place. Small, since a run may have millions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Placed {
    node: u32,
    parent: u32,
    depth: u32,
    pub(super) attachment: Attachment,
}

impl Placed {
    /// A node below the one that was placed there.
    pub(super) fn new(node: usize, parent: Option<usize>, depth: usize, attachment: Attachment) -> Self {
        let parent = parent.map_or(NONE, |parent| parent as u32);
        Self { node: node as u32, parent, depth: depth as u32, attachment }
    }

    /// The place of the span among the nodes.
    pub(super) fn node(&self) -> usize {
        self.node as usize
    }

    /// The place of its parent among the placed ones.
    pub(super) fn parent(&self) -> Option<usize> {
        (self.parent != NONE).then_some(self.parent as usize)
    }

    pub(super) fn depth(&self) -> usize {
        self.depth as usize
    }
}

/// Why a span stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Attachment {
    /// It stands below its parent, or it has none.
    Attached,
    /// Its parent is not there.
    Orphan,
    /// It is its own ancestor; the cycle was cut above it.
    CycleCut,
}

/// Every node, parents before children.
pub(super) fn arrange(nodes: &[Node], index: &Index) -> Vec<Placed> {
    let parent = |node: &Node| match (node.parent, node.above) {
        (0, _) => NONE,
        (id, NONE) => index.get(id).map_or(NONE, |place| place as u32),
        (_, above) => above,
    };
    let mut parents: Vec<u32> = nodes.iter().map(parent).collect();
    let mut children = Children::of(nodes, &parents);
    let mut order = Vec::with_capacity(nodes.len());
    children.walk(nodes, &mut order);
    if order.len() < nodes.len() {
        let cut = cut_cycles(nodes, &mut parents, &order);
        children = Children::of(nodes, &parents);
        order.clear();
        children.walk(nodes, &mut order);
        order.iter_mut().filter(|p| cut.contains(&p.node())).for_each(|p| p.attachment = Attachment::CycleCut);
    }
    order
}

/// The children of all nodes in one list: those of node `n` are `of[starts[n]..starts[n + 1]]`. The roots come last.
struct Children {
    starts: Vec<u32>,
    of: Vec<u32>,
}

impl Children {
    fn of(nodes: &[Node], parents: &[u32]) -> Self {
        let roots = nodes.len();
        let slot = |parent: u32| if parent == NONE { roots } else { parent as usize };
        // First the number of children, one to the right; then the sum of those before; then the next free place.
        let mut starts = vec![0u32; roots + 2];
        parents.iter().for_each(|p| starts[slot(*p) + 1] += 1);
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut of = vec![0u32; nodes.len()];
        for (node, parent) in parents.iter().enumerate() {
            let free = &mut next[slot(*parent)];
            of[*free as usize] = node as u32;
            *free += 1;
        }
        let key = |node: &u32| (nodes[*node as usize].started_at, nodes[*node as usize].id);
        for bounds in starts.windows(2) {
            let siblings = &mut of[bounds[0] as usize..bounds[1] as usize];
            if siblings.len() > 1 && !siblings.is_sorted_by_key(key) {
                siblings.sort_unstable_by_key(key);
            }
        }
        Self { starts, of }
    }

    fn below(&self, node: usize) -> &[u32] {
        &self.of[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// Everything below the roots, parents first.
    fn walk(&self, nodes: &[Node], order: &mut Vec<Placed>) {
        // What is still to be placed, the next one last, with the place of its parent.
        let mut open: Vec<(u32, u32)> = self.below(nodes.len()).iter().rev().map(|n| (*n, NONE)).collect();
        while let Some((node, above)) = open.pop() {
            let place = order.len() as u32;
            let (depth, attachment) = match order.get(above as usize) {
                Some(p) => (p.depth + 1, Attachment::Attached),
                None if nodes[node as usize].parent == 0 => (0, Attachment::Attached),
                None => (0, Attachment::Orphan),
            };
            order.push(Placed { node, parent: above, depth, attachment });
            open.extend(self.below(node as usize).iter().rev().map(|n| (*n, place)));
        }
    }
}

/// Removes the parent of the earliest span of every cycle, and returns those spans. What was placed is in no cycle.
fn cut_cycles(nodes: &[Node], parents: &mut [u32], placed: &[Placed]) -> Set<usize> {
    let mut cut = Set::default();
    // The search in which each node was first found; 0: in none.
    let mut met = vec![0u32; nodes.len()];
    placed.iter().for_each(|p| met[p.node()] = 1);
    let mut search = 1;
    for first in 0..nodes.len() {
        if met[first] != 0 {
            continue;
        }
        search += 1;
        let mut node = first;
        while met[node] == 0 {
            met[node] = search;
            node = parents[node] as usize;
        }
        if met[node] != search {
            continue;
        }
        let (mut earliest, end) = (node, node);
        node = parents[node] as usize;
        while node != end {
            let key = |n: usize| (nodes[n].started_at, nodes[n].id);
            if key(node) < key(earliest) {
                earliest = node;
            }
            node = parents[node] as usize;
        }
        parents[earliest] = NONE;
        cut.insert(earliest);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(spans: &[(u64, u64, u64)]) -> (Vec<Node>, Index) {
        let mut index = Index::default();
        spans.iter().enumerate().for_each(|(place, (id, _, _))| assert_eq!(index.place(*id), (place, true)));
        (spans.iter().map(|&(id, parent, started_at)| Node { id, parent, started_at, above: NONE }).collect(), index)
    }

    /// Every span as its id, indented by its depth. `?` marks orphans, `o` cycles that were cut.
    fn drawn(spans: &[(u64, u64, u64)]) -> Vec<String> {
        let (nodes, index) = nodes(spans);
        let mark = |r: Attachment| match r {
            Attachment::Attached => "",
            Attachment::Orphan => "?",
            Attachment::CycleCut => "o",
        };
        let line = |p: &Placed| format!("{}{}{}", " ".repeat(p.depth()), nodes[p.node()].id, mark(p.attachment));
        arrange(&nodes, &index).iter().map(line).collect()
    }

    #[test]
    fn parents_first_then_by_start_and_id() {
        let spans = [(5, 2, 9), (3, 1, 7), (2, 1, 7), (1, 0, 1), (6, 2, 8), (7, 99, 3), (4, 0, 0)];
        assert_eq!(drawn(&spans), ["4", "1", " 2", "  6", "  5", " 3", "7?"]);
    }

    #[test]
    fn cycles_are_cut_at_their_earliest_span() {
        assert_eq!(drawn(&[(1, 1, 5)]), ["1o"]);
        let spans = [(1, 3, 5), (2, 1, 4), (3, 2, 6), (9, 2, 1), (8, 0, 9), (4, 5, 1), (5, 4, 2)];
        assert_eq!(drawn(&spans), ["4o", " 5", "2o", " 9", " 3", "  1", "8"]);
    }

    #[test]
    fn depth_and_width_need_no_stack() {
        let deep: Vec<_> = (1..=100_000).rev().map(|n| (n, n - 1, n)).collect();
        let (nodes, index) = nodes(&deep);
        let placed = arrange(&nodes, &index);
        assert_eq!(placed.last().map(Placed::depth), Some(99_999));
        let cycle: Vec<_> = (1..=100_000).map(|n| (n, n % 100_000 + 1, n)).collect();
        let (nodes, index) = self::nodes(&cycle);
        assert_eq!(arrange(&nodes, &index).len(), 100_000);
    }
}
