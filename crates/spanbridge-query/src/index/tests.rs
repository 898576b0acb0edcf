//! Deliveries, repetitions, conflicts and folds in any order: every question is answered as by a simple model.

use super::{FoldBudget, Index};
use crate::engine::operations::operations;
use crate::engine::{Cursor, Engine, IdPrefix, Mention, Order, Snapshot};
use crate::runs::{RunFilter, RunRow};
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_graph::{RunStatus, arbitrary, links_of, run_of, span_of};
use spanbridge_store::delivery::{Aggregate, Aggregates, Assembler, RunIds, StatusFromTotals};
use spanbridge_store::log::{BatchId, Header, LogName, LogWriter};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// A writer delivers these records.
    Deliver(usize, Vec<Record<'static>>),
    /// It delivers again what it delivered last; in another file, perhaps.
    Repeat(usize),
    /// It delivers other records under the number that it used last.
    Conflict(usize, Vec<Record<'static>>),
    /// It begins another file.
    Rotate(usize),
    /// Somebody folds: all, or about this many spans.
    Fold(Option<u64>),
    /// The index is opened again.
    Reopen,
}

fn event() -> impl Strategy<Value = Event> {
    let records = || vec(arbitrary::record(), 1..12);
    let writer = || 0..3usize;
    prop_oneof![
        8 => (writer(), records()).prop_map(|(writer, records)| Event::Deliver(writer, records)),
        1 => writer().prop_map(Event::Repeat),
        1 => (writer(), records()).prop_map(|(writer, records)| Event::Conflict(writer, records)),
        1 => writer().prop_map(Event::Rotate),
        3 => proptest::option::of(1..20u64).prop_map(Event::Fold),
        1 => Just(Event::Reopen),
    ]
}

/// A process that records.
struct Writer {
    log: LogWriter,
    number: u64,
    last: Vec<Record<'static>>,
}

impl Writer {
    fn start(dir: &Path, name: LogName) -> Self {
        let log = LogWriter::create(dir, Header { name, created_at: 0, service: String::new() }).unwrap();
        Self { log, number: 0, last: Vec::new() }
    }

    fn deliver(&mut self, records: &[Record<'static>]) {
        let delivery = Assembler::default().assemble(records.iter().map(Record::view)).unwrap();
        let batch = BatchId { instance: self.log.header().name.writer, number: self.number };
        self.log.put(Some(batch), &delivery).unwrap();
        self.log.write().unwrap();
        self.last = records.to_vec();
    }
}

/// What is stored, in the simplest form.
#[derive(Default)]
struct Model {
    /// The records of each run, and of none.
    records: BTreeMap<Option<RunId>, Vec<Record<'static>>>,
    totals: BTreeMap<RunId, Aggregate<Arc<str>>>,
    batches: BTreeMap<(u64, u64), Vec<Vec<Record<'static>>>>,
    conflicts: usize,
    /// Runs in several deliveries under one number. All but the one that comes first are suspect, and which one that is depends
    /// on the order of a fold.
    doubtful: BTreeSet<RunId>,
}

impl Model {
    fn deliver(&mut self, batch: (u64, u64), records: &[Record<'static>]) {
        let known = self.batches.entry(batch).or_default();
        // The same records in an order that makes no difference are the same delivery.
        if known.iter().any(|before| sorted(before) == sorted(records)) {
            return;
        }
        let is_conflict = !known.is_empty();
        self.conflicts += usize::from(is_conflict);
        known.push(records.to_vec());
        if is_conflict {
            self.doubtful.extend(known.iter().flatten().filter_map(run_of));
        }
        let delivery = Assembler::default().assemble(records.iter().map(Record::view)).unwrap();
        let runs = RunIds::new(&delivery.run_heads, &delivery.run_tails).unwrap();
        let mut aggregates = Aggregates::read(&delivery.aggregates, delivery.first_at).unwrap();
        let names: Vec<Arc<str>> = aggregates.names().iter().map(|name| Arc::from(*name)).collect();
        for place in 0..runs.count() {
            let mut totals = aggregates.read_next().unwrap().named(|n| names.get(n as usize).cloned()).unwrap();
            totals.suspect |= is_conflict;
            if let Some(run) = runs.get(place).unwrap() {
                self.totals.entry(run).or_default().merge(totals);
            }
        }
        for record in records {
            self.records.entry(run_of(record)).or_default().push(record.clone());
        }
    }

    fn row(&self, run: RunId) -> RunRow {
        let totals = &self.totals[&run];
        let StatusFromTotals::Known(status) = totals.status() else {
            return RunRow::of(run, &self.records[&Some(run)]);
        };
        let name = totals.name.as_ref().map_or("", |name| &name.name);
        let mut row = RunRow::new(run, name, status, totals.started_at());
        row.services = totals.services.iter().map(|s| s.to_string()).collect::<BTreeSet<_>>().into_iter().collect();
        (row.spans, row.errors) = (totals.started.max(totals.ended), totals.failed);
        row.ended_at = totals.ended_at();
        let start = |record: &Record<'static>| match &record.body {
            Body::RunStart(start) => start.parent_run_id,
            _ => None,
        };
        row.parent_run_id = self.records[&Some(run)].iter().find_map(start);
        row
    }

    /// The rows without those of runs of which nobody knows what counts: their records contradict each other; or they may be
    /// suspect, and their records say something else than their totals, as if a clock went back.
    fn agreed(&self, mut rows: Vec<RunRow>) -> Vec<RunRow> {
        let differs = |run| self.row(run) != RunRow::of(run, &self.records[&Some(run)]);
        rows.retain(|row| {
            row.status != RunStatus::Conflicted && !(self.doubtful.contains(&row.run_id) && differs(row.run_id))
        });
        rows
    }

    fn rows(&self, filter: &RunFilter) -> Vec<RunRow> {
        let mut rows: Vec<_> = self.totals.keys().map(|run| self.row(*run)).filter(|r| filter.matches(r)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        rows
    }

    fn mentions(&self, mention: Mention, range: std::ops::RangeInclusive<u128>) -> Vec<(u128, RunId)> {
        let mut all = BTreeSet::new();
        for (run, records) in &self.records {
            for (record, run) in records.iter().filter_map(|record| Some((record, (*run)?))) {
                let ids: Vec<TraceId> = match mention {
                    Mention::Trace => record.trace_id.into_iter().collect(),
                    Mention::Link => links_of(&record.body).map(|(trace, _)| trace).collect(),
                    Mention::Parent => match &record.body {
                        Body::RunStart(start) => {
                            start.parent_run_id.and_then(|run| TraceId::new(run.get())).into_iter().collect()
                        }
                        _ => Vec::new(),
                    },
                };
                for id in ids {
                    let is_own = RunId::of_trace(id) == run || mention == Mention::Link && Some(id) == record.trace_id;
                    if range.contains(&id.get()) && (mention == Mention::Parent || !is_own) {
                        all.insert((id.get(), run));
                    }
                }
            }
        }
        all.into_iter().collect()
    }
}

fn sorted(records: &[Record<'static>]) -> Vec<String> {
    let mut all: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
    all.sort_unstable();
    all
}

fn records_of(snapshot: &dyn Snapshot, runs: &[RunId]) -> BTreeMap<RunId, Vec<String>> {
    let mut all = BTreeMap::new();
    snapshot
        .records(runs, &mut |run, records| {
            let records: Vec<_> = records.into_iter().map(Record::into_owned).collect();
            assert!(all.insert(run, sorted(&records)).is_none(), "each run comes once");
            Ok(())
        })
        .unwrap();
    all
}

fn filters() -> Vec<RunFilter> {
    let mut all = vec![RunFilter::default(), RunFilter::default().name("a"), RunFilter::default().name("")];
    all.extend(RunStatus::ALL.map(|status| RunFilter::default().status(status)));
    all.extend(["", "a", "ab", "none"].map(|service| RunFilter::default().service(service)));
    all.push(RunFilter::default().name("b").service("a").status(RunStatus::Ok));
    all.push(RunFilter::default().since(1_790_000_000_500_000_000));
    for run in [1, 7, u128::MAX] {
        all.push(RunFilter::default().before(1_790_000_000_500_000_000, RunId::new(run).unwrap()));
    }
    all.push(RunFilter::default().min_duration(Duration::ZERO));
    all.push(RunFilter::default().min_duration(Duration::from_millis(1)).name("a"));
    all
}

/// Gives each record and each span ids of their own, so that few records contradict each other: which of them counts then
/// depends on their order.
#[derive(Default)]
struct Numbers {
    records: u64,
    starts: u64,
    ends: u64,
}

impl Numbers {
    fn number(&mut self, records: Vec<Record<'static>>) -> Vec<Record<'static>> {
        records.into_iter().map(|record| self.number_one(record)).collect()
    }

    fn number_one(&mut self, mut record: Record<'static>) -> Record<'static> {
        self.records += 1;
        record.segment_seq = self.records;
        record.segment_id = SegmentId::new(self.records / 3 + 1).unwrap();
        record.id = record.id.map(|id| format!("{id}-{}", self.records).into());
        match &mut record.body {
            Body::Span(span) if span.end.is_some() => span.span_id = SpanId::new(1000 + self.records).unwrap(),
            Body::Span(span) => {
                self.starts += 1;
                span.span_id = SpanId::new(self.starts).unwrap();
            }
            Body::SpanEnd(end) => {
                self.ends += 1;
                end.span_id = SpanId::new(self.ends).unwrap();
            }
            _ => {}
        }
        record
    }
}

/// Asks everything, and compares.
fn compare(index: &Index, model: &Model) {
    let snapshot = index.snapshot().unwrap();
    let runs: Vec<RunId> = model.totals.keys().copied().collect();
    let expected: BTreeMap<RunId, Vec<String>> = runs.iter().map(|r| (*r, sorted(&model.records[&Some(*r)]))).collect();
    assert_eq!(records_of(&*snapshot, &runs), expected);
    for filter in filters() {
        let expected = model.rows(&filter);
        let found = snapshot.runs(&filter, 1000).unwrap();
        assert_eq!(model.agreed(found.clone()), model.agreed(expected), "{filter:?}");
        assert_eq!(snapshot.runs(&filter, 3).unwrap(), found[..found.len().min(3)], "{filter:?}");
    }
    for filter in filters() {
        let all = snapshot.runs(&RunFilter::default(), 1000).unwrap();
        let expected = operations(all, &filter, 1000, &|runs, each| snapshot.records(runs, each)).unwrap();
        let found = snapshot.operations(&filter, 1000).unwrap();
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(snapshot.operations(&filter, 3).unwrap(), found[..found.len().min(3)], "{filter:?}");
        if let Some(first) = found.first() {
            let rest = filter.clone().before(first.started_at, first.run_id);
            assert_eq!(snapshot.operations(&rest, 1000).unwrap(), found[1..], "{filter:?}");
        }
    }
    let rows = snapshot.rows(&runs).unwrap();
    let expected = snapshot.runs(&RunFilter::default(), 1000).unwrap();
    assert_eq!(rows.len(), expected.len());
    assert!(rows.iter().all(|row| expected.contains(row)));
    let mut starts: Vec<(u64, RunId)> = expected.iter().map(|row| (row.started_at, row.run_id)).collect();
    assert_eq!(snapshot.started(0..=u64::MAX, Order::NewestFirst, 1000).unwrap(), starts);
    starts.reverse();
    starts.truncate(2);
    assert_eq!(snapshot.started(0..=u64::MAX, Order::OldestFirst, 2).unwrap(), starts);

    for mention in [Mention::Trace, Mention::Parent, Mention::Link] {
        let all = model.mentions(mention, 0..=u128::MAX);
        let ids: BTreeSet<u128> = all.iter().map(|(id, _)| *id).chain([7]).collect();
        assert_eq!(snapshot.mentions(mention, &ids.into_iter().collect::<Vec<_>>()).unwrap(), all, "{mention:?}");
    }
    for digits in ["0000", "0000000000000001", "0000000000000002", "00000000000000010000000000000001"] {
        let prefix = IdPrefix::parse(digits).unwrap();
        let found = snapshot.ids(&prefix, 1000).unwrap();
        let expected: Vec<RunId> = runs.iter().copied().filter(|r| prefix.run_ids().contains(&r.get())).collect();
        assert_eq!(found.runs, expected, "{digits}");
        let traces: Vec<(u128, RunId)> = found.traces.iter().map(|(trace, run)| (trace.get(), *run)).collect();
        assert_eq!(traces, model.mentions(Mention::Trace, prefix.run_ids()), "{digits}");
        let spans: BTreeSet<_> = found.spans.iter().map(|s| (s.span_id, s.run_id)).collect();
        let range = prefix.span_ids();
        let is_in = |span: &SpanId| range.as_ref().is_some_and(|range| range.contains(&span.get()));
        let all = model.records.iter().flat_map(|(run, records)| records.iter().map(move |r| (*run, r)));
        let all = all.filter_map(|(run, record)| Some((span_of(&record.body).filter(is_in)?, run?)));
        assert_eq!(spans, all.collect(), "{digits}");
    }

    let mut loose = Vec::new();
    let mut each = |records: Vec<Record<'_>>| {
        loose.extend(records.into_iter().map(Record::into_owned));
        Ok(())
    };
    snapshot.records_of_no_run(0..=u64::MAX, &mut each).unwrap();
    let (notes, loose): (Vec<_>, Vec<_>) = loose.into_iter().partition(|record| record.service == "spanbridge-store");
    assert_eq!(notes.len(), model.conflicts);
    assert_eq!(sorted(&loose), sorted(model.records.get(&None).map_or(&[], |all| all)));
    let mut all = Vec::new();
    let mut each = |records: Vec<Record<'_>>| {
        all.extend(records.into_iter().map(Record::into_owned));
        Ok(())
    };
    snapshot.follow(&Cursor::default(), &mut each).unwrap();
    all.retain(|record| record.service != "spanbridge-store");
    assert_eq!(sorted(&all), sorted(&model.records.values().flatten().cloned().collect::<Vec<_>>()));
    assert_eq!(snapshot.damaged(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn answers_are_those_of_the_model(events in vec(event(), 1..24)) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(dir.path()).unwrap();
        let mut model = Model::default();
        let mut writers: Vec<Writer> =
            (1..4).map(|writer| Writer::start(dir.path(), LogName { writer, number: 1 })).collect();
        let mut cursor = Cursor::default();
        let mut followed = BTreeSet::new();
        let mut numbers = Numbers::default();
        for event in events {
            match event {
                Event::Deliver(writer, records) => {
                    let records = numbers.number(records);
                    writers[writer].number += 1;
                    model.deliver((writer as u64 + 1, writers[writer].number), &records);
                    writers[writer].deliver(&records);
                }
                Event::Conflict(writer, records) => {
                    let records = numbers.number(records);
                    model.deliver((writer as u64 + 1, writers[writer].number), &records);
                    writers[writer].deliver(&records);
                }
                Event::Repeat(writer) => {
                    let last = writers[writer].last.clone();
                    if !last.is_empty() {
                        writers[writer].deliver(&last);
                    }
                }
                Event::Rotate(writer) => {
                    let name = writers[writer].log.header().name;
                    let next = Writer::start(dir.path(), LogName { number: name.number + 1, ..name });
                    let before = std::mem::replace(&mut writers[writer], next);
                    (writers[writer].number, writers[writer].last) = (before.number, before.last);
                }
                Event::Fold(spans) => {
                    let budget = spans.map_or(FoldBudget::everything(), FoldBudget::spans);
                    index.fold(budget, |_| true).unwrap();
                }
                Event::Reopen => index = Index::open(dir.path()).unwrap(),
            }
            compare(&index, &model);
            // Whoever follows misses nothing.
            let snapshot = index.snapshot().unwrap();
            let mut each = |records: Vec<Record<'_>>| {
                followed.extend(records.into_iter().map(|record| format!("{record:?}")));
                Ok(())
            };
            snapshot.follow(&cursor, &mut each).unwrap();
            cursor = snapshot.end().unwrap();
            for record in model.records.values().flatten() {
                prop_assert!(followed.contains(&format!("{record:?}")), "{record:?}");
            }
        }
    }
}

/// Another process may fold between the look at the logs and the snapshot. What it folded comes from the index alone, also if no
/// batch number would tell.
#[test]
fn what_is_folded_meanwhile_comes_once() {
    let dir = tempfile::tempdir().unwrap();
    super::place_tests::write(dir.path(), 7);
    let (mut tails, nothing) = (super::tails::Tails::default(), BTreeMap::new());
    assert!(tails.read(dir.path(), &nothing).unwrap());
    assert_eq!(tails.frames(&nothing, &nothing).len(), 3);
    let files = spanbridge_store::log::list(dir.path()).unwrap();
    let folded = files.iter().take(2).map(|file| (file.name, file.length)).collect();
    assert_eq!(tails.frames(&folded, &nothing).len(), 1);
}
