//! Checking stored runs: which to read, and where to look for what they lack.
//!
//! However many runs there are, few are in memory at a time. Each group is a question of its own, so no writer is held back
//! until all are checked. What is written meanwhile may be included. That does no harm, since it can only explain more.

use super::graph::add_connected_runs;
use crate::Result;
use crate::engine::{Mention, Order, Snapshot};
use crate::reader::Reader;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId};
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Checkup, Diagnostic, Graph};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// How many runs are asked for at once.
const MAX_RUNS_AT_ONCE: usize = 4096;

/// How many runs of the same time are consulted, if related runs do not explain everything.
const MAX_NEIGHBOURS: usize = 500;

/// What a sink records when deliveries of any service may be lost.
const STORE_LOG_LOST: &str = "store.log_lost";

/// The runs that began at this time or later, newest first, and the number of all runs.
pub(crate) fn since(snapshot: &dyn Snapshot, since: Option<u64>) -> Result<(Vec<RunId>, usize)> {
    let all = snapshot.started(0..=u64::MAX, Order::NewestFirst, usize::MAX)?;
    let found = all.iter().take_while(|(at, _)| since.is_none_or(|since| *at >= since));
    Ok((found.map(|(_, run)| *run).collect(), all.len()))
}

/// Checks these runs, and consults others as far as needed.
pub(crate) fn check(reader: &Reader, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    let mut checked = CheckedRuns { runs: run_ids.iter().copied().collect(), ..CheckedRuns::default() };
    for chunk in run_ids.chunks(MAX_RUNS_AT_ONCE) {
        reader.read(|snapshot| {
            snapshot.records(chunk, &mut |run, records| {
                let graph = Graph::build(run, &records);
                checked.add(&graph);
                checkup.check(&graph);
                Ok(())
            })
        })?;
    }
    if let Some(during) = reader.read(|snapshot| checked.during(snapshot))? {
        let add = &mut |records: Vec<Record<'_>>| {
            records.iter().for_each(|record| checked.add_process_diagnostic(record, checkup));
            Ok(())
        };
        reader.read(|snapshot| snapshot.records_of_no_run(during, add))?;
    }
    if checkup.is_conclusive() {
        return Ok(());
    }
    let relatives = reader.read(|snapshot| checked.relatives(snapshot))?;
    consult(reader, &relatives, checkup)?;
    if checkup.is_conclusive() {
        return Ok(());
    }
    checked.relatives.extend(relatives);
    let (neighbours, not_read) = reader.read(|snapshot| checked.neighbours(snapshot))?;
    consult(reader, &neighbours, checkup)?;
    if !checkup.is_conclusive() {
        checkup.note_not_read(not_read);
    }
    excuse_pruned(reader, checkup)
}

