//! An engine of another crate: records in a list. It needs only what is public, and every question works.

mod common;

use common::*;
use spanbridge::record::{Body, Record, RunStart};
use spanbridge::{RunId, Status};
use spanbridge_graph::{Checkup, links_of, run_of, span_of};
use spanbridge_query::engine::{
    Cursor, Damaged, EachBatch, EachRun, Engine, IdMatches, IdPrefix, Mention, Order, Snapshot, SpanMatch, Stored,
};
use spanbridge_query::{Error, ErrorKind, Found, Imported, RunFilter, RunRow, Store, Tail};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Result<T> = std::result::Result<T, Error>;

struct List(Vec<Record<'static>>);

impl Engine for List {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Listed { records: &self.0, again: 0, breaks_after: usize::MAX, read: Arc::default() }))
    }

    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored> {
        let mut stored = Stored::default();
        for (at, record) in records.iter().enumerate() {
            match record.service == REJECTED {
                true => stored = stored.reject(at, "not this one"),
                false => self.0.push(record.clone().into_owned()),
            }
        }
        Ok(stored)
    }
}

/// A record of this service is not stored.
const REJECTED: &str = "rejected";

struct Listed<'l> {
    records: &'l [Record<'static>],
    /// So many records before a cursor come again.
    again: usize,
    /// Whoever follows gets so many records, and then an error.
    breaks_after: usize,
    /// How many records of runs were read.
    read: Arc<AtomicUsize>,
}

impl Listed<'_> {
    fn by_run(&self) -> BTreeMap<RunId, Vec<Record<'static>>> {
        let mut runs: BTreeMap<RunId, Vec<Record<'static>>> = BTreeMap::new();
        for record in self.records {
            if let Some(run) = run_of(record) {
                runs.entry(run).or_default().push(record.clone());
            }
        }
        runs
    }

    fn all_rows(&self) -> Vec<RunRow> {
        let mut rows: Vec<_> = self.by_run().iter().map(|(run, records)| RunRow::of(*run, records)).collect();
        rows.sort_by_key(|row| (row.started_at, row.run_id));
        rows
    }
}

impl Snapshot for Listed<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let mut runs = self.by_run();
        run_ids.iter().filter_map(|run| runs.remove_entry(run)).try_for_each(|(run, records)| {
            self.read.fetch_add(records.len(), Ordering::SeqCst);
            each(run, records)
        })
    }

    fn records_of_no_run(&self, _: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        each(self.records.iter().filter(|record| run_of(*record).is_none()).cloned().collect())
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        Ok(self.all_rows().into_iter().rev().filter(|row| filter.matches(row)).take(limit).collect())
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        Ok(self.all_rows().into_iter().filter(|row| run_ids.contains(&row.run_id)).collect())
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let rows = self.all_rows().into_iter().map(|row| (row.started_at, row.run_id));
        let mut rows: Vec<_> = rows.filter(|(at, _)| during.contains(at)).collect();
        if order == Order::NewestFirst {
            rows.reverse();
        }
        rows.truncate(limit);
        Ok(rows)
    }

    fn ids(&self, prefix: &IdPrefix, _: usize) -> Result<IdMatches> {
        let (mut found, mut spans) = (IdMatches::default(), BTreeMap::new());
        let runs = self.by_run();
        found.runs = runs.keys().filter(|run| prefix.run_ids().contains(&run.get())).copied().collect();
        let records = || runs.iter().flat_map(|(run, records)| records.iter().map(|record| (*run, record)));
        let traces = records().filter_map(|(run, record)| Some((record.trace_id?, run)));
        let traces = traces.filter(|(id, run)| prefix.run_ids().contains(&id.get()) && RunId::of_trace(*id) != *run);
        found.traces = traces.collect::<BTreeSet<_>>().into_iter().collect();
        for (run, record) in records() {
            let is_in = |id: u64| prefix.span_ids().is_some_and(|ids| ids.contains(&id));
            if let Some(span) = span_of(&record.body).filter(|span| is_in(span.get())) {
                let name: &mut String = spans.entry((span, run)).or_default();
                if let Body::Span(start) = &record.body {
                    *name = start.name.to_string();
                }
            }
        }
        let spans = spans.into_iter().map(|((span_id, run_id), name)| SpanMatch { span_id, run_id, name });
        found.spans = spans.collect();
        Ok(found)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut found = BTreeSet::new();
        for (run, records) in self.by_run() {
            for record in &records {
                match (mention, &record.body) {
                    (Mention::Trace, _) => found.extend(record.trace_id.map(|trace| (trace.get(), run))),
                    (Mention::Parent, Body::RunStart(start)) => {
                        found.extend(start.parent_run_id.map(|parent| (parent.get(), run)));
                    }
                    (Mention::Link, body) => found.extend(links_of(body).map(|(trace, _)| (trace.get(), run))),
                    _ => {}
                }
            }
        }
        Ok(found.into_iter().filter(|(id, run)| ids.contains(id) && *id != run.get()).collect())
    }

    fn end(&self) -> Result<Cursor> {
        Ok(Cursor::from_bytes(self.records.len().to_le_bytes()))
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let at = after.as_bytes().try_into().map_or(0, usize::from_le_bytes);
        let told = &self.records[at.saturating_sub(self.again)..];
        match told.get(..self.breaks_after) {
            Some(some) if some.len() < told.len() => {
                each(some.to_vec())?;
                Err(Error::new(ErrorKind::Io, "the shelf is locked"))
            }
            _ => each(told.to_vec()),
        }
    }

    fn damaged(&self) -> Vec<Damaged> {
        vec![Damaged::new("shelf 7", "it is empty")]
    }
}

