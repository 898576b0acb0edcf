//! The runs that a run is connected with by links, in either direction.
//!
//! A link names a trace and a span, and a trace may have several runs. The link means the run that has the span. If the span
//! is not recorded, it may mean any of them.

use super::summaries::summaries;
use crate::Result;
use crate::engine::{Mention, Snapshot};
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::{Graph, LinkDirection, LinkSource, LinkedRun, RunSummary, linking_span_of, links_of, span_of};
use std::collections::{BTreeMap, BTreeSet};

/// How many runs are read for the spans at an end of a link. If there are more, only their traces are compared.
const MAX_RUNS_READ: usize = 500;

/// Other runs of the same traces are read for their links, if they are no more than these and have no more spans.
const MAX_RELATED_READ: usize = 100;
const MAX_RELATED_SPANS: u64 = 10_000;

/// How a run is connected with the one that is asked about.
#[derive(Default)]
struct Ends {
    to: bool,
    from: bool,
    /// The spans of the run that is asked about to which it links.
    linked: BTreeSet<SpanId>,
}

/// What is known of the links from and to a run.
pub(crate) struct Linked {
    /// The linked runs, by start. Runs of the same traces are related anyway, and left out here.
    pub(crate) runs: Vec<LinkedRun>,
    /// The runs at the ends of links that are not stored.
    pub(crate) missing: Vec<RunId>,
    /// The links that lead here, each with the span that it leads to.
    pub(crate) sources: Vec<((TraceId, SpanId), LinkSource)>,
}

pub(crate) fn linked_runs(snapshot: &dyn Snapshot, graph: &Graph) -> Result<Linked> {
    let own: BTreeSet<TraceId> = graph.run.trace_ids.iter().copied().collect();
    let related: BTreeSet<RunId> = graph.related_runs.iter().map(|r| r.run_id).chain([graph.run.run_id]).collect();
    let mut to: BTreeMap<TraceId, BTreeSet<SpanId>> = BTreeMap::new();
    for link in graph.spans.iter().flat_map(|s| &s.links).filter(|l| !own.contains(&l.trace_id)) {
        to.entry(link.trace_id).or_default().insert(link.span_id);
    }
    let runs_of = runs_of(snapshot, to.keys().copied())?;
    let own_ids: Vec<u128> = own.iter().map(|t| t.get()).collect();
    let from = snapshot.mentions(Mention::Link, &own_ids)?.into_iter().map(|(_, run)| run);
    let from: BTreeSet<RunId> = from.filter(|run| !related.contains(run)).collect();

    let all: BTreeSet<RunId> = runs_of.values().flatten().chain(&from).copied().collect();
    let all: Vec<RunId> = all.difference(&related).copied().collect();
    let known = summaries(snapshot, &all)?;
    let known_ids: BTreeSet<RunId> = known.iter().map(|r| r.run_id).collect();
    let mut ends: BTreeMap<RunId, Ends> = BTreeMap::new();
    for run in target_runs(snapshot, &to, runs_of, |run| known_ids.contains(run) || related.contains(run))? {
        if known_ids.contains(&run) {
            ends.entry(run).or_default().to = true;
        }
    }
    let mut sources = Vec::new();
    for (run, linked) in linking_runs(snapshot, graph, &from, &own, &mut sources)? {
        let ends = ends.entry(run).or_default();
        (ends.from, ends.linked) = (true, linked);
    }
    sources.extend(sources_within(snapshot, graph, &own)?);
    let linked_run = |run: RunSummary| {
        let Ends { to, from, linked } = ends.remove(&run.run_id)?;
        let direction = match (to, from) {
            (true, true) => LinkDirection::Both,
            (false, _) => LinkDirection::From,
            (true, false) => LinkDirection::To,
        };
        let mut linked_run = LinkedRun::new(run, direction);
        linked_run.linked_span_ids = linked.into_iter().collect();
        Some(linked_run)
    };
    let missing = all.into_iter().filter(|run| !known_ids.contains(run)).collect();
    Ok(Linked { runs: known.into_iter().filter_map(linked_run).collect(), missing, sources })
}

