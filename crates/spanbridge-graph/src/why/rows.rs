//! The rows that were changed before a failure.
//!
//! Before it is what its own path wrote, what had ended by the same clock before the next step of the path began, with all that was
//! waited for there, and what earlier attempts wrote. Nothing else is known to be before it. Rows of which the span is not known are
//! told, too: they may have to do with it.

use super::explain::Known;
use super::model::{Failure, StateChange, StateWriter};
use super::undone::Undone;
use crate::causes::Causes;
use crate::hash::{Map, Set};
use crate::model::Mutation;

/// The rows that were changed, by a number.
type Written<'g> = Map<u32, Vec<&'g Mutation>>;

/// Which rows each node changed, and which transactions were rolled back.
pub(super) struct Rows<'g> {
    written: Written<'g>,
    /// Those of a graph of which the span is not known, or not recorded.
    loose: Written<'g>,
    pub(super) undone: Undone,
    /// Whether a node, or one that it waits for, wrote rows or was rolled back. Empty: none did.
    is_above: Vec<bool>,
    rank: Vec<u32>,
}

/// What happened before a failure.
#[derive(Default)]
pub(super) struct Before {
    /// Nodes that wrote rows, in causal order.
    writers: Vec<u32>,
    /// Transactions that were rolled back, in causal order.
    pub(super) undone: Vec<u32>,
}

impl<'g> Rows<'g> {
    pub(super) fn of(causes: &Causes<'g>, order: &[u32]) -> Self {
        let undone = Undone::of(causes, order);
        let (mut written, mut loose): (Written<'g>, Written<'g>) = Default::default();
        for (graph, place) in causes.graphs.iter().zip(0..) {
            for mutation in &graph.mutations {
                match mutation.span_id.and_then(|span| causes.place_of_span(span)) {
                    Some(node) if undone.is(node) => {}
                    Some(node) => written.entry(node as u32).or_default().push(mutation),
                    None => loose.entry(place).or_default().push(mutation),
                }
            }
        }
        let mut rows = Rows { written, loose, undone, is_above: Vec::new(), rank: Vec::new() };
        if !rows.written.is_empty() || !rows.undone.is_empty() {
            rows.is_above = vec![false; causes.len()];
            rows.rank = vec![u32::MAX; causes.len()];
            (0..).zip(order).for_each(|(rank, node)| rows.rank[*node as usize] = rank);
            for node in order.iter().rev().map(|node| *node as usize) {
                rows.is_above[node] |= rows.written.contains_key(&(node as u32)) || rows.undone.is(node);
                if let Some(above) = causes.waiting(node).filter(|_| rows.is_above[node]) {
                    rows.is_above[above] = true;
                }
            }
        }
        rows
    }

    /// What happened before the end of a path failed. `attempts`: those before it.
    pub(super) fn before(&self, causes: &Causes<'_>, path: &[usize], attempts: &[usize]) -> Before {
        let mut found = Before::default();
        if self.is_above.is_empty() {
            return found;
        }
        path.iter().for_each(|node| self.take(*node, &mut found));
        for (above, next) in path.iter().zip(&path[1..]) {
            for child in causes.awaited(*above).filter(|child| child != next && self.is_above[*child]) {
                self.look(causes, child, *next, &mut found);
            }
        }
        path.last().into_iter().chain(attempts).for_each(|node| self.take_all(causes, *node, &mut found));
        for nodes in [&mut found.writers, &mut found.undone] {
            nodes.sort_unstable_by_key(|node| self.rank[*node as usize]);
            nodes.dedup();
        }
        found
    }

    /// Looks at a step that is beside the path: what had ended before the next step of the path is before it. A transaction that
    /// had only begun by then may have been rolled back because of the failure.
    fn look(&self, causes: &Causes<'_>, node: usize, next: usize, found: &mut Before) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if causes.ended_before(node, next) {
                self.take_all(causes, node, found);
            } else if causes.segment(node) == causes.segment(next)
                && causes.ended_at(next).is_none_or(|end| causes.started_at(node) <= end)
            {
                if self.undone.is(node) {
                    found.undone.push(node as u32);
                }
                open.extend(causes.awaited(node).filter(|child| self.is_above[*child]));
            }
        }
    }

    fn take_all(&self, causes: &Causes<'_>, node: usize, found: &mut Before) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.take(node, found);
            open.extend(causes.awaited(node).filter(|child| self.is_above[*child]));
        }
    }

    fn take(&self, node: usize, found: &mut Before) {
        if self.written.contains_key(&(node as u32)) {
            found.writers.push(node as u32);
        }
        if self.undone.is(node) {
            found.undone.push(node as u32);
        }
    }

    /// The changes, and how many more there are before those.
    pub(super) fn changes(&self, known: &Known<'_, 'g>, path: &[usize], before: &Before) -> (Vec<StateChange>, usize) {
        let causes = known.causes;
        let next: Map<u32, usize> = path.iter().zip(&path[1..]).map(|(above, next)| (*above as u32, *next)).collect();
        let written = before.writers.iter().rev().flat_map(|node| {
            let next = next.get(node).copied();
            // What a step wrote itself may be after the next step of the path, by the same clock.
            let is_before = move |mutation: &&&Mutation| {
                let next = next.filter(|next| causes.segment(*next) == causes.segment(*node as usize));
                let end = next.and_then(|next| causes.ended_at(next));
                end.is_none_or(|end| mutation.committed_at.is_none_or(|at| at <= end))
            };
            let own = self.written.get(node).into_iter().flatten().rev().filter(is_before);
            own.map(move |mutation| (Some(*node as usize), causes.graph_place(*node as usize), *mutation))
        });
        let (mut all, mut more) = (Vec::new(), 0);
        let mut seen: Set<(&str, &str)> = Set::default();
        for (node, graph, mutation) in written.chain(self.of_runs(causes, path)) {
            if all.len() == Failure::MAX_CHANGES {
                more += 1;
            } else if seen.insert((&mutation.database, &mutation.mutation_id)) {
                all.push(change(known, node, graph, mutation));
            }
        }
        all.reverse();
        (all, more)
    }

    /// Rows that the runs of a path changed, the latest first, of which the span is not known or not recorded. Nothing but a clock
    /// could say which of them were before the failure.
    fn of_runs<'a>(
        &'a self,
        causes: &'a Causes<'g>,
        path: &'a [usize],
    ) -> impl Iterator<Item = (Option<usize>, usize, &'g Mutation)> + 'a {
        let mut graphs: Vec<usize> = Vec::new();
        if !self.loose.is_empty() {
            for graph in path.iter().rev().map(|node| causes.graph_place(*node)) {
                if !graphs.contains(&graph) {
                    graphs.push(graph);
                }
            }
        }
        graphs.into_iter().flat_map(move |graph| {
            let loose = self.loose.get(&(graph as u32)).into_iter().flatten().rev();
            loose.map(move |mutation| (None, graph, *mutation))
        })
    }
}

fn change(known: &Known<'_, '_>, node: Option<usize>, graph: usize, mutation: &Mutation) -> StateChange {
    let causes = known.causes;
    let run = &causes.graphs[graph].run;
    let span = node.and_then(|node| causes.span(node));
    let mut writer = StateWriter::new(run.run_id, &*run.name);
    writer.trace_id = span.map(|span| span.trace_id);
    writer.span_id = mutation.span_id;
    writer.span_name = span.map(|span| span.name.clone()).filter(|name| !name.is_empty());
    StateChange {
        mutation: mutation.clone(),
        writer: Some(writer),
        service: node.map_or("", |node| causes.service(node)).to_owned(),
    }
}
