//! The critical path: from the last thing that ended back to the start of the run, always to what was waited for.

use super::hop::Hop;
use super::node::{NONE, OPEN, Standing, Subject};
use super::nodes::Nodes;
use crate::hash::Map;
use crate::model::{CriticalPath, Graph, Stretch, StretchKind};

impl CriticalPath {
    /// The critical path of a run, without what other runs did for it.
    pub fn of(graph: &Graph) -> Self {
        Self::with_children(graph, &[])
    }

    /// The critical path of a run through these child runs of it, and child runs of those.
    pub fn with_children(graph: &Graph, children: &[Graph]) -> Self {
        walk(&Nodes::of(graph, children))
    }
}

fn walk(nodes: &Nodes<'_>) -> CriticalPath {
    let started_at = nodes.graphs[0].run.started_at;
    let (mut at, mut time) = last(nodes);
    let mut path = Backwards { nodes, started_at, stretches: Vec::new() };
    let ended_at = time.max(started_at);
    let mut candidates = Candidates { nodes, lists: Map::default() };
    // Every step leaves a node or takes a child off its list. Records of others can say that things of no duration caused each
    // other in many ways, so the steps are counted.
    let mut steps = 8 * nodes.list.len() + 64;
    while time > started_at && at != NONE && steps > 0 {
        steps -= 1;
        if let Some((end, child)) = candidates.before(at, time) {
            path.work(at, end, time);
            (at, time) = (child, end);
            continue;
        }
        let node = nodes.list[at as usize];
        let begun = node.started_at.min(time);
        path.work(at, begun, time);
        time = begun;
        let above = nodes.list.get(node.cause as usize);
        if let Some(ended) = above.map(|above| above.ended_at).filter(|end| *end < time) {
            match node.hop {
                Hop::Queue | Hop::Again => path.put(StretchKind::Queue, at, ended, time),
                Hop::Inside | Hop::Call | Hop::Fork => path.idle(at, ended, time),
            }
            time = ended;
        }
        at = node.cause;
    }
    let rest = if at == NONE { StretchKind::Idle } else { StretchKind::NotComputed };
    path.put(rest, 0, started_at, time);
    path.stretches.reverse();
    CriticalPath { started_at, ended_at, stretches: path.stretches, skewed: skewed(nodes) }
}

/// What ended last, and when. Of several, the one that stands above the others.
fn last(nodes: &Nodes<'_>) -> (u32, u64) {
    let is_open = nodes.graphs[0].run.ended_at.is_none();
    let mut last = None;
    for (place, node) in nodes.list.iter().enumerate().filter(|(_, node)| node.standing == Standing::Sound) {
        let until = match (node.ended_at, nodes.subject(place as u32)) {
            (OPEN, Subject::Run(_)) => node.started_at,
            (OPEN, Subject::Span(..)) if is_open && !node.is_unsure => nodes.last,
            (OPEN, Subject::Span(..)) => node.started_at,
            (end, _) => end,
        };
        if last.is_none_or(|(_, end)| until > end) {
            last = Some((place as u32, until));
        }
    }
    last.unwrap_or((0, nodes.list[0].started_at))
}

fn skewed(nodes: &Nodes<'_>) -> Vec<spanbridge::SpanId> {
    let skewed = (0..nodes.list.len() as u32).filter(|n| nodes.list[*n as usize].standing == Standing::Skewed);
    let span = |node| match nodes.subject(node) {
        Subject::Span(_, span) => Some(span.span_id),
        Subject::Run(run) => run.triggered_by_span_id,
    };
    skewed.filter_map(span).collect()
}

/// The children of the nodes that the path came to, by when they ended. Those that are done with are removed.
struct Candidates<'n, 'g> {
    nodes: &'n Nodes<'g>,
    lists: Map<u32, Vec<(u64, u64, u32)>>,
}

impl Candidates<'_, '_> {
    /// The child that a node waited for until the latest time that is not after `time`.
    fn before(&mut self, node: u32, time: u64) -> Option<(u64, u32)> {
        let list = self.lists.entry(node).or_insert_with(|| children(self.nodes, node));
        // Those that were still running held nobody up.
        while list.last().is_some_and(|(end, ..)| *end > time) {
            list.pop();
        }
        list.pop().map(|(end, _, child)| (end, child))
    }
}

fn children(nodes: &Nodes<'_>, node: u32) -> Vec<(u64, u64, u32)> {
    let first = nodes.replies.partition_point(|(asked, _)| *asked < node);
    let replies = nodes.replies[first..].iter().take_while(|(asked, _)| *asked == node).map(|(_, reply)| *reply);
    let begun = nodes.list[node as usize].started_at;
    let replies = replies.filter(|reply| {
        let reply = &nodes.list[*reply as usize];
        reply.standing == Standing::Sound && reply.started_at >= begun
    });
    let child = |child: u32| {
        let end = nodes.held_until(child, node)?;
        Some((end, nodes.list[child as usize].started_at, child))
    };
    let mut list: Vec<_> = nodes.children(node).iter().copied().chain(replies).filter_map(child).collect();
    list.sort_unstable();
    list
}

/// The stretches, the last first.
struct Backwards<'n, 'g> {
    nodes: &'n Nodes<'g>,
    started_at: u64,
    stretches: Vec<Stretch>,
}

impl Backwards<'_, '_> {
    /// The node itself, without its children.
    fn work(&mut self, node: u32, from: u64, to: u64) {
        let (nodes, is_unsure) = (self.nodes, self.nodes.list[node as usize].is_unsure);
        let (kind, waits) = match nodes.subject(node) {
            Subject::Run(run) if !run.owned => (StretchKind::Idle, None),
            Subject::Run(_) => (StretchKind::Work, Some(nodes.waits_of(node).of_run())),
            Subject::Span(_, span) => (StretchKind::Work, nodes.waits_of(node).of_segment(span.segment_id)),
        };
        let kind = if is_unsure { StretchKind::NotComputed } else { kind };
        let mut to = to;
        for (since, until) in waits.map(|waits| waits.backwards(from, to)).into_iter().flatten() {
            self.put(kind, node, until, to);
            self.put(StretchKind::Suspended, node, since, until);
            to = since;
        }
        self.put(kind, node, from, to);
    }

    /// Between the end of what caused a node and its start.
    fn idle(&mut self, node: u32, from: u64, mut to: u64) {
        for (since, until) in self.nodes.waits_of(node).of_run().backwards(from, to) {
            self.put(StretchKind::Idle, node, until, to);
            self.put(StretchKind::Suspended, node, since, until);
            to = since;
        }
        self.put(StretchKind::Idle, node, from, to);
    }

    fn put(&mut self, kind: StretchKind, node: u32, from: u64, to: u64) {
        let from = from.max(self.started_at);
        if from >= to {
            return;
        }
        let (run, span) = match self.nodes.subject(node) {
            Subject::Run(run) => (run, None),
            Subject::Span(run, span) => (run, Some(span)),
        };
        let is_of_run = matches!(kind, StretchKind::Suspended | StretchKind::Idle);
        let span_id = span.filter(|_| !is_of_run).map(|span| span.span_id);
        let stretch = Stretch { kind, run_id: run.run_id, span_id, from, to };
        match self.stretches.last_mut() {
            Some(later) if (later.kind, later.run_id, later.span_id, later.from) == (kind, run.run_id, span_id, to) => {
                later.from = from;
            }
            _ => self.stretches.push(stretch),
        }
    }
}