fn records() -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut mail = Recording::of(run(2), 2, "mail").in_trace(trace(1));
    let child = RunStart::new("send", T0 + 20 * MS);
    let child = child.with_parent_run_id(Some(run(1))).with_triggered_by_span_id(Some(span_id(2)));
    vec![
        shop.run_start("order", 0),
        shop.failed(1, 0, "POST", 1, 9),
        shop.step((2, 1), ("messaging.publish", "publish"), "mails", (2, 3), vec![]),
        mail.record(child.into()),
        mail.step((3, 2), ("messaging.process", "process"), "mails", (21, 22), vec![]),
        shop.run_end(10, Status::Ok),
    ]
}

/// It answers as a directory does.
#[test]
fn every_question_works_over_it() {
    let (_dir, path) = place();
    let mut directory = Store::open_or_create(&path).unwrap();
    directory.import(records()).unwrap();
    let own = Store::with_engine("list://", List(records()));
    assert_eq!(own.runs(&RunFilter::default(), 9).unwrap(), directory.runs(&RunFilter::default(), 9).unwrap());
    for n in 1..=2 {
        let [own, directory] = [&own, &directory].map(|store| store.graph(run(n)).unwrap().unwrap());
        let mut expected = directory.to_json();
        let mut found = own.to_json();
        for json in [&mut expected, &mut found] {
            json["diagnostics"].take();
        }
        assert_eq!(found, expected);
        let skipped = "shelf 7 is damaged and was skipped (it is empty); its records are missing here";
        assert_eq!(own.diagnostics[0].message, skipped);
    }
    for id in ["1111", "2222", "a000", "a0000003"] {
        assert_eq!(own.find(id).unwrap(), directory.find(id).unwrap(), "{id}");
        assert!(own.find(id).unwrap() != Found::Nothing);
    }
    let (runs, all) = own.runs_since(None).unwrap();
    assert_eq!((runs.len(), all), (2, 2));
    let gaps = |store: &Store| store.gaps(&runs, Checkup::new(T0 + 1_000_000 * MS)).unwrap();
    assert_eq!(gaps(&own), gaps(&directory));
    let mut seen = 0;
    let cursor = own.follow(&Cursor::default(), |_| seen += 1).unwrap();
    own.follow(&cursor, |_| seen += 1).unwrap();
    assert_eq!((seen, own.damage().and_then(|d| d.count)), (6, Some(1)));
}

#[test]
fn an_engine_that_only_reads_says_so() {
    struct OnlyRead;
    impl Engine for OnlyRead {
        fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
            Ok(Box::new(Listed { records: &[], again: 0, breaks_after: usize::MAX, read: Arc::default() }))
        }
    }
    let mut own = Store::with_engine("list://", OnlyRead);
    let error = own.import(records()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(error.to_string(), "write to the store list://: store records: it can only be read from here");
    assert_eq!(own.fold(Default::default(), |_| true).unwrap(), None);
}

/// What became of each is what an import into a directory says.
#[test]
fn records_are_imported_into_it() {
    let (_dir, path) = place();
    let mut directory = Store::open_or_create(path).unwrap();
    let mut own = Store::with_engine("list://", List(Vec::new()));
    let mut other = records()[1].clone();
    other.service = "another".into();
    let inputs = [records(), records(), vec![other.clone(), records()[0].clone(), other]];
    for input in inputs {
        let [found, expected] = [&mut own, &mut directory].map(|store| {
            let mut became = Vec::new();
            let report = store.import_each(input.iter().cloned(), |at, what| became.push((at, what))).unwrap();
            became.sort_by_key(|(at, _)| *at);
            (report, became)
        });
        assert_eq!(found, expected);
    }
    assert_eq!(own.runs(&RunFilter::default(), 9).unwrap(), directory.runs(&RunFilter::default(), 9).unwrap());
    let mut copy = Store::with_engine("copy://", List(Vec::new()));
    assert_eq!(copy.import_store(&own).unwrap().stored, directory.import_store(&own).unwrap().read);
    assert_eq!(copy.import_store(&directory).unwrap().stored, 0);
}

/// It stores the others, and the report says which.
#[test]
fn an_engine_may_reject_a_record() {
    let mut own = Store::with_engine("list://", List(Vec::new()));
    let mut rejected = records();
    rejected[1].service = REJECTED.into();
    let mut became = Vec::new();
    let report = own.import_each(rejected.iter().cloned(), |at, what| became.push((at, what))).unwrap();
    assert_eq!(report.rejected, [(1, "not this one".to_owned())]);
    assert_eq!((report.read, report.stored), (rejected.len() as u64, rejected.len() as u64 - 1));
    assert!(became.contains(&(1, Imported::Rejected)), "{became:?}");
    let again = own.import(rejected.iter().cloned()).unwrap();
    assert_eq!((again.rejected.len(), again.stored), (1, 0), "it is said again");
    assert_eq!(own.append(rejected).unwrap().rejected.len(), 1);
}

