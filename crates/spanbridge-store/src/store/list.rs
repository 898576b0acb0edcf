//! The list of runs.

use super::answer::{RunFilter, RunRow};
use super::linked::linked_runs;
use super::snapshot::{PairColumn, Snapshot, Sum};
use crate::delivery::Verdict;
use crate::error::Result;
use crate::graph::{Graph, Outline, RunStatus, RunSummary, edges_between};
use spanbridge::{RunId, TraceId};
use std::collections::{BTreeSet, BinaryHeap};

pub(super) fn runs(snapshot: &Snapshot<'_>, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
    let sums = snapshot.sums(None)?;
    // Status comes last and lazily: it may take a look at the records.
    let passing = sums.iter().filter(|(_, sum)| passes(filter, sum));
    let mut newest: BinaryHeap<(u64, RunId)> = passing.map(|(run, sum)| (sum.started_at(), *run)).collect();
    let mut rows = Vec::new();
    while rows.len() < limit
        && let Some((_, run_id)) = newest.pop()
    {
        let Some(sum) = sums.get(&run_id) else { continue };
        let excluded = |status| filter.status.is_some_and(|wanted| wanted != status);
        if matches!(sum.verdict(), Verdict::Is(status) if excluded(status)) {
            continue;
        }
        let line = Line::of(snapshot, run_id, sum)?;
        if excluded(line.status) {
            continue;
        }
        let mut services: Vec<String> = sum.services.iter().map(|s| s.to_string()).collect();
        services.sort_unstable();
        rows.push(RunRow {
            run_id,
            name: line.name,
            status: line.status,
            services,
            spans: sum.started.max(sum.ended),
            errors: sum.failed,
            started_at: line.started_at,
            ended_at: line.ended_at,
        });
    }
    Ok(rows)
}

/// Fills in what the records of a run cannot tell: the other runs that it hangs together with.
pub(super) fn surroundings(snapshot: &Snapshot<'_>, graph: &mut Graph) -> Result<()> {
    let run = &graph.run;
    let forks = snapshot.mentions(PairColumn::Parents, &[run.run_id.get()])?;
    let forks: Vec<RunId> = forks.into_iter().map(|(_, run)| run).collect();
    graph.child_runs = summaries(snapshot, &forks)?;
    let traces: BTreeSet<TraceId> = run.trace_ids.iter().copied().collect();
    graph.related_runs = summaries(snapshot, &runs_of(snapshot, &traces, run.run_id)?)?;
    graph.linked_runs = linked_runs(snapshot, graph)?;
    if forks.len() <= OTHERS && !forks.is_empty() {
        let children = graphs(snapshot, &forks)?;
        graph.relate(edges_between(graph, &children, false));
    }
    if let (Some(parent), Some(by)) = (graph.run.parent_run_id, graph.run.triggered_by_span_id) {
        let stored = snapshot.run(parent)?;
        let records = stored.records()?;
        graph.trigger = Outline::of(parent, &records).trigger(by, &records);
        let parent_graph = (records.len() <= RECORDS).then(|| Graph::build(parent, &records));
        attempts(snapshot, graph, parent, parent_graph)?;
    }
    Ok(())
}

/// So many other runs, children or those of the same parent, are looked at for other deliveries of a message.
const OTHERS: usize = 100;

/// A parent of more records is not looked at for that.
const RECORDS: usize = 10_000;

/// Where the work on a message is a run of its own, so may be every attempt, or the parent has some: relates them.
fn attempts(snapshot: &Snapshot<'_>, graph: &mut Graph, parent: RunId, parent_graph: Option<Graph>) -> Result<()> {
    let siblings = snapshot.mentions(PairColumn::Parents, &[parent.get()])?.into_iter().map(|(_, run)| run);
    let siblings: Vec<_> = siblings.filter(|run| *run != graph.run.run_id).collect();
    let siblings = if siblings.len() <= OTHERS { graphs(snapshot, &siblings)? } else { Vec::new() };
    let by = graph.run.triggered_by_span_id;
    let siblings = siblings.into_iter().filter(|sibling| sibling.run.triggered_by_span_id == by);
    let others: Vec<Graph> = siblings.chain(parent_graph).collect();
    let sent_once = graph.trigger.as_ref().is_some_and(|t| t.primitive == "messaging.publish");
    graph.relate(edges_between(graph, &others, sent_once));
    Ok(())
}

