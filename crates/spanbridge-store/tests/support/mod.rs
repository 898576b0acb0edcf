//! Short ways to write logs and to read them.
#![allow(dead_code, reason = "each test binary uses some of it")]

use spanbridge::record::*;
use spanbridge::{RunId, SegmentId};
use spanbridge_store::StoreSink;
use spanbridge_store::log::{self, BatchId, LogName, LogReader, Step};
use std::path::Path;

/// Records that name a delivery: its text is what comes back.
pub(crate) fn records(text: &str, count: usize) -> Vec<Record<'static>> {
    let segment = SegmentId::new(1).unwrap();
    let body = |n: usize| RunSuspend::new(format!("{text} {n}"), 7);
    (0..count)
        .map(|n| Record::new(segment, n as u64, "orders", body(n)).of_run(RunId::new(7 << 64 | 7), None))
        .collect()
}

/// A delivery as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) name: LogName,
    pub(crate) batch: Option<BatchId>,
    /// What its records say; of a diagnostic its code, its count and its message.
    pub(crate) said: Vec<String>,
}

/// Everything in a store. Damage fails the test.
pub(crate) fn read(directory: &Path) -> Vec<Read> {
    read_with_rests(directory).0
}

/// Everything in a store, and the incomplete ends of its files.
pub(crate) fn read_with_rests(directory: &Path) -> (Vec<Read>, Vec<u64>) {
    let (mut all, mut rests) = (Vec::new(), Vec::new());
    for file in log::list(directory).unwrap() {
        let mut reader = LogReader::open(&file.path, 0).unwrap();
        loop {
            match reader.step().unwrap() {
                Step::Frame(frame) => {
                    let mut said = Vec::new();
                    frame.records(|record| said.push(text(&record))).unwrap();
                    assert_eq!(said.len() as u64, frame.directory.records);
                    all.push(Read { name: file.name, batch: frame.directory.batch, said });
                }
                Step::Damaged { from, to, why } => panic!("{}: {from} to {to}: {why}", file.name),
                Step::End { rest, .. } => {
                    rests.extend((rest > 0).then_some(rest));
                    break;
                }
            }
        }
    }
    (all, rests)
}

fn text(record: &Record<'_>) -> String {
    match &record.body {
        Body::RunSuspend(suspended) => suspended.suspension_id.to_string(),
        Body::Diagnostic(told) => format!("{} {:?} {}", told.code, told.count.unwrap_or(0), told.message),
        other => format!("{other:?}"),
    }
}

/// Writes a delivery of one record.
pub(crate) fn deliver(sink: &mut StoreSink, instance: u64, number: u64, text: &str) {
    let receipt = sink.deliver_records(instance, number, &records(text, 1)).unwrap();
    assert_eq!(receipt.rejected(), []);
}

/// What was said in the deliveries of batches, and by diagnostics.
pub(crate) fn said(directory: &Path) -> Vec<String> {
    read(directory).into_iter().flat_map(|delivery| delivery.said).collect()
}