/// What is missing in a run may have been in a run that was connected with it and is pruned. Then it is no gap.
fn excuse_pruned(reader: &Reader, checkup: &mut Checkup) -> Result<()> {
    let gaps = checkup.gaps();
    let runs: BTreeSet<RunId> =
        gaps.iter().filter(|gap| gap.kind.may_be_in_another_run()).filter_map(|gap| gap.run_id).collect();
    for chunk in runs.into_iter().collect::<Vec<_>>().chunks(MAX_RUNS_AT_ONCE) {
        reader.read(|snapshot| {
            snapshot.records(chunk, &mut |run, records| {
                let mut graph = Graph::build(run, &records);
                add_connected_runs(snapshot, &mut graph)?;
                if !graph.pruned_runs.is_empty() {
                    checkup.note_pruned_beside(run);
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

fn consult(reader: &Reader, run_ids: &[RunId], checkup: &mut Checkup) -> Result<()> {
    reader.read(|snapshot| {
        snapshot.records(run_ids, &mut |run, records| {
            checkup.consult(&Graph::build(run, &records));
            Ok(())
        })
    })
}

/// What the checked runs say about others.
#[derive(Default)]
struct CheckedRuns {
    runs: BTreeSet<RunId>,
    /// Whether these are all runs of the store.
    are_all: bool,
    /// The runs that were read because they are connected with them.
    relatives: BTreeSet<RunId>,
    parents: BTreeSet<RunId>,
    traces: BTreeSet<u128>,
    /// The traces that they link to.
    linked: BTreeSet<u128>,
    /// When the first and the last of them began.
    began: Option<(u64, u64)>,
    /// When the last thing happened in them.
    last_at: u64,
    services: BTreeSet<String>,
    /// The records that processes made about themselves, to take each once.
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
        let times = graph.spans.iter().flat_map(|span| [Some(span.started_at), span.ended_at]);
        self.last_at = times.chain([run.ended_at]).flatten().fold(self.last_at, u64::max);
    }

    /// From when to when the checked runs went on. `None` without any. If no other run began before or after them, all that
    /// came earlier or later counts, too: a process reports losses only after they have happened, perhaps of whole runs.
    fn during(&mut self, snapshot: &dyn Snapshot) -> Result<Option<RangeInclusive<u64>>> {
        let Some((first, last)) = self.began else { return Ok(None) };
        let is_first = match first.checked_sub(1) {
            Some(before) => snapshot.started(0..=before, Order::NewestFirst, 1)?.is_empty(),
            None => true,
        };
        let is_last = match last.checked_add(1) {
            Some(after) => snapshot.started(after..=u64::MAX, Order::OldestFirst, 1)?.is_empty(),
            None => true,
        };
        let limit = self.runs.len().saturating_add(1);
        self.are_all = is_first && is_last && snapshot.started(first..=last, Order::OldestFirst, limit)?.len() < limit;
        let from = if is_first { 0 } else { first };
        let to = if is_last { u64::MAX } else { last.max(self.last_at) };
        Ok(Some(from..=to))
    }

    /// A diagnostic of a process that is not about a run. It came with records of the time of the checked runs, but perhaps
    /// from another service. If all runs are checked, there is no other service: one that lost all its records is in no run.
    fn add_process_diagnostic(&mut self, record: &Record<'_>, checkup: &mut Checkup) {
        if let Body::Diagnostic(d) = &record.body
            && (self.are_all || d.code == STORE_LOG_LOST || self.services.contains(&*record.service))
            && self.seen.insert((record.segment_id, record.segment_seq))
        {
            let mut diagnostic = Diagnostic::new(&*d.code, &*d.message);
            (diagnostic.count, diagnostic.span_id) = (d.count, d.span_id);
            checkup.add_process_diagnostic(&record.service, &diagnostic);
        }
    }

    /// Their parents and children, the other runs of their traces, and linked runs.
    fn relatives(&self, snapshot: &dyn Snapshot) -> Result<Vec<RunId>> {
        let runs: Vec<u128> = self.runs.iter().map(|run| run.get()).collect();
        let traces: Vec<u128> = self.traces.iter().copied().collect();
        let linked = snapshot.mentions(Mention::Link, &traces)?.into_iter().map(|(_, run)| run);
        let traces: Vec<u128> = self.traces.union(&self.linked).copied().collect();
        let children = snapshot.mentions(Mention::Parent, &runs)?.into_iter().map(|(_, run)| run);
        let others = snapshot.mentions(Mention::Trace, &traces)?.into_iter().map(|(_, run)| run);
        let own = traces.iter().filter_map(|trace| RunId::new(*trace));
        let all: BTreeSet<RunId> =
            children.chain(others).chain(linked).chain(own).chain(self.parents.iter().copied()).collect();
        Ok(all.difference(&self.runs).copied().collect())
    }

    /// The runs that began at the same time or nearest to it, and how many others are not read.
    fn neighbours(&self, snapshot: &dyn Snapshot) -> Result<(Vec<RunId>, u64)> {
        let Some((first, last)) = self.began else { return Ok((Vec::new(), 0)) };
        if self.are_all {
            return Ok((Vec::new(), 0));
        }
        // The runs that were read already may be among them.
        let limit = MAX_NEIGHBOURS.saturating_add(self.runs.len()).saturating_add(self.relatives.len());
        let mut found = snapshot.started(first..=last, Order::OldestFirst, limit)?;
        if let Some(before) = first.checked_sub(1) {
            found.extend(snapshot.started(0..=before, Order::NewestFirst, limit)?);
        }
        if let Some(after) = last.checked_add(1) {
            found.extend(snapshot.started(after..=u64::MAX, Order::OldestFirst, limit)?);
        }
        let away = |at: u64| first.saturating_sub(at).max(at.saturating_sub(last));
        let is_new = |run: &RunId| !self.runs.contains(run) && !self.relatives.contains(run);
        found.retain(|(_, run)| is_new(run));
        found.sort_unstable_by_key(|(at, run)| (away(*at), *run));
        found.truncate(MAX_NEIGHBOURS);
        let all = snapshot.started(0..=u64::MAX, Order::NewestFirst, usize::MAX)?;
        let new = all.iter().filter(|(_, run)| is_new(run)).count();
        let not_read = u64::try_from(new.saturating_sub(found.len())).unwrap_or(u64::MAX);
        Ok((found.into_iter().map(|(_, run)| run).collect(), not_read))
    }
}