/// Counts what an import reads, and how often it stores.
#[derive(Default)]
struct Counting {
    list: Vec<Record<'static>>,
    read: Arc<AtomicUsize>,
    stores: Arc<AtomicUsize>,
}

impl Engine for Counting {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let read = Arc::clone(&self.read);
        Ok(Box::new(Listed { records: &self.list, again: 0, breaks_after: usize::MAX, read }))
    }

    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored> {
        self.stores.fetch_add(1, Ordering::SeqCst);
        self.list.extend(records.iter().map(|record| record.clone().into_owned()));
        Ok(Stored::default())
    }
}

/// Otherwise the import of a long run takes time by the square of its length.
#[test]
fn an_import_reads_a_run_once() {
    let engine = Counting::default();
    let read = Arc::clone(&engine.read);
    let mut own = Store::with_engine("list://", engine);
    let all = spans(1, 40_000);
    // As the command does, some at a time.
    let stored = all.chunks(9_000).map(|some| own.import(some.iter().cloned()).unwrap().stored).sum::<u64>();
    assert_eq!((stored, read.load(Ordering::SeqCst)), (40_000, 0), "what it has stored itself is not read");
    drop(own);
    let mut engine = Counting::default();
    engine.store(&all).unwrap();
    let read = Arc::clone(&engine.read);
    let mut own = Store::with_engine("list://", engine);
    let report = own.import(all).unwrap();
    assert_eq!((report.stored, report.repeated, read.load(Ordering::SeqCst)), (0, 40_000, 40_000));
}

/// A directory has many small deliveries, and each insert of a database costs something.
#[test]
fn deliveries_are_stored_together() {
    let (_dir, path) = place();
    let mut directory = Store::open_or_create(&path).unwrap();
    for n in 0..30 {
        directory.append(spans(n * 10 + 1, 10)).unwrap();
    }
    let engine = Counting::default();
    let stores = Arc::clone(&engine.stores);
    let mut own = Store::with_engine("list://", engine);
    let report = own.import_store(&directory).unwrap();
    assert_eq!((report.stored, stores.load(Ordering::SeqCst)), (300, 1));
}

/// Tells the last records again to whoever follows, and breaks off when it is told to.
struct Repeating {
    list: List,
    breaks_after: Arc<AtomicUsize>,
}

const AGAIN: usize = 3;

impl Engine for Repeating {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let breaks_after = self.breaks_after.load(Ordering::SeqCst);
        Ok(Box::new(Listed { records: &self.list.0, again: AGAIN, breaks_after, read: Arc::default() }))
    }

    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored> {
        self.list.store(records)
    }
}

fn repeating() -> (Store, Arc<AtomicUsize>) {
    let breaks_after = Arc::new(AtomicUsize::new(usize::MAX));
    let engine = Repeating { list: List(records()), breaks_after: breaks_after.clone() };
    (Store::with_engine("list://", engine), breaks_after)
}

/// Spans of a run of their own.
fn spans(from: u64, count: u64) -> Vec<Record<'static>> {
    (from..from + count).map(|n| Recording::of(run(9), n, "shop").span(n, 0, "step", n, n + 1)).collect()
}

fn told(store: &Store, tail: &mut Tail) -> Vec<u64> {
    let mut told = Vec::new();
    let read = tail.read(store, |record| told.push(record.segment_id.get())).unwrap();
    assert_eq!((read.records, read.missed_logs, read.may_repeat), (told.len() as u64, 0, false));
    told
}

/// What was there before is not told, and nothing is told twice.
#[test]
fn a_tail_tells_each_record_once() {
    let (mut store, _) = repeating();
    let mut tail = store.tail().unwrap();
    assert!(!tail.knows_losses());
    assert!(told(&store, &mut tail).is_empty());
    for n in 0..20 {
        let (from, count) = (n * 10 + 1, 1 + n % 5);
        store.append(spans(from, count)).unwrap();
        assert_eq!(told(&store, &mut tail), (from..from + count).collect::<Vec<_>>());
        assert!(told(&store, &mut tail).is_empty());
    }
}

#[test]
fn a_tail_goes_on_where_it_was_broken_off() {
    let (mut store, breaks_after) = repeating();
    let mut tail = store.tail().unwrap();
    store.append(spans(1, 10)).unwrap();
    let mut all = Vec::new();
    for after in [AGAIN + 2, AGAIN + 2, AGAIN + 7, usize::MAX] {
        breaks_after.store(after, Ordering::SeqCst);
        let read = tail.read(&store, |record| all.push(record.segment_id.get()));
        assert_eq!(read.map_err(|e| e.kind()).err(), (after < usize::MAX).then_some(ErrorKind::Io));
    }
    assert_eq!(all, (1..=10).collect::<Vec<_>>());
}
