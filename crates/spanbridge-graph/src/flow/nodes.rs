//! The spans of a run and of its child runs in one list, each with what caused it.

use super::causes::Causes;
use super::hop::Hop;
use super::node::{NONE, Node, OPEN, Standing, Subject};
use super::waits::Waits;
use crate::hash::Set;
use crate::model::{Graph, Run, SpanStatus};
use spanbridge::SegmentId;

/// Clocks are not compared more closely than this, in nanoseconds.
const CLOCK_TOLERANCE: u64 = 1_000_000;

/// The nodes: for each graph its run, then its spans as they are in the graph.
pub(super) struct Nodes<'g> {
    pub(super) graphs: Vec<&'g Graph>,
    /// The run of each graph among the nodes, and the number of all nodes.
    firsts: Vec<u32>,
    pub(super) list: Vec<Node>,
    /// The children of node `n` that it may wait for are `children[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    children: Vec<u32>,
    /// Replies, each with the node that asked.
    pub(super) replies: Vec<(u32, u32)>,
    waits: Vec<Waits>,
    /// When the last thing was recorded, as far as clocks can be compared.
    pub(super) last: u64,
}

impl<'g> Nodes<'g> {
    /// The nodes of a run, and of other runs that it caused.
    pub(super) fn of(graph: &'g Graph, others: &'g [Graph]) -> Self {
        let graphs: Vec<&Graph> = std::iter::once(graph).chain(others).collect();
        let mut firsts = vec![0u32];
        for graph in &graphs {
            firsts.push(firsts[firsts.len() - 1] + 1 + graph.spans.len() as u32);
        }
        let mut list = Vec::with_capacity(firsts[graphs.len()] as usize);
        let causes = Causes::new(&graphs, &firsts);
        for g in 0..graphs.len() {
            causes.add(g, &mut list);
        }
        let replies = causes.replies(&list);
        let mut nodes = Nodes {
            graphs,
            firsts,
            list,
            starts: Vec::new(),
            children: Vec::new(),
            replies,
            waits: Vec::new(),
            last: 0,
        };
        nodes.judge();
        nodes.connect();
        let known = nodes.list.iter().filter(|node| node.standing == Standing::Sound);
        nodes.last = known.map(|n| if n.ended_at == OPEN { n.started_at } else { n.ended_at }).max().unwrap_or(0);
        nodes.waits = nodes.graphs.iter().map(|g| Waits::of(&g.run, g.run.ended_at.unwrap_or(nodes.last))).collect();
        nodes
    }

    /// The graph of a node, by its place.
    fn graph_of(&self, node: u32) -> usize {
        self.firsts.partition_point(|first| *first <= node) - 1
    }

