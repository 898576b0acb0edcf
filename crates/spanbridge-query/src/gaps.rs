//! Checking stored runs: which to read, and where to look for what they lack.
//!
//! However many runs there are, few are in memory at a time. Each group is a question of its own, so no writer is held back
//! until all are checked. What is written meanwhile may be included. That does no harm, since it can only explain more.

use crate::Result;
use crate::mentions::{IdColumn, mentions};
use crate::reader::Reader;
use crate::snapshot::Snapshot;
use crate::totals::run_starts;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId};
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::{Checkup, Diagnostic, Graph};
use std::collections::BTreeSet;

/// How many runs are read at once. Enough that a block shared by many runs is rarely unpacked twice, and the directory rarely
/// scanned.
const MAX_RUNS_AT_ONCE: usize = 4096;

/// How many spans are read at once, unless a single run has more.
const MAX_SPANS_AT_ONCE: u64 = 50_000;

/// How many runs of the same time are consulted, if related runs do not explain everything.
const MAX_NEIGHBOURS: usize = 500;

/// The runs that began at this time or later, newest first, and the number of all runs.
pub(crate) fn since(snapshot: &Snapshot<'_>, since: Option<u64>) -> Result<(Vec<RunId>, usize)> {
    let starts = run_starts(snapshot)?;
    let all = starts.iter().map(|(run, start)| (start.started_at(), *run));
    let mut found: Vec<(u64, RunId)> = all.filter(|(at, _)| since.is_none_or(|since| *at >= since)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok((found.into_iter().map(|(_, run)| run).collect(), starts.len()))
}

/// Checks these runs, and consults others as far as needed.
pub(crate) fn check(reader: &Reader, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    let mut checked = CheckedRuns { runs: run_ids.iter().copied().collect(), ..CheckedRuns::default() };
    let sizes = if run_ids.len() > 1 { reader.read(run_starts)? } else { Map::default() };
    let spans = |run: &RunId| sizes.get(run).map_or(1, |start| start.spans);
    for chunk in chunks(run_ids, spans) {
        let with_diagnostics: Vec<_> = chunk.iter().copied().map(Some).chain([None]).collect();
        reader.read(|snapshot| {
            let stored = snapshot.stored(&with_diagnostics, 0)?;
            for (run, records) in stored.by_run()? {
                match run {
                    Some(run) => {
                        let graph = Graph::build(run, &records);
                        checked.add(&graph);
                        checkup.check(&graph);
                    }
                    None => records.iter().for_each(|record| checked.add_process_diagnostic(record)),
                }
            }
            Ok(())
        })?;
    }
    drop(sizes);
    for (service, diagnostic) in checked.process_diagnostics.iter().filter(|(s, _)| checked.services.contains(s)) {
        checkup.add_process_diagnostic(service, diagnostic);
    }
    if checkup.is_conclusive() {
        return Ok(());
    }
    consult(reader, &reader.read(|snapshot| checked.relatives(snapshot))?, checkup)?;
    if checkup.is_conclusive() {
        return Ok(());
    }
    consult(reader, &reader.read(|snapshot| checked.neighbours(snapshot))?, checkup)
}

fn consult(reader: &Reader, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    for chunk in run_ids.chunks(128) {
        let chunk: Vec<_> = chunk.iter().copied().map(Some).collect();
        reader.read(|snapshot| {
            for (run, records) in snapshot.stored(&chunk, 0)?.by_run()? {
                run.into_iter().for_each(|run| checkup.consult(&Graph::build(run, &records)));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The runs in order, in groups with no more spans than [`MAX_SPANS_AT_ONCE`].
fn chunks(mut rest: &[RunId], spans: impl Fn(&RunId) -> u64) -> impl Iterator<Item = &[RunId]> {
    std::iter::from_fn(move || {
        let mut sum = 0u64;
        let fits = rest.iter().take(MAX_RUNS_AT_ONCE).take_while(|run| {
            sum = sum.saturating_add(spans(run));
            sum <= MAX_SPANS_AT_ONCE
        });
        let (chunk, later) = rest.split_at_checked(fits.count().max(1))?;
        rest = later;
        Some(chunk)
    })
}

/// What the checked runs say about others.
#[derive(Default)]
struct CheckedRuns {
    runs: BTreeSet<RunId>,
    parents: BTreeSet<RunId>,
    traces: BTreeSet<u128>,
    /// The traces that they link to.
    linked: BTreeSet<u128>,
    /// When the first and the last of them began.
    began: Option<(u64, u64)>,
    services: BTreeSet<String>,
    /// What processes report about themselves.
    process_diagnostics: Vec<(String, Diagnostic)>,
    /// The records of those, to take each once.
    seen: Set<(SegmentId, u64)>,
}

impl CheckedRuns {
    fn add(&mut self, graph: &Graph) {
        let run = &graph.run;
        self.parents.extend(run.parent_run_id);
        self.services.extend(run.segments.iter().map(|s| s.service.clone()));
        self.traces.extend(run.trace_ids.iter().map(|t| t.get()));
        self.linked.extend(graph.spans.iter().flat_map(|s| &s.links).map(|l| l.trace_id.get()));
        let (first, last) = self.began.unwrap_or((run.started_at, run.started_at));
        self.began = Some((first.min(run.started_at), last.max(run.started_at)));
    }

    /// A diagnostic of a process that is not about a run. It came in one delivery with records of a checked run, but perhaps
    /// from another service.
    fn add_process_diagnostic(&mut self, record: &Record<'_>) {
        if let Body::Diagnostic(d) = &record.body
            && self.seen.insert((record.segment_id, record.segment_seq))
        {
            let mut diagnostic = Diagnostic::new(&*d.code, &*d.message);
            (diagnostic.count, diagnostic.span_id) = (d.count, d.span_id);
            self.process_diagnostics.push((record.service.clone().into_owned(), diagnostic));
        }
    }

    /// Their parents and children, the other runs of their traces, and linked runs.
    fn relatives(&self, snapshot: &Snapshot<'_>) -> Result<Vec<RunId>> {
        let runs: Vec<u128> = self.runs.iter().map(|run| run.get()).collect();
        let traces: Vec<u128> = self.traces.iter().copied().collect();
        let linked = mentions(snapshot, IdColumn::Links, &traces)?.into_iter().map(|(_, run)| run);
        let traces: Vec<u128> = self.traces.union(&self.linked).copied().collect();
        let children = mentions(snapshot, IdColumn::Parents, &runs)?.into_iter().map(|(_, run)| run);
        let others = mentions(snapshot, IdColumn::Traces, &traces)?.into_iter().map(|(_, run)| run);
        let own = traces.iter().filter_map(|trace| RunId::new(*trace));
        let all: BTreeSet<RunId> =
            children.chain(others).chain(linked).chain(own).chain(self.parents.iter().copied()).collect();
        Ok(all.difference(&self.runs).copied().collect())
    }

    /// The runs that began at the same time or nearest to it.
    fn neighbours(&self, snapshot: &Snapshot<'_>) -> Result<Vec<RunId>> {
        let Some((first, last)) = self.began else { return Ok(Vec::new()) };
        let away = |at: u64| first.saturating_sub(at).max(at.saturating_sub(last));
        let starts = run_starts(snapshot)?;
        let others = starts.iter().filter(|(run, _)| !self.runs.contains(run));
        let mut others: Vec<(u64, RunId)> = others.map(|(run, start)| (away(start.started_at()), *run)).collect();
        if others.len() > MAX_NEIGHBOURS {
            others.select_nth_unstable(MAX_NEIGHBOURS);
            others.truncate(MAX_NEIGHBOURS);
        }
        Ok(others.into_iter().map(|(_, run)| run).collect())
    }
}
