//! What the tests of export share.

use spanbridge::{Memory, Recorder, RecorderBuilder, Report, observe};
use spanbridge_otel::{ExportCounter, Telemetry, WithTelemetry};
use std::time::{Duration, Instant};

/// Longer than anything here takes, so that a test which hangs says so.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The time limit of a request that is never answered: longer than the test that shows that nobody waits for it.
pub(crate) const FOREVER: Duration = Duration::from_secs(300);

/// A recorder with this telemetry that delivers when it is told to.
pub(crate) fn recorder(telemetry: Telemetry) -> Recorder {
    builder(telemetry).on_flush_only().build().unwrap()
}

pub(crate) fn builder(telemetry: Telemetry) -> RecorderBuilder {
    Recorder::builder("recorded").with_telemetry(telemetry).unwrap()
}

/// The same with a sink that keeps every record.
pub(crate) fn with_memory(telemetry: Telemetry) -> (RecorderBuilder, Memory) {
    let memory = Memory::new();
    (Recorder::builder("recorded").sink(memory.clone()).with_telemetry(telemetry).unwrap(), memory)
}

/// Records spans of these names, each a run of its own.
pub(crate) fn record(recorder: &Recorder, names: &[&'static str]) {
    recorder.in_scope(|| names.iter().for_each(|name| observe::span(*name).in_scope(|| ())))
}

/// Records a span that fails.
pub(crate) fn record_failure(recorder: &Recorder, name: &'static str) {
    let _ = recorder.in_scope(|| observe::span(name).in_scope(|| Err::<(), _>("no paper")));
}

#[track_caller]
pub(crate) fn flush(recorder: &Recorder) -> Report {
    let report = recorder.flush_blocking(LONG);
    assert!(report.complete, "{report:?}");
    report
}

/// Accepted, lost, not chosen, waiting.
pub(crate) fn counts(counter: &ExportCounter) -> [u64; 4] {
    let counts = counter.counts();
    [counts.accepted, counts.lost, counts.not_chosen, counts.waiting]
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
