//! An engine that has its records in a list: the simplest one, to compare with.

use super::due::clock;
use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use spanbridge_graph::{links_of, run_of, span_of};
use spanbridge_query::engine::{
    Cursor, Damaged, EachBatch, EachRun, Engine, IdMatches, IdPrefix, Mention, NeverSettled, Order, Snapshot, SpanMatch,
};
use spanbridge_query::{Error, RunFilter, RunRow};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

type Result<T> = std::result::Result<T, Error>;

#[derive(Clone)]
pub(crate) struct List(pub(crate) Vec<Record<'static>>);

impl Engine for List {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(self.clone()))
    }
}

impl List {
    fn by_run(&self) -> BTreeMap<RunId, Vec<Record<'static>>> {
        let mut runs: BTreeMap<RunId, Vec<Record<'static>>> = BTreeMap::new();
        for record in &self.0 {
            if let Some(run) = run_of(record) {
                runs.entry(run).or_default().push(record.clone());
            }
        }
        runs
    }

    fn newest(&self) -> Vec<RunRow> {
        let mut rows: Vec<_> = self.by_run().iter().map(|(run, records)| RunRow::of(*run, records)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        let settling = rows.iter().flat_map(|row| row.unsettled().settle_others.clone()).collect();
        NeverSettled::at(clock()).judge(&mut rows, |_| Ok(settling)).unwrap();
        rows
    }
}

impl Snapshot for List {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let mut runs = self.by_run();
        run_ids.iter().filter_map(|run| runs.remove_entry(run)).try_for_each(|(run, records)| each(run, records))
    }

    fn records_of_no_run(&self, _: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        each(self.0.iter().filter(|record| run_of(*record).is_none()).cloned().collect())
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        Ok(self.newest().into_iter().filter(|row| filter.matches(row)).take(limit).collect())
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        Ok(self.newest().into_iter().filter(|row| run_ids.contains(&row.run_id)).collect())
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let starts = self.newest().into_iter().map(|row| (row.started_at, row.run_id));
        let mut starts: Vec<_> = starts.filter(|(at, _)| during.contains(at)).collect();
        if order == Order::OldestFirst {
            starts.reverse();
        }
        starts.truncate(limit);
        Ok(starts)
    }

    fn ids(&self, prefix: &IdPrefix, _: usize) -> Result<IdMatches> {
        let (mut found, mut spans, mut traces) = (IdMatches::default(), BTreeMap::new(), BTreeSet::new());
        for record in &self.0 {
            let Some(run) = run_of(record) else { continue };
            let is_other = |id: &spanbridge::TraceId| RunId::of_trace(*id) != run;
            traces.extend(record.trace_id.filter(is_other).map(|trace| (trace, run)));
            if let Some(span) = span_of(&record.body) {
                let name: &mut String = spans.entry((span, run)).or_default();
                if let Body::Span(start) = &record.body {
                    *name = start.name.to_string();
                }
            }
        }
        let is_in = |id: u64| prefix.span_ids().is_some_and(|ids| ids.contains(&id));
        let is_one = |id: u128| prefix.run_ids().contains(&id);
        found.runs = self.by_run().into_keys().filter(|run| is_one(run.get())).collect();
        found.traces = traces.into_iter().filter(|(trace, _)| is_one(trace.get())).collect();
        let spans = spans.into_iter().filter(|((span, _), _)| is_in(span.get()));
        found.spans = spans.map(|((span_id, run_id), name)| SpanMatch { span_id, run_id, name }).collect();
        Ok(found)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut found = BTreeSet::new();
        for record in &self.0 {
            let Some(run) = run_of(record) else { continue };
            let own = record.trace_id.map(|trace| trace.get());
            match (mention, &record.body) {
                (Mention::Trace, _) => found.extend(own.map(|id| (id, run))),
                (Mention::Parent, Body::RunStart(start)) => {
                    found.extend(start.parent_run_id.map(|parent| (parent.get(), run)));
                }
                (Mention::Link, body) => {
                    let linked = links_of(body).map(|(trace, _)| trace.get());
                    found.extend(linked.filter(|id| Some(*id) != own).map(|id| (id, run)));
                }
                _ => {}
            }
        }
        let is_other = |id: u128, run: RunId| mention == Mention::Parent || id != run.get();
        Ok(found.into_iter().filter(|(id, run)| ids.contains(id) && is_other(*id, *run)).collect())
    }

    fn end(&self) -> Result<Cursor> {
        Ok(Cursor::default())
    }

    fn follow(&self, _: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        each(self.0.clone())
    }

    fn damaged(&self) -> Vec<Damaged> {
        Vec::new()
    }
}
