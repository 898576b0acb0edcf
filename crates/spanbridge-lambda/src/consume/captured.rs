//! What is captured of the records of a batch.

use super::invocation::Invocation;
use crate::event::{Source, Written, written};
use spanbridge::messaging::{CaptureMode, CapturePolicy, Message, Step, UNKNOWN_TYPE};
use spanbridge::observe::Span;
use std::sync::OnceLock;

/// What is captured of the records.
pub(super) struct Captured<'a> {
    capture: CapturePolicy,
    source: Source,
    payload: &'a [u8],
    /// Once the first is recorded.
    records: OnceLock<Vec<Written<'a>>>,
}

impl<'a> Captured<'a> {
    /// Where something was said.
    pub(super) fn of(invocation: &'a Invocation) -> Option<Self> {
        let (capture, source) = (invocation.settings.capture.clone()?, invocation.event.source());
        let capture = if source.has_headers() { capture } else { capture.headers(CaptureMode::Off) };
        let payload = invocation.payload.as_deref().unwrap_or_default();
        Some(Captured { capture, source, payload, records: OnceLock::new() })
    }

    /// Whether the size of a record is an attribute of its span.
    pub(super) fn tells_size(&self) -> bool {
        self.capture.tells_size()
    }

    /// What is recorded of the texts of errors.
    pub(super) fn capture(&self) -> &CapturePolicy {
        &self.capture
    }

    /// Records what there is of the record at this place of the event.
    pub(super) fn record(&self, span: &Span, place: usize) {
        if span.id().is_none() || !self.capture.looks_at_messages() {
            return;
        }
        let records = self.records.get_or_init(|| written(self.source, self.payload));
        let Some(record) = records.get(place) else { return };
        let Some(body) = record.body() else {
            return self.capture.record_headers(span, "input.headers", |each| record.headers(each));
        };
        let content_type = record.content_type().unwrap_or(UNKNOWN_TYPE.into());
        let message = Message { step: Step::Process, content_type: &content_type, payload: &body };
        self.capture.record(span, &message, |each| record.headers(each))
    }
}
