//! A checkup of stored runs: which are looked at, and where to look for what they miss.
//!
//! However many runs there are, few are in memory at a time, and each few are a question of their own: no writer is held
//! back for as long as all of them take. What is written meanwhile may be seen, and does no harm: it can only explain.

use super::Store;
use super::snapshot::{PairColumn, Snapshot};
use crate::error::Result;
use crate::graph::{Checkup, Diagnostic, Graph};
use crate::hash::{Map, Set};
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId};
use std::collections::BTreeSet;

/// Runs that are read at once: enough that a block which many runs share is unpacked seldom, and that the directory is looked
/// through seldom.
const CHUNK: usize = 4096;

/// So many spans at most, but for a run that has more.
const SPANS: u64 = 50_000;

/// Runs of the same time that are looked at where the relatives of a run do not explain everything.
const AROUND: usize = 500;

/// The runs that began since then, newest first, and how many runs there are at all.
pub(super) fn since(snapshot: &Snapshot<'_>, since: Option<u64>) -> Result<(Vec<RunId>, usize)> {
    let begins = snapshot.begins()?;
    let all = begins.iter().map(|(run, begin)| (begin.started_at(), *run));
    let mut found: Vec<(u64, RunId)> = all.filter(|(at, _)| since.is_none_or(|since| *at >= since)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok((found.into_iter().map(|(_, run)| run).collect(), begins.len()))
}

/// Looks at these runs, and at others as far as that is needed.
pub(super) fn check(store: &Store, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    let mut asked = Asked { runs: run_ids.iter().copied().collect(), ..Asked::default() };
    let sizes = if run_ids.len() > 1 { store.read(Snapshot::begins)? } else { Map::default() };
    let spans = |run: &RunId| sizes.get(run).map_or(1, |begin| begin.spans);
    for chunk in chunks(run_ids, spans) {
        let with_notes: Vec<_> = chunk.iter().copied().map(Some).chain([None]).collect();
        store.read(|snapshot| {
            let stored = snapshot.stored(&with_notes, 0)?;
            for (run, records) in stored.by_run()? {
                match run {
                    Some(run) => {
                        let graph = Graph::build(run, &records);
                        asked.note(&graph);
                        checkup.look_at(&graph);
                    }
                    None => records.iter().for_each(|record| asked.hear(record)),
                }
            }
            Ok(())
        })?;
    }
    drop(sizes);
    asked.heard.iter().filter(|(service, _)| asked.services.contains(service)).for_each(|(s, d)| checkup.hear(s, d));
    if checkup.is_certain() {
        return Ok(());
    }
    look_around(store, &store.read(|snapshot| asked.relatives(snapshot))?, checkup)?;
    if checkup.is_certain() {
        return Ok(());
    }
    look_around(store, &store.read(|snapshot| asked.neighbours(snapshot))?, checkup)
}

fn look_around(store: &Store, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    for chunk in run_ids.chunks(128) {
        let chunk: Vec<_> = chunk.iter().copied().map(Some).collect();
        store.read(|snapshot| {
            for (run, records) in snapshot.stored(&chunk, 0)?.by_run()? {
                run.into_iter().for_each(|run| checkup.look_around(&Graph::build(run, &records)));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The runs in order, so many at a time that they have no more spans than [`SPANS`].
fn chunks(mut rest: &[RunId], spans: impl Fn(&RunId) -> u64) -> impl Iterator<Item = &[RunId]> {
    std::iter::from_fn(move || {
        let mut sum = 0u64;
        let fits = rest.iter().take(CHUNK).take_while(|run| {
            sum = sum.saturating_add(spans(run));
            sum <= SPANS
        });
        let (chunk, later) = rest.split_at_checked(fits.count().max(1))?;
        rest = later;
        Some(chunk)
    })
}

/// What the runs that are asked about say of others.
#[derive(Default)]
struct Asked {
    runs: BTreeSet<RunId>,
    parents: BTreeSet<RunId>,
    traces: BTreeSet<u128>,
    /// The traces that they are linked to.
    linked: BTreeSet<u128>,
    /// When the first and the last of them began.
    span: Option<(u64, u64)>,
    services: BTreeSet<String>,
    /// What processes say of themselves.
    heard: Vec<(String, Diagnostic)>,
    heard_ids: Set<(SegmentId, u64)>,
}

impl Asked {
    fn note(&mut self, graph: &Graph) {
        let run = &graph.run;
        self.parents.extend(run.parent_run_id);
        self.services.extend(run.segments.iter().map(|s| s.service.clone()));
        self.traces.extend(run.trace_ids.iter().map(|t| t.get()));
        self.linked.extend(graph.spans.iter().flat_map(|s| &s.links).map(|l| l.trace_id.get()));
        let (first, last) = self.span.unwrap_or((run.started_at, run.started_at));
        self.span = Some((first.min(run.started_at), last.max(run.started_at)));
    }

    /// Notes of a process that are not about a run. They came in one delivery with records of a run that is asked about, if
    /// perhaps from another service.
    fn hear(&mut self, record: &Record<'_>) {
        if let Body::Diagnostic { code, message, count, span_id, .. } = &record.body
            && self.heard_ids.insert((record.segment_id, record.segment_seq))
        {
            let (code, message) = (code.clone().into_owned(), message.clone().into_owned());
            let diagnostic = Diagnostic { code, message, count: *count, span_id: *span_id };
            self.heard.push((record.service.clone().into_owned(), diagnostic));
        }
    }

    /// Parents and children, the other runs of their traces, and those at the far ends of links.
    fn relatives(&self, snapshot: &Snapshot<'_>) -> Result<Vec<RunId>> {
        let runs: Vec<u128> = self.runs.iter().map(|run| run.get()).collect();
        let traces: Vec<u128> = self.traces.iter().copied().collect();
        let linked = snapshot.mentions(PairColumn::Links, &traces)?.into_iter().map(|(_, run)| run);
        let traces: Vec<u128> = self.traces.union(&self.linked).copied().collect();
        let children = snapshot.mentions(PairColumn::Parents, &runs)?.into_iter().map(|(_, run)| run);
        let others = snapshot.mentions(PairColumn::Traces, &traces)?.into_iter().map(|(_, run)| run);
        let own = traces.iter().filter_map(|trace| RunId::new(*trace));
        let all: BTreeSet<RunId> =
            children.chain(others).chain(linked).chain(own).chain(self.parents.iter().copied()).collect();
        Ok(all.difference(&self.runs).copied().collect())
    }

    /// The runs that began at the same time, or nearest to it.
    fn neighbours(&self, snapshot: &Snapshot<'_>) -> Result<Vec<RunId>> {
        let Some((first, last)) = self.span else { return Ok(Vec::new()) };
        let away = |at: u64| first.saturating_sub(at).max(at.saturating_sub(last));
        let begins = snapshot.begins()?;
        let others = begins.iter().filter(|(run, _)| !self.runs.contains(run));
        let mut others: Vec<(u64, RunId)> = others.map(|(run, begin)| (away(begin.started_at()), *run)).collect();
        if others.len() > AROUND {
            others.select_nth_unstable(AROUND);
            others.truncate(AROUND);
        }
        Ok(others.into_iter().map(|(_, run)| run).collect())
    }
}
