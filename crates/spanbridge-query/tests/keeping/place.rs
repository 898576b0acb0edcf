//! A store with runs of many ages.

use crate::common::*;
use spanbridge::record::*;
use spanbridge::{RunId, Status};
use spanbridge_query::keeping::{self, FoldBudget};
use spanbridge_query::{RunFilter, RunRow, Store};
use spanbridge_store::{Limits, StoreSink};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A temporary directory, and the path of a store in it.
pub(crate) fn directory() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    (dir, path)
}

/// Milliseconds from [`T0`] to so long ago.
pub(crate) fn ago(time: Duration) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - time;
    (now.as_nanos() as u64 - T0) / MS
}

/// A sink whose files are small, so that most are closed and removed once they are folded.
pub(crate) fn sink(path: &Path) -> StoreSink {
    StoreSink::open_with(path, Limits::new().file_bytes(4096)).unwrap()
}

/// Delivers records as one batch.
pub(crate) fn store(sink: &mut StoreSink, instance: u64, number: u64, records: &[Record<'_>]) {
    let receipt = sink.deliver_records(instance, number, records).unwrap();
    assert_eq!(receipt.rejected(), []);
}

/// Folds everything.
pub(crate) fn fold(path: &Path) {
    keeping::compact(path, FoldBudget::everything(), |_| true).unwrap();
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open(path).unwrap()
}

/// Every run with its row and its records.
pub(crate) fn contents(path: &Path) -> BTreeMap<RunId, (RunRow, Vec<String>)> {
    let store = open(path);
    let rows = store.runs(&RunFilter::default(), usize::MAX).unwrap();
    rows.into_iter().map(|row| (row.run_id, (row.clone(), records_of(&store, row.run_id)))).collect()
}

pub(crate) fn records_of(store: &Store, run: RunId) -> Vec<String> {
    let mut records = Vec::new();
    store.records(Some(run), |record| records.push(format!("{record:?}"))).unwrap();
    records
}

/// Numbers that look random.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = spanbridge_graph::hash::join(self.0, 7);
        self.0 % n
    }
}

/// Records of many runs, as they are delivered. Run `n` is old if `n` is odd.
pub(crate) fn deliveries(random: &mut Random, runs: u64) -> Vec<Vec<Record<'static>>> {
    let mut all: Vec<Vec<Record<'static>>> = (0..runs / 4).map(|_| Vec::new()).collect();
    for n in 1..=runs {
        let days = if n % 2 == 1 { 31 + random.below(30) } else { 1 + random.below(28) };
        let from = ago(DAY * days as u32);
        for record in records_of_run(random, n, from) {
            let at = random.below(all.len() as u64) as usize;
            all[at].push(record);
        }
    }
    all
}

pub(crate) fn records_of_run(random: &mut Random, n: u64, from: u64) -> Vec<Record<'static>> {
    let mut recording = Recording::of(run(u128::from(n)), n, ["shop", "mail", "bill"][random.below(3) as usize]);
    let parent = (random.below(3) == 0 && n > 2).then(|| 1 + random.below(n - 1));
    let parent = parent.map(|p| (run(u128::from(p)), span_id(p << 8)));
    let mut records = vec![recording.record(run_start("work", from, parent))];
    let spans = 1 + random.below(6);
    for k in 0..spans {
        let id = n << 8 | k;
        let mut span = start(id, if k == 0 { 0 } else { n << 8 }, "step", from + k);
        if random.below(5) == 0 {
            span.links = vec![Link::new(trace(u128::from(1 + random.below(n))), span_id(1 << 8), attributes(&[]))];
        }
        records.push(recording.record(Body::Span(span.with_end(Some(end(from + k + 3, Status::Ok))))));
    }
    match random.below(5) {
        0 => records.push(recording.run_end(from + 20, Status::Error)),
        1 => records.push(recording.record(Body::RunSuspend(RunSuspend::new("wait", T0 + (from + 20) * MS)))),
        2 => {}
        _ => records.push(recording.run_end(from + 20, Status::Ok)),
    }
    records
}

/// A store with such runs, some of them folded, in several folds.
pub(crate) fn filled(seed: u64, runs: u64) -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = directory();
    let mut random = Random(seed);
    let mut sinks = [sink(&path), sink(&path), sink(&path)];
    for (number, records) in deliveries(&mut random, runs).iter().enumerate() {
        if !records.is_empty() {
            let writer = random.below(3);
            store(&mut sinks[writer as usize], writer, number as u64, records);
        }
        if random.below(20) == 0 {
            fold(&path);
        }
    }
    (dir, path)
}
