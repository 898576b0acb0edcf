//! Causes before what they caused, siblings in an order that no foreign clock decides.

use super::hop::Hop;
use super::node::{Causes, NONE};

/// Fills in the children, and cuts cycles: peers can make parents across runs go round in a circle.
pub(super) fn arrange(causes: &mut Causes<'_>) {
    list_children(causes);
    let reached = causes.preorder();
    if reached.len() < causes.nodes.len() {
        cut_cycles(causes, &reached);
        list_children(causes);
    }
    sort_children(causes);
}

impl Causes<'_> {
    /// Every node, causes first.
    pub(crate) fn preorder(&self) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<u32> = self.roots().rev().map(|n| n as u32).collect();
        while let Some(node) = open.pop() {
            order.push(node);
            open.extend(self.children(node as usize).rev().map(|n| n as u32));
        }
        order
    }
}

fn list_children(causes: &mut Causes<'_>) {
    let roots = causes.nodes.len();
    let slot = |cause: u32| if cause == NONE { roots } else { cause as usize };
    let mut starts = vec![0u32; roots + 2];
    causes.nodes.iter().for_each(|node| starts[slot(node.cause) + 1] += 1);
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let (mut next, mut below) = (starts.clone(), vec![0u32; roots]);
    for (at, node) in causes.nodes.iter().enumerate() {
        let free = &mut next[slot(node.cause)];
        below[*free as usize] = at as u32;
        *free += 1;
    }
    (causes.starts, causes.below) = (starts, below);
}

/// First what the same process did, by its clock; then the work of others, by service.
fn sort_children(causes: &mut Causes<'_>) {
    let mut below = std::mem::take(&mut causes.below);
    for node in 0..causes.starts.len() - 1 {
        let children = &mut below[causes.starts[node] as usize..causes.starts[node + 1] as usize];
        if children.len() < 2 {
            continue;
        }
        let of = if node < causes.nodes.len() { causes.segment(node) } else { None };
        let key = |child: &u32| {
            let child = *child as usize;
            let is_elsewhere = causes.segment(child) != of;
            let service = if is_elsewhere { causes.service(child) } else { "" };
            (is_elsewhere, service, causes.started_at(child), child)
        };
        children.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    }
    causes.below = below;
}

/// Takes the first node of every cycle out of it.
fn cut_cycles(causes: &mut Causes<'_>, reached: &[u32]) {
    // The search in which each node was first met; 0: in none.
    let mut met = vec![0u32; causes.nodes.len()];
    reached.iter().for_each(|node| met[*node as usize] = 1);
    let mut search = 1;
    for first in 0..causes.nodes.len() {
        if met[first] != 0 {
            continue;
        }
        search += 1;
        let mut node = first;
        while met[node] == 0 {
            met[node] = search;
            node = causes.nodes[node].cause as usize;
        }
        if met[node] == search {
            let (mut least, end) = (node, node);
            node = causes.nodes[node].cause as usize;
            while node != end {
                least = least.min(node);
                node = causes.nodes[node].cause as usize;
            }
            let cut = &mut causes.nodes[least];
            (cut.cause, cut.hop, cut.awaited) = (NONE, Hop::Start, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::causes::node::Causes;
    use crate::model::Graph;
    use spanbridge::record::{Body, End, Record, SpanData};
    use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};

    /// A span of run `run`, below span `parent`.
    fn span(run: u128, id: u64, parent: u64) -> Record<'static> {
        let mut span = SpanData::new(SpanId::new(id).unwrap(), id.to_string(), id);
        span.parent_span_id = SpanId::new(parent);
        let body = Body::Span(span.with_end(Some(End::new(99, Status::Ok))));
        Record::new(SegmentId::new(1).unwrap(), id, "", body).of_run(RunId::new(run), TraceId::new(run))
    }

    #[test]
    fn circles_across_runs_are_cut() {
        let records = [span(100, 1, 2), span(100, 3, 0), span(100, 4, 1), span(200, 2, 1)];
        let graphs = [
            Graph::build(RunId::new(100).unwrap(), &records[..3]),
            Graph::build(RunId::new(200).unwrap(), &records[3..]),
        ];
        let causes = Causes::of(&graphs);
        let names: Vec<&str> = causes.preorder().iter().map(|n| causes.name(*n as usize)).collect();
        assert_eq!(names, ["1", "2", "4", "3"]);
    }
}
