//! The runs at the far ends of links, in either direction.
//!
//! A link names a trace and a span, and a trace may have several runs: the one that has the span is meant. Where nobody has
//! recorded the span, it may be any of them.

use super::list::summaries;
use super::snapshot::{PairColumn, Snapshot};
use crate::delivery::{links_of, span_of};
use crate::error::Result;
use crate::graph::{Graph, LinkDirection, LinkedRun, RunSummary};
use crate::hash::{Map, Set};
use spanbridge::{RunId, SpanId, TraceId};
use std::collections::{BTreeMap, BTreeSet};

/// So many runs are looked into for the spans at an end of a link; of more, what their traces tell must do.
const LOOKED_INTO: usize = 500;

/// How a run hangs together with the one that is asked about.
#[derive(Default)]
struct Ends {
    to: bool,
    from: bool,
    /// The spans of the run that is asked about that it links to.
    linked: BTreeSet<SpanId>,
}

/// The runs at the far ends of links, by start. Those of the same traces are related anyway, and not among them.
pub(super) fn linked_runs(snapshot: &Snapshot<'_>, graph: &Graph) -> Result<Vec<LinkedRun>> {
    let own: BTreeSet<TraceId> = graph.run.trace_ids.iter().copied().collect();
    let related: BTreeSet<RunId> = graph.related_runs.iter().map(|r| r.run_id).chain([graph.run.run_id]).collect();
    let mut to: BTreeMap<TraceId, BTreeSet<SpanId>> = BTreeMap::new();
    for link in graph.spans.iter().flat_map(|s| &s.links).filter(|l| !own.contains(&l.trace_id)) {
        to.entry(link.trace_id).or_default().insert(link.span_id);
    }
    let runs_of = runs_of(snapshot, to.keys().copied())?;
    let own_ids: Vec<u128> = own.iter().map(|t| t.get()).collect();
    let from = snapshot.mentions(PairColumn::Links, &own_ids)?.into_iter().map(|(_, run)| run);
    let from: BTreeSet<RunId> = from.filter(|run| !related.contains(run)).collect();

    let all: BTreeSet<RunId> = runs_of.values().flatten().chain(&from).copied().collect();
    let all: Vec<RunId> = all.difference(&related).copied().collect();
    let known = summaries(snapshot, &all)?;
    let known_ids: BTreeSet<RunId> = known.iter().map(|r| r.run_id).collect();
    let mut ends: BTreeMap<RunId, Ends> = BTreeMap::new();
    for run in meant(snapshot, &to, runs_of, |run| known_ids.contains(run) || related.contains(run))? {
        if known_ids.contains(&run) {
            ends.entry(run).or_default().to = true;
        }
    }
    for (run, linked) in ends_at(snapshot, graph, &from, &own)? {
        let ends = ends.entry(run).or_default();
        (ends.from, ends.linked) = (true, linked);
    }
    let linked_run = |run: RunSummary| {
        let Ends { to, from, linked } = ends.remove(&run.run_id)?;
        let direction = match (to, from) {
            (true, true) => LinkDirection::Both,
            (false, _) => LinkDirection::From,
            (true, false) => LinkDirection::To,
        };
        Some(LinkedRun { run, direction, linked_span_ids: linked.into_iter().collect() })
    };
    Ok(known.into_iter().filter_map(linked_run).collect())
}

/// The runs of each of these traces: its own, and whatever other runs have spans in it.
fn runs_of(
    snapshot: &Snapshot<'_>,
    traces: impl Iterator<Item = TraceId>,
) -> Result<BTreeMap<TraceId, BTreeSet<RunId>>> {
    let mut runs: BTreeMap<TraceId, BTreeSet<RunId>> = traces.map(|t| (t, [RunId::of_trace(t)].into())).collect();
    let ids: Vec<u128> = runs.keys().map(|t| t.get()).collect();
    for (trace, run) in snapshot.mentions(PairColumn::Traces, &ids)? {
        if let Some(runs) = TraceId::new(trace).and_then(|t| runs.get_mut(&t)) {
            runs.insert(run);
        }
    }
    Ok(runs)
}

