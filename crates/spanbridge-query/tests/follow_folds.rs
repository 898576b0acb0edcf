//! Following with a cursor while logs are folded, and removed.

use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::Store;
use spanbridge_query::engine::Cursor;
use spanbridge_query::index::{FoldBudget, Index};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::log::{BatchId, Header, LogName, LogWriter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The span with this number, in a run that it shares with others.
fn span(number: u64) -> Record<'static> {
    let (run, trace) = (RunId::new(u128::from(number % 7) + 1), TraceId::new(u128::from(number % 7) + 1));
    let data = SpanData::new(SpanId::new(number).unwrap(), "work", 1_790_000_000_000_000_000 + number);
    let data = data.with_end(Some(End::new(1_790_000_000_000_000_009 + number, Status::Ok)));
    Record::new(SegmentId::new(1).unwrap(), number, "test", Body::Span(data)).of_run(run, trace)
}

struct Writer {
    dir: PathBuf,
    log: LogWriter,
    batch: u64,
}

impl Writer {
    fn new(dir: &Path, writer: u64) -> Self {
        Self { dir: dir.to_owned(), log: create(dir, LogName { writer, number: 1 }), batch: 0 }
    }

    fn deliver(&mut self, number: u64) {
        let record = span(number);
        let delivery = Assembler::default().assemble(std::iter::once(record.view())).unwrap();
        self.batch += 1;
        let batch = BatchId { instance: self.log.header().name.writer, number: self.batch };
        self.log.put(Some(batch), &delivery).unwrap();
        self.log.write().unwrap();
    }

    /// Goes on in another file. The one before is closed, and removed once it is folded.
    fn rotate(&mut self) {
        let name = self.log.header().name;
        self.log = create(&self.dir, LogName { number: name.number + 1, ..name });
    }
}

fn create(dir: &Path, name: LogName) -> LogWriter {
    LogWriter::create(dir, Header { name, created_at: 0, service: "test".to_owned() }).unwrap()
}

/// Follows from the cursor, and counts how often each span came.
fn follow(store: &Store, cursor: &mut Cursor, seen: &mut BTreeMap<u64, u64>) -> usize {
    let mut came = 0;
    *cursor = store
        .follow(cursor, |record| {
            came += 1;
            *seen.entry(record.segment_seq).or_default() += 1
        })
        .unwrap();
    came
}

/// Whoever has read a log need not read it again as blocks: an importer, a live view.
#[test]
fn what_was_read_does_not_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut writer) = (Store::open_or_create(dir.path()).unwrap(), Writer::new(dir.path(), 1));
    let (mut cursor, mut seen) = (Cursor::default(), BTreeMap::new());
    for number in 1..=100 {
        writer.deliver(number);
        assert_eq!(follow(&store, &mut cursor, &mut seen), 1, "span {number}");
        if number % 10 == 0 {
            writer.rotate();
            Index::open(dir.path()).unwrap().fold(FoldBudget::everything(), |_| true).unwrap();
            assert_eq!(follow(&store, &mut cursor, &mut seen), 0, "folded after span {number}");
        }
    }
}

/// Whatever is written, folded and removed between two looks: nothing is left out.
#[test]
fn nothing_is_left_out() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |sides: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % sides
    };
    for _ in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(dir.path()).unwrap();
        let mut writers = vec![Writer::new(dir.path(), 1)];
        let (mut cursor, mut seen, mut spans) = (Cursor::default(), BTreeMap::new(), 0);
        for _ in 0..60 {
            let one = dice(writers.len() as u64) as usize;
            match dice(8) {
                0..=3 => {
                    spans += 1;
                    writers[one].deliver(spans);
                }
                4 => writers[one].rotate(),
                5 if writers.len() < 4 => writers.push(Writer::new(dir.path(), writers.len() as u64 + 1)),
                6 => {
                    let budget = if dice(2) == 0 { FoldBudget::everything() } else { FoldBudget::spans(2) };
                    Index::open(dir.path()).unwrap().fold(budget, |_| true).unwrap();
                }
                _ => _ = follow(&store, &mut cursor, &mut seen),
            }
        }
        follow(&store, &mut cursor, &mut seen);
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), (1..=spans).collect::<Vec<_>>());
    }
}
