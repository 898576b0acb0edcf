//! The graph of a run, and the other runs that it is connected with.

use super::bounded::{self, Reading};
use super::linked::linked_runs;
use super::pruned::pruned_runs;
use super::summaries::summaries;
use crate::Result;
use crate::damage::Damage;
use crate::engine::{Mention, Snapshot};
use spanbridge::record::Record;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::{
    Graph, GraphLimit, Outline, Relation, RunStatus, Trigger, Unsettled, edges_between, recovered_runs, span_of,
};
use std::collections::BTreeSet;

/// Other deliveries of a message are looked for in no more than this many runs: children, or children of the same parent.
const MAX_RUNS_READ: usize = 100;

/// They are not looked for in a parent with more records than this.
const MAX_PARENT_RECORDS: usize = 10_000;

/// The graph of a run, with what was damaged of it. `None` if it has no records.
pub(crate) fn graph(snapshot: &dyn Snapshot, run_id: RunId, limit: &GraphLimit) -> Result<Option<Graph>> {
    let mut graph = bounded::read(snapshot, run_id, limit)?;
    if let Some(graph) = &mut graph {
        add_other_runs(snapshot, graph, limit)?;
        add_never_settled(snapshot, std::slice::from_mut(graph))?;
        let mut damage = Damage::default();
        damage.add(snapshot.damaged());
        graph.diagnostics.extend(damage.diagnostic());
    }
    Ok(graph)
}

/// Says of these runs how many of their messages were never settled: as many as their rows say.
pub(super) fn add_never_settled(snapshot: &dyn Snapshot, graphs: &mut [Graph]) -> Result<()> {
    for graph in graphs {
        if !Unsettled::of(graph).messages.is_empty()
            && let Some(row) = snapshot.rows(&[graph.run.run_id])?.pop()
        {
            graph.run.failed_work.never_settled = row.failed_work.never_settled;
        }
    }
    Ok(())
}

/// Adds what the records of a run cannot tell: the other runs that it is connected with.
fn add_other_runs(snapshot: &dyn Snapshot, graph: &mut Graph, limit: &GraphLimit) -> Result<()> {
    let children = add_connected_runs(snapshot, graph)?;
    if children.len() <= MAX_RUNS_READ && !children.is_empty() {
        let children = graphs(snapshot, &children, limit)?;
        graph.add_edges(edges_between(graph, &children, false));
        if graph.run.status == RunStatus::Ok {
            let all: Vec<&Graph> = children.iter().chain([&*graph]).collect();
            let messages = recovered_runs(&all).messages;
            graph.run.failed_work.recovered += messages;
        }
    }
    if let (Some(parent), Some(by)) = (graph.run.parent_run_id, graph.run.triggered_by_span_id) {
        let mut parent_graph = None;
        if snapshot.size(parent)? > limit.whole {
            graph.trigger = trigger(snapshot, parent, by)?;
        } else {
            snapshot.records(&[parent], &mut |_, records| {
                graph.trigger = Outline::of(parent, &records).trigger(by, &records);
                parent_graph = (records.len() <= MAX_PARENT_RECORDS).then(|| Graph::build(parent, &records));
                Ok(())
            })?;
        }
        add_attempts(snapshot, graph, parent, parent_graph, limit)?;
    }
    Ok(())
}

/// The span of a very large run that triggered another, from its records alone.
fn trigger(snapshot: &dyn Snapshot, run_id: RunId, by: SpanId) -> Result<Option<Trigger>> {
    let mut records = Vec::new();
    snapshot.pieces(&[run_id], &mut |_, piece| {
        let of_span = piece.into_iter().filter(|record| span_of(&record.body) == Some(by));
        records.extend(of_span.map(Record::into_owned));
        Ok(())
    })?;
    let mut trigger = Outline::of(run_id, &records).trigger(by, &records);
    if let (Some(trigger), Some(row)) = (&mut trigger, snapshot.rows(&[run_id])?.pop()) {
        trigger.run_name = row.name;
    }
    Ok(trigger)
}

/// Adds the runs that mention this one, or are mentioned by it. Returns those that it started.
pub(super) fn add_connected_runs(snapshot: &dyn Snapshot, graph: &mut Graph) -> Result<Vec<RunId>> {
    let run = &graph.run;
    let children = snapshot.mentions(Mention::Parent, &[run.run_id.get()])?;
    let children: Vec<RunId> = children.into_iter().map(|(_, run)| run).collect();
    graph.child_runs = summaries(snapshot, &children)?;
    let traces: BTreeSet<TraceId> = run.trace_ids.iter().copied().collect();
    let related = runs_of(snapshot, &traces, run.run_id)?;
    graph.related_runs = summaries(snapshot, &related)?;
    let linked = linked_runs(snapshot, graph)?;
    graph.linked_runs = linked.runs;
    graph.add_link_sources(linked.sources);
    let missing = &linked.missing;
    let connected = [(&children, Relation::Child), (&related, Relation::Related), (missing, Relation::Linked)];
    let connected = connected.into_iter().flat_map(|(runs, relation)| runs.iter().map(move |run| (*run, relation)));
    graph.pruned_runs = pruned_runs(snapshot, graph, connected)?;
    Ok(children)
}

/// Relates the attempts of a message whose work is a run of its own. Other attempts may be runs too, or be in the parent.
fn add_attempts(
    snapshot: &dyn Snapshot,
    graph: &mut Graph,
    parent: RunId,
    parent_graph: Option<Graph>,
    limit: &GraphLimit,
) -> Result<()> {
    let siblings = snapshot.mentions(Mention::Parent, &[parent.get()])?.into_iter().map(|(_, run)| run);
    let siblings: Vec<_> = siblings.filter(|run| *run != graph.run.run_id).collect();
    let siblings = if siblings.len() <= MAX_RUNS_READ { graphs(snapshot, &siblings, limit)? } else { Vec::new() };
    let by = graph.run.triggered_by_span_id;
    let siblings = siblings.into_iter().filter(|sibling| sibling.run.triggered_by_span_id == by);
    let others: Vec<Graph> = siblings.chain(parent_graph).collect();
    let sent_once = graph.trigger.as_ref().is_some_and(|t| t.primitive == "messaging.publish");
    graph.add_edges(edges_between(graph, &others, sent_once));
    Ok(())
}

fn graphs(snapshot: &dyn Snapshot, run_ids: &[RunId], limit: &GraphLimit) -> Result<Vec<Graph>> {
    let mut graphs = Vec::new();
    Reading::new(limit).graphs(snapshot, run_ids, &mut |graph| {
        graphs.push(graph);
        Ok(())
    })?;
    Ok(graphs)
}

/// The own runs of these traces, and all other runs with spans in them, except this one.
fn runs_of(snapshot: &dyn Snapshot, traces: &BTreeSet<TraceId>, except: RunId) -> Result<Vec<RunId>> {
    let ids: Vec<u128> = traces.iter().map(|t| t.get()).collect();
    let mentioned = snapshot.mentions(Mention::Trace, &ids)?.into_iter().map(|(_, run)| run);
    let all: BTreeSet<RunId> = traces.iter().copied().map(RunId::of_trace).chain(mentioned).collect();
    Ok(all.into_iter().filter(|run| *run != except).collect())
}
