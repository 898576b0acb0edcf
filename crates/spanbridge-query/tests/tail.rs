//! Following a store: each record once, whatever others do meanwhile.

use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::engine::Engine;
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_query::{ErrorKind, RunFilter, Store, Tail, TailRead, keeping};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::log::{BatchId, Header, LogName, LogWriter};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant, SystemTime};

/// How many spans a delivery has, each of a run of its own.
const SPANS: u64 = 3;

/// Writes deliveries of spans that are numbered through.
struct Writer<'d> {
    dir: &'d Path,
    log: LogWriter,
    assembler: Assembler,
    deliveries: u64,
}

impl<'d> Writer<'d> {
    fn new(dir: &'d Path, writer: u64) -> Self {
        Self { dir, log: create(dir, LogName { writer, number: 1 }), assembler: Assembler::default(), deliveries: 0 }
    }

    fn name(&self) -> LogName {
        self.log.header().name
    }

    fn deliver(&mut self) {
        self.deliveries += 1;
        self.write_again();
    }

    /// The last delivery once more, as after an ambiguous error.
    fn write_again(&mut self) {
        let writer = self.name().writer;
        let first = (self.deliveries - 1) * SPANS;
        let records: Vec<_> = (first + 1..=first + SPANS).map(|seq| record(writer, seq)).collect();
        let delivery = self.assembler.assemble(records.iter().map(Record::view)).unwrap();
        self.log.put(Some(BatchId { instance: writer, number: self.deliveries }), &delivery).unwrap();
        self.log.write().unwrap();
    }

    fn rotate(&mut self) {
        let name = self.name();
        self.log = create(self.dir, LogName { number: name.number + 1, ..name });
    }
}

fn create(dir: &Path, name: LogName) -> LogWriter {
    LogWriter::create(dir, Header { name, created_at: 0, service: "test".to_owned() }).unwrap()
}

fn record(writer: u64, seq: u64) -> Record<'static> {
    let id = u128::from(writer) << 64 | u128::from(seq);
    let mut span = SpanData::new(SpanId::new(writer << 32 | seq).unwrap(), "work", 1_790_000_000_000_000_000 + seq);
    span.end = Some(End::new(span.started_at + 5, Status::Ok));
    let (run, trace) = (RunId::new(id), TraceId::new(id));
    Record::new(SegmentId::new(writer).unwrap(), seq, "test", Body::Span(span)).of_run(run, trace)
}

/// How often each record was read.
#[derive(Default)]
struct Counts(HashMap<(u64, u64), u32>);

impl Counts {
    fn read(&mut self, (store, tail): &mut (Store, Tail)) -> TailRead {
        let read = tail.read(store, |record| {
            let times = self.0.entry((record.segment_id.get(), record.segment_seq)).or_insert(0);
            *times += 1;
            assert_eq!(*times, 1, "a record came twice");
        });
        read.unwrap()
    }
}

/// A tail, and its store.
fn tail(path: &Path) -> (Store, Tail) {
    let store = Store::open_or_create(path).unwrap();
    let tail = store.tail().unwrap();
    (store, tail)
}

fn fold(index: &Index) -> u64 {
    index.fold(FoldBudget::everything(), |_| true).unwrap().removed
}

