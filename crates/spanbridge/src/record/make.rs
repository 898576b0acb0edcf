//! Making records, for importers and for stores that read what they kept.
//!
//! Records have public fields and may get more of them, so outside this crate they are made here and completed field by field.

use super::{Artifact, Attributes, Body, End, Link, Record, Start};
use crate::{Kind, Primitive, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;

impl<'a> Record<'a> {
    /// A record of no run: see [`of_run`](Record::of_run).
    pub fn new(segment_id: SegmentId, segment_seq: u64, service: impl Into<Cow<'a, str>>, body: Body<'a>) -> Self {
        let service = service.into();
        Record { id: None, run_id: None, trace_id: None, segment_id, segment_seq, service, body }
    }

    /// The same record, of this run and trace.
    pub fn of_run(self, run_id: Option<RunId>, trace_id: Option<TraceId>) -> Self {
        Record { run_id, trace_id, ..self }
    }

    /// The same record, under an id that is not ours.
    pub fn with_id(self, id: Option<Cow<'a, str>>) -> Self {
        Record { id, ..self }
    }
}

impl<'a> Start<'a> {
    /// The beginning of a root: an internal operation, without attributes and links.
    pub fn new(span_id: SpanId, name: impl Into<Cow<'a, str>>, started_at: u64) -> Self {
        Start {
            span_id,
            parent_span_id: None,
            name: name.into(),
            primitive: Cow::Borrowed(Primitive::OPERATION.name()),
            kind: Kind::default(),
            started_at,
            attributes: Attributes::new(),
            links: Vec::new(),
        }
    }
}

impl<'a> End<'a> {
    /// An end without an error.
    pub fn new(ended_at: u64, status: Status) -> Self {
        End { ended_at, status, error: None, error_type: None }
    }

    /// The same end, with the text and the class of an error where they are known.
    pub fn with_error(self, error: Option<Cow<'a, str>>, error_type: Option<Cow<'a, str>>) -> Self {
        End { error, error_type, ..self }
    }
}

impl<'a> Artifact<'a> {
    /// A reference to a payload of this size: without a hash and without a preview.
    pub fn new(
        span_id: SpanId,
        artifact_id: impl Into<Cow<'a, str>>,
        kind: impl Into<Cow<'a, str>>,
        content_type: impl Into<Cow<'a, str>>,
        size_bytes: u64,
    ) -> Self {
        let (artifact_id, kind, content_type) = (artifact_id.into(), kind.into(), content_type.into());
        let encoding = Cow::Borrowed("utf-8");
        Artifact { span_id, artifact_id, kind, content_type, encoding, size_bytes, hash: None, preview: None }
    }
}

impl<'a> Link<'a> {
    /// A link to a span.
    pub fn new(trace_id: TraceId, span_id: SpanId, attributes: Attributes<'a>) -> Self {
        Link { trace_id, span_id, attributes }
    }
}
