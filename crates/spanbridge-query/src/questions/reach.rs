//! Reads the runs that a run is connected with by cause: what it caused, and what caused it.

use super::bounded::Reading;
use super::graph::add_never_settled;
use crate::Result;
use crate::engine::{IdPrefix, Mention, Snapshot};
use spanbridge::{RunId, SpanId};
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Graph, GraphLimit};
use std::collections::BTreeSet;

/// Maximum number of runs that are read.
const MAX_RUNS: usize = 500;

/// No more runs are read once those that were have this many spans.
const MAX_SPANS: usize = 1_000_000;

/// Other runs of the same traces, and other runs of the same parent, are read if they are no more than this. If not, they count as
/// left out.
const MAX_BESIDE: usize = 100;

/// Parents that are not in the run that names them are looked for, at most this many for each run.
const MAX_PARENTS: usize = 20;

/// The runs that were read.
#[derive(Default)]
pub(super) struct Reach {
    pub(super) graphs: Vec<Graph>,
    /// How many connected runs were left out, because there are too many.
    pub(super) left_out: usize,
    spans: usize,
}

/// How a run was reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// It was asked about.
    Asked,
    /// A run before it caused it.
    Effect,
    /// The same, from a message to the batch that it was part of. The other messages of the batch do not matter.
    Batch,
    /// It caused a run before it.
    Cause,
    /// It may have another attempt at the same.
    Beside,
}

impl Reach {
    /// Reads these runs and those connected with them.
    pub(super) fn of(snapshot: &dyn Snapshot, run_ids: &[RunId], limit: &GraphLimit) -> Result<Self> {
        let mut reading = Reading::new(limit);
        let mut reach = Reach::default();
        let mut level: Vec<(RunId, Way)> = run_ids.iter().map(|run| (*run, Way::Asked)).collect();
        let mut seen: Set<RunId> = run_ids.iter().copied().collect();
        let mut beside = BTreeSet::new();
        while !level.is_empty() {
            let first = reach.graphs.len();
            reach.read(snapshot, &level, &mut reading)?;
            add_never_settled(snapshot, &mut reach.graphs[first..])?;
            let mut next = BTreeSet::new();
            for place in first..reach.graphs.len() {
                let graph = &reach.graphs[place];
                let way = level.iter().find(|(run, _)| *run == graph.run.run_id).map_or(Way::Effect, |(_, way)| *way);
                next.extend(causes(snapshot, graph, way, &mut beside)?);
                next.extend(effects(snapshot, graph, way, &mut beside)?);
            }
            level = next.into_iter().filter(|(run, _)| seen.insert(*run)).collect();
        }
        reach.left_out += beside.iter().filter(|run| !seen.contains(*run)).count();
        Ok(reach)
    }

    /// Says of each run that was not read whole what was not looked at.
    pub(super) fn summarised(&self) -> impl Iterator<Item = String> + '_ {
        self.graphs.iter().filter_map(|graph| {
            let message = graph.diagnostics.iter().find(|known| known.code == "spans_not_shown")?;
            graph.left_out.as_ref()?;
            Some(format!("of run {}, {}", graph.run.run_id, message.message.replace("not shown", "not looked at")))
        })
    }

    fn read(&mut self, snapshot: &dyn Snapshot, level: &[(RunId, Way)], reading: &mut Reading) -> Result<()> {
        let room = MAX_RUNS.saturating_sub(self.graphs.len());
        let room = if self.spans < MAX_SPANS { room } else { 0 };
        self.left_out += level.len().saturating_sub(room);
        let wanted: Vec<RunId> = level.iter().take(room).map(|(run, _)| *run).collect();
        reading.graphs(snapshot, &wanted, &mut |graph| {
            if self.spans < MAX_SPANS {
                self.spans += graph.spans.len();
                self.graphs.push(graph);
            } else {
                self.left_out += 1;
            }
            Ok(())
        })
    }
}

/// The runs that caused this one, if that is asked for. Those beside it that are too many are added to `beside`.
fn causes(snapshot: &dyn Snapshot, graph: &Graph, way: Way, beside: &mut BTreeSet<RunId>) -> Result<Vec<(RunId, Way)>> {
    let mut found = Vec::new();
    if !matches!(way, Way::Asked | Way::Cause) {
        return Ok(found);
    }
    if let Some(parent) = graph.run.parent_run_id {
        found.push((parent, Way::Cause));
        let siblings = snapshot.mentions(Mention::Parent, &[parent.get()])?;
        if way == Way::Asked {
            let siblings: BTreeSet<RunId> = siblings.into_iter().map(|(_, run)| run).collect();
            add_beside(siblings, Way::Beside, &mut found, beside);
        }
    }
    let orphans = graph.spans.iter().filter(|span| span.orphan).filter_map(|span| span.parent_span_id);
    let parents: BTreeSet<SpanId> = orphans.chain(graph.run.triggered_by_span_id).take(MAX_PARENTS).collect();
    for parent in parents {
        let prefix = IdPrefix::parse(&parent.to_string())?;
        let spans = snapshot.ids(&prefix, MAX_PARENTS)?.spans.into_iter().filter(|span| span.span_id == parent);
        found.extend(spans.map(|span| (span.run_id, Way::Cause)));
    }
    let own: BTreeSet<u128> = graph.run.trace_ids.iter().map(|trace| trace.get()).collect();
    let links = graph.spans.iter().flat_map(|span| &span.links).map(|link| link.trace_id.get());
    let linked: Vec<u128> = links.filter(|trace| !own.contains(trace)).collect::<BTreeSet<_>>().into_iter().collect();
    found.extend(linked.iter().filter_map(|trace| RunId::new(*trace)).map(|run| (run, Way::Cause)));
    found.extend(snapshot.mentions(Mention::Trace, &linked)?.into_iter().map(|(_, run)| (run, Way::Cause)));
    Ok(found)
}

/// Adds runs beside the one that was asked about: all or, if they are too many, none.
fn add_beside(runs: BTreeSet<RunId>, way: Way, found: &mut Vec<(RunId, Way)>, left_out: &mut BTreeSet<RunId>) {
    if runs.len() <= MAX_BESIDE {
        found.extend(runs.into_iter().map(|run| (run, way)));
    } else {
        left_out.extend(runs);
    }
}

/// The runs that this one caused. Those of its trace that are too many are added to `beside`.
fn effects(
    snapshot: &dyn Snapshot,
    graph: &Graph,
    way: Way,
    beside: &mut BTreeSet<RunId>,
) -> Result<Vec<(RunId, Way)>> {
    let mut found = Vec::new();
    if matches!(way, Way::Cause | Way::Beside) {
        return Ok(found);
    }
    let children = snapshot.mentions(Mention::Parent, &[graph.run.run_id.get()])?;
    found.extend(children.into_iter().map(|(_, run)| (run, if way == Way::Batch { way } else { Way::Effect })));
    let traces: Vec<u128> = graph.run.trace_ids.iter().map(|trace| trace.get()).collect();
    if way != Way::Batch {
        found.extend(snapshot.mentions(Mention::Link, &traces)?.into_iter().map(|(_, run)| (run, Way::Batch)));
    }
    if way == Way::Asked {
        let own = traces.iter().filter_map(|trace| RunId::new(*trace));
        let others = snapshot.mentions(Mention::Trace, &traces)?.into_iter().map(|(_, run)| run);
        add_beside(own.chain(others).collect(), Way::Effect, &mut found, beside);
    }
    Ok(found)
}
