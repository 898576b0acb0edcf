//! The beginning, the waits and the end of a run.

use super::converted::Converted;
use super::envelope::{Envelope, More};
use super::fields::Fields;
use super::{ids, span};
use spanbridge::Status;
use spanbridge::record::{RunEnd, RunResume, RunStart, RunSuspend};

type Result = std::result::Result<Converted, String>;

pub(super) fn start(envelope: Envelope, mut fields: Fields<'_>) -> Result {
    let name = fields.required_text("name")?;
    let started_at = fields.required_time("startedAt")?;
    let root_primitive = fields.text_or_stay("rootPrimitive");
    let parent = fields.peek_text("parentRunId");
    let trigger = fields.text_or_stay("triggeredBySpanId");
    span::drop_running(&mut fields);
    // The root of an operation is the operation.
    if fields.peek_text("operationId").is_some_and(|id| id == envelope.run_text) {
        fields.take("operationId");
    }
    let mut attributes = envelope.attributes(fields);
    if let Some(text) = trigger.as_ref().filter(|text| !ids::is_same(text, ids::span(text))) {
        attributes.text("crux.triggeredBySpanId", text.clone());
    }
    let start = RunStart::new(name, started_at)
        .with_root_primitive(root_primitive.map(Into::into))
        .with_parent_run_id(parent.map(|id| ids::run(&id)))
        .with_triggered_by_span_id(trigger.map(|id| ids::span(&id)))
        .with_attributes(attributes.done());
    Ok(Converted::Record { record: envelope.record(start), more: None })
}

/// A suspension has no id of theirs. One segment suspends a run once, so it is the segment's.
pub(super) fn suspend(envelope: Envelope, mut fields: Fields<'_>) -> Result {
    let suspended_at = fields.required_time("suspendedAt")?;
    let reason = fields.text_or_stay("reason");
    Envelope::drop_repeated(&mut fields);
    let suspend = RunSuspend::new(envelope.segment_text.clone(), suspended_at).with_reason(reason.map(Into::into));
    Ok(envelope.with_more(suspend, None, More { id: None, fields }))
}

pub(super) fn resume(envelope: Envelope, mut fields: Fields<'_>) -> Result {
    let resumed_at = fields.required_time("resumedAt")?;
    let previous = fields.text_or_stay("previousSegmentId");
    Envelope::drop_repeated(&mut fields);
    let suspension = previous.clone().unwrap_or_else(|| envelope.segment_text.clone());
    let converted = envelope.with_more(RunResume::new(suspension, resumed_at), None, More { id: None, fields });
    Ok(match (previous, converted) {
        (None, Converted::Record { record, more }) => Converted::Resumed { record, more },
        (_, converted) => converted,
    })
}

pub(super) fn end(envelope: Envelope, mut fields: Fields<'_>) -> Result {
    let ended_at = fields.required_time("endedAt")?;
    let error = span::error(&mut fields);
    let status = match span::status(&mut fields, error.is_some()) {
        Status::Panicked => Status::Error,
        status => status,
    };
    fields.take("durationMs");
    Envelope::drop_repeated(&mut fields);
    let text = error.and_then(|error| error.text).map(Into::into);
    Ok(envelope.with_more(RunEnd::new(ended_at, status).with_error(text), None, More { id: None, fields }))
}
