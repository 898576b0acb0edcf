//! The totals of runs, merged over all deliveries.

use super::deliveries::Deliveries;
use super::row::{bad_directory, blob};
use crate::Result;
use spanbridge::RunId;
use spanbridge_graph::hash::Map;
use spanbridge_store::delivery::{Aggregate, Aggregates, RunIds, run_heads_hold};
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

/// What is known about a run in total, with names as text.
pub(super) type Totals = Aggregate<Rc<str>>;

/// The totals of each run over all deliveries; of these runs, or of all.
pub(super) fn totals(deliveries: &Deliveries<'_>, wanted: Option<&BTreeSet<RunId>>) -> Result<Map<RunId, Totals>> {
    let mut all: Map<RunId, Totals> = Map::default();
    let mut texts = SharedTexts::default();
    // A damaged delivery counts for nothing, so its runs are collected first.
    let mut found = Vec::new();
    deliveries.each("SELECT id, run_heads, run_tails, aggregates, first_at FROM delivery", [], |_, row| {
        found.clear();
        let heads = blob(row, 1)?;
        if wanted.is_some_and(|wanted| !wanted.iter().any(|run| run_heads_hold(heads, Some(*run)))) {
            return Ok(());
        }
        let runs = RunIds::new(heads, blob(row, 2)?).ok_or_else(bad_directory)?;
        let mut aggregates = Aggregates::read(blob(row, 3)?, row.get::<_, i64>(4)? as u64).ok_or_else(bad_directory)?;
        let names = texts.of(aggregates.names());
        for at in 0..runs.count() {
            let aggregate = aggregates.read_next().ok_or_else(bad_directory)?;
            let run = runs.get(at).ok_or_else(bad_directory)?;
            if let Some(run) = run.filter(|run| wanted.is_none_or(|wanted| wanted.contains(run))) {
                let named = aggregate.named(|place| names.get(place as usize).cloned()).ok_or_else(bad_directory)?;
                found.push((run, named));
            }
        }
        found.drain(..).for_each(|(run, totals)| all.entry(run).or_default().merge(totals));
        Ok(())
    })?;
    Ok(all)
}

/// When each run began and how many spans it has. The same as in [`totals`], in a tenth of the memory.
pub(super) fn run_starts(deliveries: &Deliveries<'_>) -> Result<Map<RunId, RunStart>> {
    let mut all: Map<RunId, RunStart> = Map::default();
    let mut found = Vec::new();
    deliveries.each("SELECT id, run_heads, run_tails, aggregates, first_at FROM delivery", [], |_, row| {
        found.clear();
        let runs = RunIds::new(blob(row, 1)?, blob(row, 2)?).ok_or_else(bad_directory)?;
        let mut aggregates = Aggregates::read(blob(row, 3)?, row.get::<_, i64>(4)? as u64).ok_or_else(bad_directory)?;
        for at in 0..runs.count() {
            let aggregate = aggregates.read_next().ok_or_else(bad_directory)?;
            found.extend(runs.get(at).ok_or_else(bad_directory)?.map(|run| (run, RunStart::of(&aggregate))));
        }
        found.drain(..).for_each(|(run, start)| all.entry(run).or_default().merge(start));
        Ok(())
    })?;
    Ok(all)
}

/// When a run began, and how many spans it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunStart {
    /// By its owner, by its spans and by any other record. 0: not known.
    by: [u64; 3],
    pub(super) spans: u64,
}

impl RunStart {
    fn of<N>(totals: &Aggregate<N>) -> Self {
        let by = [totals.lifecycle.started_at, totals.spans_at.map(|s| s.0), totals.others_at.map(|s| s.0)];
        RunStart { by: by.map(Option::unwrap_or_default), spans: totals.started.max(totals.ended) }
    }

    fn merge(&mut self, other: RunStart) {
        for (at, other) in self.by.iter_mut().zip(other.by) {
            *at = if *at == 0 || other == 0 { other.max(*at) } else { other.min(*at) };
        }
        self.spans = self.spans.saturating_add(other.spans);
    }

    /// The same as in the totals of the run.
    pub(super) fn started_at(&self) -> u64 {
        self.by.iter().copied().find(|at| *at > 0).unwrap_or(0)
    }
}

/// Keeps each text once, however many deliveries mention it.
#[derive(Default)]
struct SharedTexts(HashSet<Rc<str>>);

impl SharedTexts {
    fn of(&mut self, names: &[&str]) -> Vec<Rc<str>> {
        let mut shared = |name: &&str| match self.0.get(*name) {
            Some(text) => Rc::clone(text),
            None => {
                let text: Rc<str> = Rc::from(*name);
                self.0.insert(Rc::clone(&text));
                text
            }
        };
        names.iter().map(&mut shared).collect()
    }
}
