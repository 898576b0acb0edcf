//! What a replay records, within a bound: a handler that tries again and again what is refused must not fill the memory.

use crate::stand_in::CaseStandIn;
use spanbridge::record::{Body, Record};
use spanbridge::{Receipt, RecordBatch, RunId, Sink, SinkError};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are kept: of each record its payload, and this much for the rest.
const ROOM: usize = 128 << 20;
const OF_RECORD: usize = 1024;

/// What was kept.
#[derive(Clone, Default)]
pub(super) struct Records(Arc<Mutex<Vec<Record<'static>>>>);

impl Records {
    /// Takes them out.
    pub(super) fn take(&self) -> Vec<Record<'static>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps records as long as there is room, and to the end those that the outcome is read from.
pub(super) struct Kept {
    records: Records,
    stand_in: Arc<CaseStandIn>,
    room: usize,
    /// The run of the replay: the first one.
    run: Option<RunId>,
}

impl Kept {
    pub(super) fn new(records: Records, stand_in: Arc<CaseStandIn>) -> Self {
        Kept { records, stand_in, room: ROOM, run: None }
    }

    fn takes(&mut self, record: &Record<'_>) -> bool {
        self.run = self.run.or(record.run_id);
        let payload = match &record.body {
            Body::Artifact(artifact) => artifact.preview.as_ref().map_or(0, |preview| preview.len()),
            _ => 0,
        };
        match self.room.checked_sub(OF_RECORD.saturating_add(payload)) {
            Some(left) => {
                self.room = left;
                true
            }
            None => self.is_needed(record),
        }
    }

    /// Whether it says how the handler, or the whole replay, ended.
    fn is_needed(&self, record: &Record<'_>) -> bool {
        match &record.body {
            Body::RunEnd(_) => record.run_id == self.run,
            Body::Span(span) => self.stand_in.entry() == Some(span.span_id),
            Body::SpanEnd(end) => self.stand_in.entry() == Some(end.span_id),
            _ => false,
        }
    }
}

impl Sink for Kept {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let mut rejected = vec![];
        let mut kept = vec![];
        for (place, record) in batch.records().enumerate() {
            if self.takes(&record) {
                kept.push(record.into_owned())
            } else {
                rejected.push((place, "the replay has recorded too much".to_owned()))
            }
        }
        self.records.0.lock().unwrap_or_else(PoisonError::into_inner).append(&mut kept);
        Ok(Receipt::rejecting(rejected))
    }

    fn name(&self) -> &str {
        "replay"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, Run, Span};
    use spanbridge::messaging::{CaptureMode, CapturePolicy};
    use spanbridge::{Primitive, Recorder, SpanId, observe};
    use std::time::Duration;

    /// A handler that records much more than there is room for: its end is told all the same.
    #[test]
    fn what_is_kept_is_bounded() {
        let entry = Span::new(SpanId::new(1).unwrap(), "process", "messaging.process");
        let case = Arc::new(Case::new(Run::new(RunId::new(1).unwrap(), "order"), entry));
        let stand_in = Arc::new(CaseStandIn::new(case));
        let records = Records::default();
        let kept = Kept { room: 100 << 10, ..Kept::new(records.clone(), stand_in.clone()) };
        let recorder = Recorder::builder("orders").stand_in(stand_in.clone()).sink(kept).build().unwrap();
        let policy = CapturePolicy::from(CaptureMode::Whole { max: 64 << 10 });
        recorder.in_scope(|| {
            let run = observe::run("replay").open();
            run.in_scope(|| {
                observe::span("process").primitive(Primitive::MESSAGING_PROCESS).in_scope_value(|| {
                    for _ in 0..200 {
                        let span = observe::span("again").open();
                        policy.record_payload(&span, "input", "text/plain", &[b'x'; 60 << 10]);
                        span.end()
                    }
                })
            });
            run.end()
        });
        recorder.shutdown(Duration::from_secs(10));
        let records = records.take();
        let text: usize = records.iter().map(|record| record.to_json().len()).sum();
        assert!(text < 200 << 10, "{text}");
        let ended = |record: &Record<'_>| match &record.body {
            Body::Span(span) => Some(span.span_id) == stand_in.entry() && span.end.is_some(),
            Body::SpanEnd(end) => Some(end.span_id) == stand_in.entry(),
            _ => false,
        };
        assert!(records.iter().any(ended));
        assert!(records.iter().any(|record| matches!(record.body, Body::RunEnd(_))));
    }
}
