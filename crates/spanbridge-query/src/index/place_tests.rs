//! Where an index lies, and what it may do there.

use super::place::{Place, open_in};
use super::{FoldBudget, Index};
use crate::ErrorKind;
use crate::engine::Engine;
use crate::runs::RunFilter;
use spanbridge::record::{Body, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::log::{self, BatchId, Header, LogName, LogWriter};
use std::path::Path;
use tempfile::TempDir;

/// A writer writes two closed logs and an open one, with a run each.
pub(super) fn write(dir: &Path, writer: u64) {
    for number in 1..=3 {
        let header = Header { name: LogName { writer, number }, created_at: 0, service: String::new() };
        let mut log = LogWriter::create(dir, header).unwrap();
        let body = Body::Span(SpanData::new(SpanId::new(1).unwrap(), "work", u64::from(number)));
        let mut record = Record::new(SegmentId::new(writer).unwrap(), 1, "s", body);
        record.run_id = RunId::new(u128::from(writer) << 64 | u128::from(number));
        let delivery = Assembler::default().assemble([record.view()].into_iter()).unwrap();
        log.put(Some(BatchId { instance: writer, number: u64::from(number) }), &delivery).unwrap();
        log.write().unwrap();
    }
}

fn runs(index: &Index) -> usize {
    index.snapshot().unwrap().runs(&RunFilter::default(), 99).unwrap().len()
}

fn fold(index: &Index) -> u64 {
    index.fold(FoldBudget::everything(), |_| true).unwrap().removed
}

/// A directory on another host, and a cache on this one.
struct Hosts {
    dir: TempDir,
    cache: TempDir,
}

impl Hosts {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Index {
        let opened = open_in(self.dir.path(), Some(self.cache.path().join("index-1.db")), |at| at == self.dir.path());
        Index::at(self.dir.path(), opened.unwrap()).unwrap()
    }
}

#[test]
fn no_index_is_made_on_a_network() {
    let hosts = Hosts::new();
    write(hosts.dir.path(), 7);
    let index = hosts.open();
    assert!(matches!(index.place(), Place::Cache(_)), "{:?}", index.place());
    // The index of another host may not have them.
    assert_eq!((fold(&index), runs(&index)), (0, 3));
    assert_eq!(log::list(hosts.dir.path()).unwrap().len(), 3);
    assert!(!hosts.dir.path().join("index.db").exists());
    // Whoever removes logs would not know.
    assert_eq!(index.register_reader("ship").unwrap_err().kind(), ErrorKind::Io);
    drop(index);
    assert_eq!(runs(&hosts.open()), 3);

    let everywhere = open_in(hosts.dir.path(), Some(hosts.cache.path().join("index-1.db")), |_| true).unwrap();
    let index = Index::at(hosts.dir.path(), everywhere).unwrap();
    assert_eq!((index.place(), runs(&index)), (&Place::Memory, 3));
}

/// What was folded before its directory went to another host, such as a backup, is read there and left as it is.
#[test]
fn an_index_on_a_network_is_read() {
    let hosts = Hosts::new();
    write(hosts.dir.path(), 7);
    let index = Index::open(hosts.dir.path()).unwrap();
    assert_eq!(fold(&index), 2);
    drop(index);
    write(hosts.dir.path(), 8);
    let file = hosts.dir.path().join("index.db");
    let before = std::fs::read(&file).unwrap();
    let index = hosts.open();
    assert_eq!(index.place(), &Place::ReadOnly(file.clone()));
    assert_eq!(runs(&index), 6);
    let error = index.fold(FoldBudget::everything(), |_| true).unwrap_err();
    assert!(error.to_string().contains("is on another host"), "{error}");
    assert!(index.register_reader("ship").is_err());
    let copy = hosts.cache.path().join("copy.db");
    index.while_still(|| index.copy_to(&copy)).unwrap();
    assert!(copy.exists());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert!(!hosts.dir.path().join("index.db-shm").exists());

    // Somebody can write there after all.
    assert_eq!(fold(&Index::open(hosts.dir.path()).unwrap()), 2);
    assert_eq!(index.snapshot().err().map(|e| e.kind()), Some(ErrorKind::Moved));
    assert_eq!(runs(&hosts.open()), 6);
}

/// While others have it open, its write-ahead log is read, too.
#[test]
fn an_index_that_others_write_is_read() {
    let hosts = Hosts::new();
    write(hosts.dir.path(), 7);
    let writer = Index::open(hosts.dir.path()).unwrap();
    assert_eq!(fold(&writer), 2);
    let reader = hosts.open();
    assert_eq!(runs(&reader), 3);
    write(hosts.dir.path(), 8);
    assert_eq!(fold(&writer), 2);
    assert_eq!(reader.snapshot().err().map(|e| e.kind()), Some(ErrorKind::Moved));
    assert_eq!(runs(&hosts.open()), 6);
}

/// An index in the cache is not taken for that of another directory which is at the same path later.
#[test]
fn a_replaced_directory_has_another_index() {
    let hosts = Hosts::new();
    write(hosts.dir.path(), 7);
    let index = hosts.open();
    fold(&index);
    let first = index.place().clone();
    for file in log::list(hosts.dir.path()).unwrap() {
        std::fs::remove_file(file.path).unwrap();
    }
    let other = hosts.open();
    assert_eq!(runs(&other), 0);
    assert_ne!(other.place(), &first);
    write(hosts.dir.path(), 8);
    write(hosts.dir.path(), 9);
    // One that was open all along does not take them for its own.
    assert_eq!(index.fold(FoldBudget::everything(), |_| true).unwrap_err().kind(), ErrorKind::Moved);
    assert_eq!((fold(&other), runs(&other)), (0, 6));
    assert_eq!(runs(&hosts.open()), 6);
    // The first one is there again.
    for file in log::list(hosts.dir.path()).unwrap() {
        std::fs::remove_file(file.path).unwrap();
    }
    write(hosts.dir.path(), 7);
    assert_eq!((hosts.open().place(), runs(&hosts.open())), (&first, 3));
}
