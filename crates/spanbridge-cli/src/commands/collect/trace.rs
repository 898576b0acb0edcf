//! The collector's own work is recorded in the place that it collects into.

use super::destination::Destination;
use crate::failure::Failure;
use spanbridge::{Receipt, RecordBatch, Recorder, SinkError};
use spanbridge_cli::place::Place;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

const SERVICE: &str = "spanbridge-collect";

/// How often records are stored. A database does not like small inserts.
const INTERVAL: Duration = Duration::from_secs(10);

/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(5);

/// Records until it is dropped.
pub(super) struct Trace {
    recorder: Recorder,
    /// Ends the thread when it is dropped.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Trace {
    pub(super) fn begin(place: Place) -> Result<Self, Failure> {
        let mut destination = Destination::open(place)?;
        // Nothing is recorded of this: there is no span around it.
        let sink = move |batch: &RecordBatch| {
            let report =
                destination.store(batch.records().collect()).map_err(|error| SinkError::new(error.to_string()))?;
            let rejected = report.rejected.into_iter();
            Ok(Receipt::rejecting(rejected.filter_map(|(at, why)| Some((usize::try_from(at).ok()?, why))).collect()))
        };
        let failed =
            |what: &dyn std::fmt::Display| Failure::NotFound(format!("record the collector's own work: {what}"));
        let recorder = Recorder::builder(SERVICE).on_flush_only().sink(sink).install().map_err(|e| failed(&e))?;
        let (end, ended) = channel();
        let flushing = recorder.clone();
        let flush = move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                flushing.flush_blocking(INTERVAL);
            }
        };
        let thread = std::thread::Builder::new().name("spanbridge-trace".to_owned()).spawn(flush);
        let thread = thread.map_err(|e| failed(&e))?;
        Ok(Self { recorder, end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.recorder.flush_blocking(LAST);
    }
}
