//! Folding while others write, read, fold and die: each delivery is counted exactly once.

use spanbridge::record::{Body, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_query::engine::{Cursor, Engine};
use spanbridge_query::index::{FoldBudget, Index, Place};
use spanbridge_query::{ErrorKind, RunFilter, Store, keeping};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::log::{BatchId, Header, LogName, LogWriter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// How many runs a delivery has, and how many spans each.
const RUNS: u64 = 5;
const SPANS: u64 = 3;

/// Writes deliveries of whole runs, and of one run that goes on in all of them.
struct Writer {
    dir: PathBuf,
    log: LogWriter,
    assembler: Assembler,
    number: u64,
}

impl Writer {
    fn new(dir: &Path, writer: u64) -> Self {
        let log = create(dir, LogName { writer, number: 1 });
        Self { dir: dir.to_owned(), log, assembler: Assembler::default(), number: 0 }
    }

    fn name(&self) -> LogName {
        self.log.header().name
    }

    fn deliver(&mut self) {
        self.number += 1;
        let (writer, number) = (self.name().writer, self.number);
        let mut records = Vec::new();
        for run in 0..RUNS {
            let id = run_id(writer, number * RUNS + run);
            records.extend((0..SPANS).map(|span| record(id, id as u64, span + 1)));
        }
        records.push(record(run_id(writer, 0), writer, number));
        self.write(&records);
    }

    fn write(&mut self, records: &[Record<'_>]) {
        let delivery = self.assembler.assemble(records.iter().map(Record::view)).unwrap();
        let batch = BatchId { instance: self.name().writer, number: self.number };
        self.log.put(Some(batch), &delivery).unwrap();
        self.log.write().unwrap();
    }

    fn rotate(&mut self) {
        let name = self.name();
        self.log = create(&self.dir, LogName { number: name.number + 1, ..name });
    }
}

fn create(dir: &Path, name: LogName) -> LogWriter {
    LogWriter::create(dir, Header { name, created_at: 0, service: "test".to_owned() }).unwrap()
}

fn run_id(writer: u64, n: u64) -> u128 {
    u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ writer) << 64 | u128::from((writer << 32) | (n + 1))
}

fn record(run: u128, segment: u64, seq: u64) -> Record<'static> {
    let (run, trace) = (RunId::new(run), TraceId::new(run));
    let mut span = SpanData::new(SpanId::new(segment << 20 | seq).unwrap(), "work", 1_790_000_000_000_000_000 + seq);
    span.end = Some(spanbridge::record::End::new(span.started_at + 5, spanbridge::Status::Ok));
    Record::new(SegmentId::new(segment).unwrap(), seq, "test", Body::Span(span)).of_run(run, trace)
}

/// Each run is there once, with all of its records: as many as these numbers of deliveries make.
fn check_counts(index: &Index, delivered: &BTreeMap<u64, u64>) {
    let snapshot = index.snapshot().unwrap();
    let mut records = 0;
    let mut each = |batch: Vec<Record<'_>>| {
        records += batch.len() as u64;
        Ok(())
    };
    snapshot.follow(&Cursor::default(), &mut each).unwrap();
    let sum: u64 = delivered.values().sum();
    assert_eq!(records, sum * (RUNS * SPANS + 1), "all records");
    let rows = snapshot.runs(&RunFilter::default(), usize::MAX).unwrap();
    assert_eq!(rows.len() as u64, sum * RUNS + delivered.len() as u64, "all runs");
    let spans: u64 = rows.iter().map(|row| row.spans).sum();
    assert_eq!(spans, records, "the totals of the runs");
    let long: Vec<RunId> = delivered.keys().filter_map(|writer| RunId::new(run_id(*writer, 0))).collect();
    let mut each = |run: RunId, records: Vec<Record<'_>>| {
        let writer = delivered.iter().find(|(writer, _)| RunId::new(run_id(**writer, 0)) == Some(run)).unwrap();
        assert_eq!(records.len() as u64, *writer.1, "the long run of {}", writer.0);
        Ok(())
    };
    snapshot.records(&long, &mut each).unwrap();
    assert_eq!(snapshot.damaged(), []);
}