fn graphs(snapshot: &Snapshot<'_>, run_ids: &[RunId]) -> Result<Vec<Graph>> {
    let run_ids: Vec<_> = run_ids.iter().copied().map(Some).collect();
    let stored = snapshot.stored(&run_ids, 0)?;
    Ok(stored.by_run()?.into_iter().filter_map(|(run, records)| Some(Graph::build(run?, &records))).collect())
}

/// The own runs of these traces, and whatever other runs have spans in them, but for this one.
fn runs_of(snapshot: &Snapshot<'_>, traces: &BTreeSet<TraceId>, but: RunId) -> Result<Vec<RunId>> {
    let ids: Vec<u128> = traces.iter().map(|t| t.get()).collect();
    let mentioned = snapshot.mentions(PairColumn::Traces, &ids)?.into_iter().map(|(_, run)| run);
    let all: BTreeSet<RunId> = traces.iter().copied().map(RunId::of_trace).chain(mentioned).collect();
    Ok(all.into_iter().filter(|run| *run != but).collect())
}

/// Runs in a line each, by start. Those of which nothing is known are left out.
pub(super) fn summaries(snapshot: &Snapshot<'_>, run_ids: &[RunId]) -> Result<Vec<RunSummary>> {
    if run_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut summaries = Vec::new();
    for (run_id, sum) in snapshot.sums(Some(&run_ids.iter().copied().collect()))? {
        let Line { name, status, started_at, .. } = Line::of(snapshot, run_id, &sum)?;
        summaries.push(RunSummary { run_id, name, started_at, status, errors: sum.failed });
    }
    summaries.sort_by_key(|s| (s.started_at, s.run_id));
    Ok(summaries)
}

fn name(sum: &Sum) -> &str {
    sum.name.as_ref().map_or("", |n| &n.name)
}

fn passes(filter: &RunFilter, sum: &Sum) -> bool {
    filter.since.is_none_or(|since| sum.started_at() >= since)
        && filter.name.as_deref().is_none_or(|part| name(sum).contains(part))
        && filter.service.as_deref().is_none_or(|service| sum.services.iter().any(|s| **s == *service))
}

/// What a line of a list says of a run: from sums, or where these cannot tell, from its records.
struct Line {
    name: String,
    status: RunStatus,
    started_at: u64,
    ended_at: Option<u64>,
}

impl Line {
    fn of(snapshot: &Snapshot<'_>, run_id: RunId, sum: &Sum) -> Result<Self> {
        if let Verdict::Is(status) = sum.verdict() {
            let (started_at, ended_at) = (sum.started_at(), sum.ended_at());
            return Ok(Self { name: name(sum).to_owned(), status, started_at, ended_at });
        }
        let stored = snapshot.run(run_id)?;
        let records = stored.records()?;
        if records.is_empty() {
            // They are damaged: what the sums say is all there is.
            let status = if sum.failed > 0 { RunStatus::Error } else { RunStatus::Open };
            let (started_at, ended_at) = (sum.started_at(), sum.ended_at());
            return Ok(Self { name: name(sum).to_owned(), status, started_at, ended_at });
        }
        let outline = Outline::of(run_id, &records);
        Ok(Self {
            name: outline.name(&records).to_owned(),
            status: outline.status(&records),
            started_at: outline.started_at(&records),
            ended_at: outline.ended_at(&records),
        })
    }
}
