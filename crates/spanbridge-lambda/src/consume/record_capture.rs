//! Captures the records of a batch.

use super::invocation::Invocation;
use crate::event::{RawRecord, Source, raw_records};
use spanbridge::messaging::{CaptureMode, CapturePolicy, Message, Step, UNKNOWN_TYPE};
use spanbridge::observe::Span;
use std::sync::OnceLock;

/// What is captured of the records of an event.
pub(super) struct RecordCapture<'a> {
    policy: CapturePolicy,
    source: Source,
    payload: &'a [u8],
    /// Read when the first record is captured.
    records: OnceLock<Vec<RawRecord<'a>>>,
}

impl<'a> RecordCapture<'a> {
    /// `None` unless the function has a capture policy.
    pub(super) fn of(invocation: &'a Invocation) -> Option<Self> {
        let (policy, source) = (invocation.settings.capture.clone()?, invocation.event.source());
        let policy = if source.has_headers() { policy } else { policy.headers(CaptureMode::Off) };
        let payload = invocation.payload.as_deref().unwrap_or_default();
        Some(RecordCapture { policy, source, payload, records: OnceLock::new() })
    }

    pub(super) fn policy(&self) -> &CapturePolicy {
        &self.policy
    }

    /// Captures the record at this place of the event.
    pub(super) fn record(&self, span: &Span, place: usize) {
        if span.id().is_none() || !self.policy.looks_at_messages() {
            return;
        }
        let records = self.records.get_or_init(|| raw_records(self.source, self.payload));
        let Some(record) = records.get(place) else { return };
        let Some(body) = record.body() else {
            return self.policy.record_headers(span, "input.headers", |each| record.headers(each));
        };
        let content_type = record.content_type().unwrap_or(UNKNOWN_TYPE.into());
        let message = Message { step: Step::Process, content_type: &content_type, payload: &body };
        self.policy.record(span, &message, |each| record.headers(each))
    }
}
