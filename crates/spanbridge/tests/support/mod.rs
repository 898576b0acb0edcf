//! What the tests of the recorder share.
#![allow(clippy::allow_attributes, dead_code, unused_imports, reason = "no test file uses all of it")]

mod spans;

pub(crate) use spans::{Seen, by_name, shown, somewhere, spans, tree};

use spanbridge::record::{Body, Record, RunEnd, RunStart, RunSuspend};
use spanbridge::{Memory, Recorder, RecorderBuilder, Report, SegmentId, Status};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Longer than anything here takes, so that a test which hangs says so.
pub(crate) const LONG: Duration = Duration::from_secs(if cfg!(miri) { 1200 } else { 60 });

/// Bytes of a chunk of the recording buffers, and its header.
pub(crate) const CHUNK: usize = 32 * 1024 + 64;

/// Of sizes that show something, a smaller one for Miri.
pub(crate) const fn size(normal: u64, miri: u64) -> u64 {
    if cfg!(miri) { miri } else { normal }
}

/// A recorder that delivers to memory when it is told to.
pub(crate) fn recorder() -> (Recorder, Memory) {
    with(|b| b.on_flush_only())
}

/// A recorder that delivers to memory, set up otherwise.
pub(crate) fn with(set_up: impl FnOnce(RecorderBuilder) -> RecorderBuilder) -> (Recorder, Memory) {
    let memory = Memory::new();
    let recorder = set_up(Recorder::builder("test").sink(memory.clone())).build().unwrap();
    (recorder, memory)
}

/// What `f` records, delivered at once.
pub(crate) fn record(f: impl FnOnce()) -> Vec<Record<'static>> {
    let (recorder, memory) = recorder();
    recorder.in_scope(f);
    flush(&recorder);
    memory.take()
}

#[track_caller]
pub(crate) fn flush(recorder: &Recorder) -> Report {
    let report = recorder.flush_blocking(LONG);
    assert!(report.complete, "{report:?}");
    report
}

/// Waits for something that another thread will bring about.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LONG, "waited in vain for {what}");
        std::thread::yield_now()
    }
}

/// Every segment begins with its own record and counts up without gaps.
#[track_caller]
pub(crate) fn gap_free(records: &[Record<'_>]) {
    let mut next: HashMap<SegmentId, u64> = HashMap::new();
    for r in records.iter().filter(|r| r.run_id.is_some()) {
        let n = next.entry(r.segment_id).or_default();
        *n += 1;
        assert_eq!(r.segment_seq, *n, "{r:?}");
        assert_eq!(matches!(r.body, Body::Segment(_)), *n == 1, "{r:?}");
    }
}

/// The records of runs, in words.
pub(crate) fn lifecycle(records: &[Record<'_>]) -> Vec<String> {
    let status = |s: &Status| s.name();
    let mut out = vec![];
    for r in records {
        match &r.body {
            Body::RunStart(RunStart { name, .. }) => out.push(format!("start {name}")),
            Body::RunSuspend(RunSuspend { reason, .. }) => {
                out.push(format!("suspend {}", reason.as_deref().unwrap_or("?")))
            }
            Body::RunResume(_) => out.push("resume".to_owned()),
            Body::RunEnd(RunEnd { status: s, error: None, .. }) => out.push(format!("end {}", status(s))),
            Body::RunEnd(RunEnd { status: s, error: Some(e), .. }) => {
                out.push(format!("end {}: {}", status(s), somewhere(e)))
            }
            _ => {}
        }
    }
    out
}