    pub(super) fn subject(&self, node: u32) -> Subject<'g> {
        let at = self.graph_of(node);
        let graph = self.graphs[at];
        match (node - self.firsts[at]).checked_sub(1) {
            None => Subject::Run(&graph.run),
            Some(span) => Subject::Span(&graph.run, &graph.spans[span as usize]),
        }
    }

    /// When the run of a node was suspended.
    pub(super) fn waits_of(&self, node: u32) -> &Waits {
        &self.waits[self.graph_of(node)]
    }

    /// What the node may wait for, by start, as far as clocks agree.
    pub(super) fn children(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.children[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// Finds nodes whose times contradict those of their cause. Each is looked at once, causes first.
    fn judge(&mut self) {
        let resumed: Vec<Set<SegmentId>> = self.graphs.iter().map(|g| resumed_too_early(&g.run)).collect();
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Entered,
            Done,
        }
        let mut states = vec![State::New; self.list.len()];
        let mut chain: Vec<u32> = Vec::new();
        for first in 0..self.list.len() as u32 {
            let mut at = first;
            while at != NONE && states[at as usize] == State::New {
                states[at as usize] = State::Entered;
                chain.push(at);
                at = self.list[at as usize].cause;
            }
            if at != NONE && states[at as usize] == State::Entered {
                // A circle: what records of others say of each other. It is cut where it was entered.
                let last = chain[chain.len() - 1] as usize;
                self.list[last].cause = NONE;
                self.list[last].standing = Standing::Skewed;
            }
            while let Some(node) = chain.pop() {
                self.judge_one(node, &resumed);
                states[node as usize] = State::Done;
            }
        }
    }

    fn judge_one(&mut self, node: u32, resumed_too_early: &[Set<SegmentId>]) {
        let subject = self.subject(node);
        let Node { mut started_at, ended_at, cause, hop, mut standing, .. } = self.list[node as usize];
        let Some(above) = self.list.get(cause as usize).copied() else { return };
        let is_root = matches!(self.subject(cause), Subject::Run(_));
        let early = &resumed_too_early[self.graph_of(node)];
        if above.standing != Standing::Sound {
            standing = Standing::BelowSkewed;
        } else if is_root {
            // It may have begun before its owner declared the run.
            if matches!(subject, Subject::Span(_, span) if early.contains(&span.segment_id)) {
                standing = Standing::Skewed;
            }
            started_at = started_at.max(above.started_at);
        } else if above.started_at > started_at.saturating_add(CLOCK_TOLERANCE)
            || (hop == Hop::Call
                && self.has_answer(cause)
                && started_at > above.ended_at.saturating_add(CLOCK_TOLERANCE))
        {
            standing = Standing::Skewed;
        } else {
            started_at = started_at.max(above.started_at);
        }
        if standing == Standing::Skewed && matches!(hop, Hop::Inside | Hop::Call) && !is_root {
            self.list[cause as usize].is_unsure = true;
        }
        let changed = &mut self.list[node as usize];
        (changed.started_at, changed.ended_at, changed.standing) = (started_at, ended_at.max(started_at), standing);
    }

    fn has_answer(&self, caller: u32) -> bool {
        matches!(self.subject(caller), Subject::Span(_, span) if span.status == SpanStatus::Ok)
    }

    /// Makes the lists of children.
    fn connect(&mut self) {
        let waited_for = |node: &Node| {
            let holds = matches!(node.hop, Hop::Inside | Hop::Call) && node.standing != Standing::Skewed;
            Some(node.cause as usize).filter(|_| holds && node.cause != NONE)
        };
        let mut starts = vec![0u32; self.list.len() + 1];
        self.list.iter().filter_map(waited_for).for_each(|above| starts[above + 1] += 1);
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let mut next = starts.clone();
        let mut children = vec![0u32; starts[self.list.len()] as usize];
        for (n, node) in self.list.iter().enumerate() {
            if let Some(above) = waited_for(node) {
                children[next[above] as usize] = n as u32;
                next[above] += 1;
            }
        }
        let key = |node: &u32| self.list[*node as usize].started_at;
        for bounds in starts.windows(2) {
            let siblings = &mut children[bounds[0] as usize..bounds[1] as usize];
            if !siblings.is_sorted_by_key(key) {
                siblings.sort_by_key(key);
            }
        }
        (self.starts, self.children) = (starts, children);
    }

    /// The last time at which a child held its parent up. `None`: it did not, or nobody knows.
    pub(super) fn held_until(&self, child: u32, parent: u32) -> Option<u64> {
        let (node, above) = (&self.list[child as usize], &self.list[parent as usize]);
        let is_call = node.hop == Hop::Call || node.cause != parent;
        let until = match (node.ended_at, above.ended_at) {
            (OPEN, OPEN) => self.last,
            // A caller that gave up on a callee.
            (OPEN, end) if is_call => end,
            (OPEN, _) => return None,
            (end, OPEN) => end,
            (end, parents) if is_call || end <= parents.saturating_add(CLOCK_TOLERANCE) => end.min(parents),
            // It went on alone.
            _ => return None,
        };
        Some(until).filter(|until| *until >= node.started_at)
    }
}

/// The segments that resumed a run before it had been suspended, by another clock.
fn resumed_too_early(run: &Run) -> Set<SegmentId> {
    let early =
        run.suspensions.iter().filter(|s| s.resumed_at.is_some_and(|to| s.suspended_at.is_some_and(|at| to < at)));
    let early: Set<u64> = early.map(|s| crate::hash::stable(s.suspension_id.as_bytes())).collect();
    let of = |id: &String| early.contains(&crate::hash::stable(id.as_bytes()));
    let segments = run.segments.iter().filter(|s| !early.is_empty() && s.suspension_id.as_ref().is_some_and(of));
    segments.map(|s| s.segment_id).collect()
}