/// Sixteen writers begin a new log again and again, one thread folds all along and removes logs, another prunes. With
/// `SPANBRIDGE_TAIL_SECONDS`, for that long.
#[test]
fn each_record_comes_once() {
    let dir = tempfile::tempdir().unwrap();
    let seconds = std::env::var("SPANBRIDGE_TAIL_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut tail = {
        let _index = Index::open(dir.path()).unwrap();
        tail(dir.path())
    };
    // Whoever begins a log all the time makes a directory that takes long to read.
    let rotated = if until.is_some() { 50 } else { 7 };
    let (written, working) = (AtomicU64::new(0), AtomicU64::new(16));
    let removed = AtomicU64::new(0);
    let mut counts = Counts::default();
    std::thread::scope(|scope| {
        for writer in 1..=16 {
            let (dir, written, working) = (dir.path(), &written, &working);
            scope.spawn(move || {
                let mut writer = Writer::new(dir, writer);
                while until.map_or(writer.deliveries < 100, |until| Instant::now() < until) {
                    writer.deliver();
                    written.fetch_add(SPANS, SeqCst);
                    if writer.deliveries.is_multiple_of(rotated) {
                        writer.rotate();
                    }
                    // Others have few cores, too.
                    std::thread::yield_now();
                    if until.is_some() {
                        std::thread::park_timeout(Duration::from_millis(20));
                    }
                }
                working.fetch_sub(1, SeqCst);
            });
        }
        let (dir, working, removed) = (dir.path(), &working, &removed);
        scope.spawn(move || {
            let index = Index::open(dir).unwrap();
            while working.load(SeqCst) > 0 {
                // It may not get the lock.
                let report = index.fold(FoldBudget::everything(), |_| true);
                removed.fetch_add(report.map_or(0, |report| report.removed), SeqCst);
                // Nobody folds without a pause.
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        scope.spawn(move || {
            let prune = keeping::Prune::new().older_than(Duration::ZERO);
            while working.load(SeqCst) > 0 {
                let _ = keeping::prune(dir, &prune, |_| true);
                std::thread::park_timeout(Duration::from_millis(10));
            }
        });
        while working.load(SeqCst) > 0 {
            let read = counts.read(&mut tail);
            assert_eq!((read.missed_logs, read.missed_bytes), (0, 0));
        }
    });
    counts.read(&mut tail);
    assert_eq!(counts.0.len() as u64, written.load(SeqCst));
    println!("{} records, {} logs removed", counts.0.len(), removed.load(SeqCst));
}

/// A tail that looks rarely finds logs that are folded by then.
#[test]
fn folded_logs_stay_until_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    let index = Index::open(dir.path()).unwrap();
    let mut tail = tail(dir.path());
    for _ in 0..3 {
        writer.rotate();
        writer.deliver();
    }
    assert_eq!(fold(&index), 0);
    let mut counts = Counts::default();
    assert_eq!((counts.read(&mut tail).records, counts.0.len()), (3 * SPANS, 9), "what was there before is not shown");
    // It has been read, but the index is told from time to time only; at the latest when the tail ends.
    drop(tail);
    assert_eq!(fold(&index), 3);
}

#[test]
fn a_reader_whose_time_is_over_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    writer.rotate();
    index.register_reader_until("killed", SystemTime::now() + Duration::from_secs(60)).unwrap();
    assert_eq!(fold(&index), 0);
    index.forget_reader("killed").unwrap();
    index.register_reader_until("killed", SystemTime::now() - Duration::from_secs(1)).unwrap();
    assert_eq!(fold(&index), 1);
}

#[test]
fn a_delivery_that_was_written_twice_comes_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    let mut tail = tail(dir.path());
    let mut counts = Counts::default();
    writer.deliver();
    writer.write_again();
    assert_eq!(counts.read(&mut tail).records, SPANS);
    writer.rotate();
    writer.write_again();
    writer.deliver();
    assert_eq!(counts.read(&mut tail).records, SPANS);
}

/// Writers remove logs to stay within their limits, and wait for nobody.
#[test]
fn logs_that_went_unread_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    let mut tail = tail(dir.path());
    let mut counts = Counts::default();
    counts.read(&mut tail);
    let mut gone = Vec::new();
    for _ in 0..3 {
        writer.deliver();
        gone.push(dir.path().join(writer.name().to_string()));
        writer.rotate();
    }
    writer.deliver();
    gone.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let read = counts.read(&mut tail);
    // Of the first log, which is known, nothing is known but its end.
    assert_eq!((read.records, read.missed_logs), (SPANS, 2));
}

/// A file that is read stays open, so its end can be read after it was removed.
#[test]
fn an_open_log_is_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    let mut tail = tail(dir.path());
    let mut counts = Counts::default();
    writer.deliver();
    assert_eq!(counts.read(&mut tail).records, SPANS);
    writer.deliver();
    std::fs::remove_file(dir.path().join(writer.name().to_string())).unwrap();
    let read = counts.read(&mut tail);
    assert_eq!((read.records, read.missed_logs, read.missed_bytes), (SPANS, 0, 0));
}

#[test]
fn what_is_damaged_is_counted_and_passed() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    let mut tail = tail(dir.path());
    let mut counts = Counts::default();
    writer.deliver();
    let before = writer.log.length();
    writer.deliver();
    let after = writer.log.length();
    writer.deliver();
    let path = dir.path().join(writer.name().to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[(before + after) as usize / 2] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let read = counts.read(&mut tail);
    assert_eq!((read.records, read.missed_bytes), (2 * SPANS, after - before));
}

#[test]
fn a_store_that_is_gone_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let (store, mut tail) = tail(&path);
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(tail.read(&store, |_| ()).unwrap_err().kind(), ErrorKind::NotFound);
}

/// It holds nothing that questions, folds or backups wait for.
#[test]
fn others_ask_and_fold_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    let _tail = tail(dir.path());
    writer.deliver();
    let index = Index::open(dir.path()).unwrap();
    fold(&index);
    assert_eq!(index.snapshot().unwrap().runs(&RunFilter::default(), 9).unwrap().len() as u64, SPANS);
}
