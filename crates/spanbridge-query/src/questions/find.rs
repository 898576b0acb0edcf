//! Finds what the beginning of an id stands for.

use crate::Result;
use crate::answer::{Candidate, Found, Id};
use crate::engine::{IdMatches, IdPrefix, Snapshot};
use crate::runs::RunRow;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::hash::Map;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn find(snapshot: &dyn Snapshot, prefix: &IdPrefix) -> Result<Found> {
    let IdMatches { runs, traces, spans } = snapshot.ids(prefix, Found::MAX_CANDIDATES + 1)?;
    let mut matches = Matches { runs: runs.into_iter().collect(), ..Matches::default() };
    matches.spans = spans.into_iter().map(|s| ((s.span_id, s.run_id), s.name)).collect();
    // 16 digits that are the whole id of a span mean that span, even if the id of a run begins with them.
    if prefix.digits() == 16 && !matches.spans.is_empty() {
        matches.runs.clear();
    } else {
        // A trace that has its own run stands for that run.
        for (trace, run) in traces.into_iter().filter(|(trace, _)| !matches.runs.contains(&RunId::of_trace(*trace))) {
            matches.traces.entry(trace).or_default().insert(run);
        }
    }
    answer(snapshot, matches)
}

/// What was found.
#[derive(Default)]
struct Matches {
    runs: BTreeSet<RunId>,
    traces: BTreeMap<TraceId, BTreeSet<RunId>>,
    spans: BTreeMap<(SpanId, RunId), String>,
}

fn answer(snapshot: &dyn Snapshot, matches: Matches) -> Result<Found> {
    let Matches { runs, traces, spans } = matches;
    let rows = rows(snapshot, &runs, &traces, spans.len())?;
    let name_of = |run: &RunId| rows.get(run).map_or("", |row| &row.name).to_owned();
    let started_at = |run: &RunId| rows.get(run).map_or(0, |row| row.started_at);

    let mut found: Vec<(Candidate, Vec<RunId>)> = Vec::new();
    for run in runs {
        found.push((Candidate { id: Id::Run(run), run_id: run, name: name_of(&run) }, vec![run]));
    }
    for (trace, runs) in traces {
        let mut runs: Vec<RunId> = runs.into_iter().collect();
        runs.sort_by_key(|run| (started_at(run), *run));
        let Some(first) = runs.first().copied() else { continue };
        found.push((Candidate { id: Id::Trace(trace), run_id: first, name: name_of(&first) }, runs));
    }
    for ((span, run), name) in spans {
        found.push((Candidate { id: Id::Span(span), run_id: run, name }, vec![run]));
    }
    match found.len() {
        0 => Ok(Found::Nothing),
        1 => Ok(found.pop().map_or(Found::Nothing, |(c, run_ids)| Found::One { what: c.id, run_ids })),
        _ => Ok(Found::Ambiguous(found.into_iter().take(Found::MAX_CANDIDATES).map(|(c, _)| c).collect())),
    }
}

/// The rows of the runs, and of the runs of the traces: names and start times are needed to choose and to order. A single run
/// needs neither.
fn rows(
    snapshot: &dyn Snapshot,
    runs: &BTreeSet<RunId>,
    traces: &BTreeMap<TraceId, BTreeSet<RunId>>,
    spans: usize,
) -> Result<Map<RunId, RunRow>> {
    if (runs.len(), traces.len(), spans) == (1, 0, 0) {
        return Ok(Map::default());
    }
    let wanted: BTreeSet<RunId> =
        runs.iter().chain(traces.values().flatten()).copied().take(10 * Found::MAX_CANDIDATES).collect();
    if wanted.is_empty() {
        return Ok(Map::default());
    }
    let rows = snapshot.rows(&wanted.into_iter().collect::<Vec<_>>())?;
    Ok(rows.into_iter().map(|row| (row.run_id, row)).collect())
}