/// Not a test by itself: a process that folds until it is killed.
#[test]
fn folder() {
    let Some(dir) = std::env::var_os("SPANBRIDGE_TEST_FOLD_DIR") else { return };
    let index = Index::open(dir.as_ref()).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        index.fold(FoldBudget::spans(40), |_| true).unwrap();
    }
}

fn start_folder(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "folder", "--nocapture"]).env("SPANBRIDGE_TEST_FOLD_DIR", dir);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A hundred processes fold, two at a time, and each is killed at some time.
#[test]
fn killed_folders_fold_each_delivery_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writers: Vec<Writer> = (1..=3).map(|writer| Writer::new(dir.path(), writer)).collect();
    let mut delivered = BTreeMap::new();
    let mut before: Option<Child> = None;
    for round in 0..100u64 {
        let child = start_folder(dir.path());
        for _ in 0..4 {
            writers.iter_mut().for_each(Writer::deliver);
            std::thread::sleep(Duration::from_millis(round * 7 % 13));
        }
        if round % 10 == 9 {
            writers[(round / 10 % 3) as usize].rotate();
        }
        // The one before this one has had twice as long.
        if let Some(mut child) = before.replace(child) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    if let Some(mut child) = before {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    delivered.extend(writers.iter().map(|w| (w.name().writer, w.number)));
    let index = Index::open(dir.path()).unwrap();
    check_counts(&index, &delivered);
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    check_counts(&index, &delivered);
    let logs = spanbridge_store::log::list(dir.path()).unwrap();
    assert!(logs.len() < 13, "closed logs are removed: {}", logs.len());
}

/// Writers, folders and readers at once: no reader ever sees a run twice or in part.
#[test]
fn readers_see_whole_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (is_over, written) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; 4]);
    let (dir, is_over, written) = (dir.path(), &is_over, &written);
    Index::open(dir).unwrap();
    let seen = std::thread::scope(|scope| {
        for (writer, written) in (1..).zip(written) {
            scope.spawn(move || {
                let mut to = Writer::new(dir, writer);
                while !is_over.load(SeqCst) {
                    to.deliver();
                    written.store(to.number, SeqCst);
                    if to.number.is_multiple_of(50) {
                        to.rotate();
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(move || {
                let index = Index::open(dir).unwrap();
                while !is_over.load(SeqCst) {
                    index.fold(FoldBudget::spans(300), |_| !is_over.load(SeqCst)).unwrap();
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
        }
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(move || read_until(dir, is_over, written))).collect();
        std::thread::sleep(Duration::from_secs(6));
        is_over.store(true, SeqCst);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum::<u64>()
    });
    assert!(seen > 10, "{seen}");
    let delivered = (1..).zip(written.iter().map(|n| n.load(SeqCst))).collect();
    let index = Index::open(dir).unwrap();
    check_counts(&index, &delivered);
    while index.fold(FoldBudget::everything(), |_| true).unwrap().is_busy {}
    check_counts(&index, &delivered);
}

/// Asks again and again, and answers how often.
fn read_until(dir: &Path, is_over: &AtomicBool, written: &[AtomicU64]) -> u64 {
    let index = Index::open(dir).unwrap();
    let mut asked = 0;
    while !is_over.load(SeqCst) {
        let before: u64 = written.iter().map(|n| n.load(SeqCst)).sum();
        let snapshot = index.snapshot().unwrap();
        let after = |extra| written.iter().map(|n| n.load(SeqCst) + extra).sum::<u64>();
        let mut runs: BTreeMap<RunId, u64> = BTreeMap::new();
        let mut each = |records: Vec<Record<'_>>| {
            records.iter().for_each(|record| *runs.entry(record.run_id.unwrap()).or_default() += 1);
            Ok(())
        };
        snapshot.follow(&Cursor::default(), &mut each).unwrap();
        let long: Vec<RunId> = (1..=written.len() as u64).filter_map(|writer| RunId::new(run_id(writer, 0))).collect();
        let deliveries: u64 = long.iter().filter_map(|run| runs.remove(run)).sum();
        assert!(before <= deliveries && deliveries <= after(1), "{before} {deliveries}");
        assert_eq!(runs.len() as u64, deliveries * RUNS);
        assert!(runs.values().all(|records| *records == SPANS), "whole runs");
        let rows = snapshot.runs(&RunFilter::default(), usize::MAX).unwrap();
        assert_eq!(rows.iter().map(|row| row.spans).sum::<u64>(), deliveries * (RUNS * SPANS + 1));
        assert_eq!(snapshot.damaged(), []);
        asked += 1;
    }
    asked
}

/// A log that was removed before it was folded is told, and so are logs that nobody has seen.
#[test]
fn lost_logs_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    writer.deliver();
    // The index has seen that there is more than it folded.
    assert_eq!(index.fold(FoldBudget::spans(1), |_| true).unwrap().frames, 1);
    std::fs::remove_file(dir.path().join(writer.name().to_string())).unwrap();
    writer.rotate();
    writer.deliver();
    std::fs::remove_file(dir.path().join(writer.name().to_string())).unwrap();
    writer.rotate();
    writer.deliver();
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    let store = Store::with_engine(dir.path(), index);
    assert_eq!(store.runs(&RunFilter::default(), 99).unwrap().len() as u64, 2 * RUNS + 1);
    let told = store.damage().unwrap();
    assert_eq!(told.count, Some(2));
    let log = LogName { writer: 7, number: 1 };
    let expected = format!("log {log} at ");
    assert!(told.message.starts_with(&expected), "{}", told.message);
    let rest = "the log was removed before it was folded, and records are missing here; so are those of 1 more";
    assert!(told.message.ends_with(rest), "{}", told.message);
    assert_eq!(told.code, "store.logs_removed", "nothing is damaged");
}

/// What is lost is noted even if there is nothing else to fold.
#[test]
fn a_loss_alone_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    writer.deliver();
    index.fold(FoldBudget::spans(1), |_| true).unwrap();
    std::fs::remove_file(dir.path().join(writer.name().to_string())).unwrap();
    for _ in 0..2 {
        assert_eq!(index.fold(FoldBudget::everything(), |_| true).unwrap().frames, 0);
        let snapshot = index.snapshot().unwrap();
        snapshot.runs(&RunFilter::default(), 99).unwrap();
        assert_eq!(snapshot.damaged().len(), 1);
    }
}

/// A log of a newer release is told, left alone, and holds nothing up.
#[test]
fn a_log_of_a_newer_release_stays() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let (mut newer, mut writer) = (Writer::new(dir.path(), 3), Writer::new(dir.path(), 7));
    newer.deliver();
    writer.deliver();
    let path = dir.path().join(newer.name().to_string());
    let mut bytes = std::fs::read(&path).unwrap();
    let length = u32::from_le_bytes(*bytes[8..].first_chunk().unwrap()) as usize;
    bytes[16] = 2;
    let check = xxhash_rust::xxh3::xxh3_64(&bytes[16..16 + length]) as u32;
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    for _ in 0..2 {
        index.fold(FoldBudget::everything(), |_| true).unwrap();
        let snapshot = index.snapshot().unwrap();
        assert_eq!(snapshot.runs(&RunFilter::default(), 99).unwrap().len() as u64, RUNS + 1);
        let damaged = snapshot.damaged();
        assert!(damaged.len() == 1 && damaged[0].why.contains("format 2"), "{damaged:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

/// Where others write all along, a fold ends with what was there when it began.
#[test]
fn a_fold_ends_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    let mut steps = 0;
    let report = index.fold(FoldBudget::everything(), |_| {
        steps += 1;
        writer.deliver();
        steps < 100
    });
    assert_eq!((report.unwrap().steps, steps), (1, 1));
    assert_eq!(index.fold(FoldBudget::everything(), |_| true).unwrap().frames, 1);
    check_counts(&index, &[(7, 2)].into());
}

/// A log goes once it is folded, closed and passed by all who read it.
#[test]
fn logs_stay_for_registered_readers() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    index.register_reader("ship").unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    let (first, length) = (writer.name(), writer.log.length());
    writer.rotate();
    writer.deliver();
    let logs = || spanbridge_store::log::list(dir.path()).unwrap().len();
    assert_eq!(index.fold(FoldBudget::everything(), |_| true).unwrap().removed, 0);
    index.set_passed("ship", first, length - 1).unwrap();
    assert_eq!((index.fold(FoldBudget::everything(), |_| true).unwrap().removed, logs()), (0, 2));
    index.set_passed("ship", first, length).unwrap();
    assert_eq!((index.fold(FoldBudget::everything(), |_| true).unwrap().removed, logs()), (1, 1));
    writer.rotate();
    writer.deliver();
    assert_eq!((index.fold(FoldBudget::everything(), |_| true).unwrap().removed, logs()), (0, 2));
    index.forget_reader("ship").unwrap();
    assert_eq!((index.fold(FoldBudget::everything(), |_| true).unwrap().removed, logs()), (1, 1));
    check_counts(&index, &[(7, 3)].into());
}

/// What a dying writer left incomplete is passed once the log is closed.
#[test]
fn a_torn_tail_of_a_closed_log_is_passed() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    writer.deliver();
    let path = dir.path().join(writer.name().to_string());
    let length = writer.log.length();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    assert!(path.exists());
    writer.rotate();
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    assert!(!path.exists());
    let snapshot = index.snapshot().unwrap();
    assert_eq!(snapshot.runs(&RunFilter::default(), 99).unwrap().len() as u64, RUNS + 1);
    let damaged = snapshot.damaged();
    assert!(damaged.len() == 1 && damaged[0].why.contains("incomplete"), "{damaged:?}");
}

/// Not a test by itself: where the directory cannot be written, the index lies in the cache.
#[test]
fn cached_index() {
    let Some(dir) = std::env::var_os("SPANBRIDGE_TEST_CACHED_DIR") else { return };
    let index = Index::open(dir.as_ref()).unwrap();
    let expected = std::env::var("SPANBRIDGE_TEST_CACHED_PLACE").unwrap();
    assert!(format!("{:?}", index.place()).starts_with(&expected), "{:?}", index.place());
    let report = index.fold(FoldBudget::everything(), |_| true).unwrap();
    assert_eq!(report.removed, 0, "logs of a directory that cannot be written stay");
    check_counts(&index, &[(7, 2)].into());
}

#[test]
fn the_index_lies_where_it_can_be_written() {
    let (dir, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    writer.rotate();
    writer.deliver();
    // Nobody can create the file where a directory is, not even root.
    std::fs::create_dir(dir.path().join("index.db")).unwrap();
    let no_cache = cache.path().join("file");
    std::fs::write(&no_cache, "no directory").unwrap();
    for (home, place) in [(cache.path(), "Cache("), (&no_cache, "Memory")] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "cached_index"]).env("SPANBRIDGE_TEST_CACHED_DIR", dir.path());
        command.env("SPANBRIDGE_TEST_CACHED_PLACE", place).env("XDG_CACHE_HOME", home);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Not a test by itself: what another user sees, who can read the directory and not write it.
#[test]
fn read_only_index() {
    let Some(dir) = std::env::var_os("SPANBRIDGE_TEST_READ_ONLY_DIR") else { return };
    let dir = Path::new(&dir);
    if std::env::var_os("SPANBRIDGE_TEST_UNREADABLE").is_some() {
        let error = Index::open(dir).unwrap_err();
        assert!(error.kind() == ErrorKind::Io && error.to_string().contains("cannot be read"), "{error}");
        return;
    }
    let index = Index::open(dir).unwrap();
    assert!(matches!(index.place(), Place::ReadOnly(_)), "{:?}", index.place());
    check_counts(&index, &[(7, 2)].into());
    let error = index.fold(FoldBudget::everything(), |_| true).unwrap_err();
    assert!(error.to_string().starts_with("its directory cannot be written"), "{error}");
    let target = std::env::temp_dir().join(format!("spanbridge-backup-{}", std::process::id()));
    keeping::backup(dir, &target).unwrap();
    check_counts(&Index::open(&target).unwrap(), &[(7, 2)].into());
    std::fs::remove_dir_all(&target).unwrap();
}

/// Runs whose logs are gone are in the index alone. Whoever cannot write it must not be shown an empty one.
#[cfg(unix)]
#[test]
fn an_index_is_read_where_it_is_read_only() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    let index = Index::open(dir.path()).unwrap();
    writer.deliver();
    writer.rotate();
    index.fold(FoldBudget::everything(), |_| true).unwrap();
    writer.deliver();
    let allow = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let allow_all = |mode| {
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            allow(&entry.unwrap().path(), mode);
        }
    };
    // Where this program lies, other users may see nothing.
    let open_to_all = tempfile::tempdir().unwrap();
    allow(open_to_all.path(), 0o755);
    let program = open_to_all.path().join("folds");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let look = |what: &str, is_unreadable: bool| {
        allow(dir.path(), 0o555);
        let mut command = Command::new(&program);
        command.args(["--exact", "read_only_index"]).env("SPANBRIDGE_TEST_READ_ONLY_DIR", dir.path());
        if is_unreadable {
            command.env("SPANBRIDGE_TEST_UNREADABLE", "yes");
        }
        // Root may write everywhere.
        if std::fs::metadata(dir.path()).unwrap().uid() == 0 {
            command.uid(65534).gid(65534);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stdout));
        allow(dir.path(), 0o755);
    };
    allow_all(0o444);
    look("in use", false);
    std::fs::remove_file(dir.path().join("index.db-shm")).unwrap();
    look("not closed", false);
    allow_all(0o644);
    drop(index);
    drop(Index::open(dir.path()).unwrap());
    assert!(!dir.path().join("index.db-wal").exists());
    allow_all(0o444);
    look("closed", false);
    allow(&dir.path().join("index.db"), 0o000);
    look("unreadable", true);
}

/// What is little stays in the logs, until it is much or old.
#[test]
fn little_is_left_in_the_logs() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path()).unwrap();
    let mut writer = Writer::new(dir.path(), 7);
    writer.deliver();
    let length = writer.log.length();
    let report = index.fold(FoldBudget::time(Duration::from_secs(60)), |_| true).unwrap();
    assert_eq!((report.frames, report.remaining), (0, length));
    check_counts(&index, &[(7, 1)].into());
    let log = std::fs::File::options().write(true).open(dir.path().join(writer.name().to_string())).unwrap();
    log.set_modified(std::time::SystemTime::now() - Duration::from_secs(2 * 60 * 60)).unwrap();
    assert_eq!(index.fold(FoldBudget::time(Duration::from_secs(60)), |_| true).unwrap().frames, 1);
    check_counts(&index, &[(7, 1)].into());
}

/// Only its user can read the index. A newer one is refused, and stays as it is.
#[test]
fn a_newer_index_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(Index::open(dir.path()).unwrap());
    let path = dir.path().join("index.db");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Index::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), spanbridge_query::ErrorKind::NewerFormat, "{error}");
    let connection = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0)).unwrap(), 99);
}