/// The links from other runs of the same traces to spans of this one.
fn sources_within(
    snapshot: &dyn Snapshot,
    graph: &Graph,
    own: &BTreeSet<TraceId>,
) -> Result<Vec<((TraceId, SpanId), LinkSource)>> {
    let related: Vec<RunId> = graph.related_runs.iter().map(|run| run.run_id).collect();
    let spans: u64 = snapshot.rows(&related)?.iter().map(|row| row.spans).sum();
    let mut found = Vec::new();
    if related.len() > MAX_RELATED_READ || spans > MAX_RELATED_SPANS {
        return Ok(found);
    }
    let here: Set<SpanId> = graph.spans.iter().map(|span| span.span_id).collect();
    snapshot.records(&related, &mut |run, records| {
        for record in &records {
            let Some((span, trace)) = linking_span_of(&record.body).zip(record.trace_id) else { continue };
            let links = links_of(&record.body).filter(|(trace, span)| own.contains(trace) && here.contains(span));
            found.extend(links.map(|link| (link, LinkSource::new(run, trace, span))));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The runs of each of these traces: its own, and all other runs with spans in it.
fn runs_of(
    snapshot: &dyn Snapshot,
    traces: impl Iterator<Item = TraceId>,
) -> Result<BTreeMap<TraceId, BTreeSet<RunId>>> {
    let mut runs: BTreeMap<TraceId, BTreeSet<RunId>> = traces.map(|t| (t, [RunId::of_trace(t)].into())).collect();
    let ids: Vec<u128> = runs.keys().map(|t| t.get()).collect();
    for (trace, run) in snapshot.mentions(Mention::Trace, &ids)? {
        if let Some(runs) = TraceId::new(trace).and_then(|t| runs.get_mut(&t)) {
            runs.insert(run);
        }
    }
    Ok(runs)
}

/// The runs that the links mean: for each trace, the runs that have one of the spans, or all of its runs if one of the spans
/// is in none of them. Only runs that `is_stored` count.
fn target_runs(
    snapshot: &dyn Snapshot,
    spans: &BTreeMap<TraceId, BTreeSet<SpanId>>,
    mut runs_of: BTreeMap<TraceId, BTreeSet<RunId>>,
    is_stored: impl Fn(&RunId) -> bool,
) -> Result<BTreeSet<RunId>> {
    runs_of.values_mut().for_each(|runs| runs.retain(&is_stored));
    // Most traces have one run, so there is nothing to tell apart.
    let several: Vec<TraceId> = runs_of.iter().filter(|(_, runs)| runs.len() > 1).map(|(trace, _)| *trace).collect();
    let runs: BTreeSet<RunId> = several.iter().flat_map(|trace| &runs_of[trace]).copied().collect();
    if !runs.is_empty() && runs.len() <= MAX_RUNS_READ {
        let wanted = several.iter().flat_map(|trace| &spans[trace]).copied().collect();
        let held = runs_of_spans(snapshot, &runs.into_iter().collect::<Vec<_>>(), &wanted)?;
        for trace in several {
            let holders: Option<BTreeSet<RunId>> = spans[&trace].iter().map(|span| held.get(span).copied()).collect();
            runs_of.extend(holders.map(|holders| (trace, holders)));
        }
    }
    Ok(runs_of.into_values().flatten().collect())
}

/// Which of these runs has which of these spans.
fn runs_of_spans(snapshot: &dyn Snapshot, runs: &[RunId], spans: &BTreeSet<SpanId>) -> Result<Map<SpanId, RunId>> {
    let mut held = Map::default();
    snapshot.pieces(runs, &mut |run, records| {
        let there = records.iter().filter_map(|r| span_of(&r.body)).filter(|span| spans.contains(span));
        held.extend(there.map(|span| (span, run)));
        Ok(())
    })?;
    Ok(held)
}

/// The runs whose links mean the graph's run, with its spans that they lead to. `from` are the runs that link to its traces.
fn linking_runs(
    snapshot: &dyn Snapshot,
    graph: &Graph,
    from: &BTreeSet<RunId>,
    own: &BTreeSet<TraceId>,
    sources: &mut Vec<((TraceId, SpanId), LinkSource)>,
) -> Result<BTreeMap<RunId, BTreeSet<SpanId>>> {
    if from.is_empty() || from.len() > MAX_RUNS_READ {
        return Ok(from.iter().map(|run| (*run, BTreeSet::new())).collect());
    }
    let mut targets: BTreeMap<RunId, BTreeSet<SpanId>> = BTreeMap::new();
    snapshot.pieces(&from.iter().copied().collect::<Vec<_>>(), &mut |run, records| {
        let spans = targets.entry(run).or_default();
        for record in &records {
            for link in links_of(&record.body).filter(|(trace, _)| own.contains(trace)) {
                spans.insert(link.1);
                let source = linking_span_of(&record.body).zip(record.trace_id);
                sources.extend(source.map(|(span, trace)| (link, LinkSource::new(run, trace, span))));
            }
        }
        Ok(())
    })?;
    let unread: Vec<RunId> =
        from.iter().filter(|run| targets.get(run).is_none_or(BTreeSet::is_empty)).copied().collect();
    let here: Set<SpanId> = graph.spans.iter().map(|s| s.span_id).collect();
    let elsewhere: BTreeSet<SpanId> = targets.values().flatten().copied().filter(|s| !here.contains(s)).collect();
    let related: Vec<RunId> = graph.related_runs.iter().map(|r| r.run_id).take(MAX_RUNS_READ).collect();
    let elsewhere = match elsewhere.is_empty() || related.is_empty() {
        true => Map::default(),
        false => runs_of_spans(snapshot, &related, &elsewhere)?,
    };
    targets.retain(|_, spans| spans.iter().any(|span| !elsewhere.contains_key(span)));
    // The records of these are damaged. It is still known that they have links.
    unread.into_iter().for_each(|run| drop(targets.insert(run, BTreeSet::new())));
    targets.values_mut().for_each(|spans| spans.retain(|span| here.contains(span)));
    Ok(targets)
}