/// Of the runs of each trace those that have one of its spans; all of them as soon as nobody has one of the spans. Only what
/// `is_there` counts.
fn meant(
    snapshot: &Snapshot<'_>,
    spans: &BTreeMap<TraceId, BTreeSet<SpanId>>,
    mut runs_of: BTreeMap<TraceId, BTreeSet<RunId>>,
    is_there: impl Fn(&RunId) -> bool,
) -> Result<BTreeSet<RunId>> {
    runs_of.values_mut().for_each(|runs| runs.retain(&is_there));
    // The usual trace has one run, and then there is nothing to tell apart.
    let several: Vec<TraceId> = runs_of.iter().filter(|(_, runs)| runs.len() > 1).map(|(trace, _)| *trace).collect();
    let runs: BTreeSet<RunId> = several.iter().flat_map(|trace| &runs_of[trace]).copied().collect();
    if !runs.is_empty() && runs.len() <= LOOKED_INTO {
        let wanted = several.iter().flat_map(|trace| &spans[trace]).copied().collect();
        let held = holders(snapshot, &runs.into_iter().collect::<Vec<_>>(), &wanted)?;
        for trace in several {
            let holders: Option<BTreeSet<RunId>> = spans[&trace].iter().map(|span| held.get(span).copied()).collect();
            runs_of.extend(holders.map(|holders| (trace, holders)));
        }
    }
    Ok(runs_of.into_values().flatten().collect())
}

/// Who has which of these spans.
fn holders(snapshot: &Snapshot<'_>, runs: &[RunId], spans: &BTreeSet<SpanId>) -> Result<Map<SpanId, RunId>> {
    let wanted: Vec<_> = runs.iter().copied().map(Some).collect();
    let mut held = Map::default();
    for (run, records) in snapshot.stored(&wanted, 0)?.by_run()? {
        let there = records.iter().filter_map(|r| span_of(&r.body)).filter(|span| spans.contains(span));
        held.extend(there.filter_map(|span| Some((span, run?))));
    }
    Ok(held)
}

/// Of these runs, which have links to traces of the graph's run, those that mean that run; with its spans that they lead to.
fn ends_at(
    snapshot: &Snapshot<'_>,
    graph: &Graph,
    from: &BTreeSet<RunId>,
    own: &BTreeSet<TraceId>,
) -> Result<BTreeMap<RunId, BTreeSet<SpanId>>> {
    if from.is_empty() || from.len() > LOOKED_INTO {
        return Ok(from.iter().map(|run| (*run, BTreeSet::new())).collect());
    }
    let wanted: Vec<_> = from.iter().copied().map(Some).collect();
    let mut targets: BTreeMap<RunId, BTreeSet<SpanId>> = BTreeMap::new();
    for (run, records) in snapshot.stored(&wanted, 0)?.by_run()? {
        let links = records.iter().flat_map(|r| links_of(&r.body)).filter(|(trace, _)| own.contains(trace));
        targets.extend(run.map(|run| (run, links.map(|(_, span)| span).collect())));
    }
    let unread: Vec<RunId> =
        from.iter().filter(|run| targets.get(run).is_none_or(BTreeSet::is_empty)).copied().collect();
    let here: Set<SpanId> = graph.spans.iter().map(|s| s.span_id).collect();
    let elsewhere: BTreeSet<SpanId> = targets.values().flatten().copied().filter(|s| !here.contains(s)).collect();
    let related: Vec<RunId> = graph.related_runs.iter().map(|r| r.run_id).take(LOOKED_INTO).collect();
    let elsewhere = match elsewhere.is_empty() || related.is_empty() {
        true => Map::default(),
        false => holders(snapshot, &related, &elsewhere)?,
    };
    targets.retain(|_, spans| spans.iter().any(|span| !elsewhere.contains_key(span)));
    // Of these the records are damaged; that they have links is known nevertheless.
    unread.into_iter().for_each(|run| drop(targets.insert(run, BTreeSet::new())));
    targets.values_mut().for_each(|spans| spans.retain(|span| here.contains(span)));
    Ok(targets)
}
