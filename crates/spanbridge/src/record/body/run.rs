//! What records say about a run and its segments.

use super::text::owned;
use crate::record::Attributes;
use crate::{RunId, SpanId, Status};
use std::borrow::Cow;

/// A recorder begins to work on a run: once per segment, before its other records.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// When, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// Service, host and process.
    pub resource: Attributes<'a>,
    /// How the run came here.
    pub via: Via,
    /// The suspension that a resume continues.
    pub suspension_id: Option<Cow<'a, str>>,
    /// The resumption that the segment belongs to: the work between a resume and the next suspend or leave.
    pub resumption_id: Option<Cow<'a, str>>,
    /// The resumption before this one. Their order holds whatever the clocks say.
    pub previous_resumption_id: Option<Cow<'a, str>>,
}

/// How a run came to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Via {
    /// It began here.
    Start,
    /// It was suspended and goes on here.
    Resume,
    /// It arrived with a message or a call.
    Receive,
}

/// A run begins.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunStart<'a> {
    /// The operation, as a user would name it.
    pub name: Cow<'a, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// What its first span is.
    pub root_primitive: Option<Cow<'a, str>>,
    /// The run this one was forked from.
    pub parent_run_id: Option<RunId>,
    /// The span, of another run, that caused it.
    pub triggered_by_span_id: Option<SpanId>,
    /// Attributes of the run.
    pub attributes: Attributes<'a>,
}

/// Attributes were added to a run that is still open.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunAttributes<'a> {
    /// What was added.
    pub attributes: Attributes<'a>,
}

/// A run waits for something outside.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunSuspend<'a> {
    /// Names the suspension.
    pub suspension_id: Cow<'a, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub suspended_at: u64,
    /// What for.
    pub reason: Option<Cow<'a, str>>,
}

/// A run goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunResume<'a> {
    /// The suspension that is over.
    pub suspension_id: Cow<'a, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub resumed_at: u64,
}

/// A run ends, because its owner says so.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunEnd<'a> {
    /// When, in nanoseconds since the Unix epoch.
    pub ended_at: u64,
    /// How; never [`Status::Panicked`].
    pub status: Status,
    /// Why, in words.
    pub error: Option<Cow<'a, str>>,
}

impl<'a> Segment<'a> {
    /// The beginning of a segment that continues no suspension.
    pub fn new(started_at: u64, resource: Attributes<'a>, via: Via) -> Self {
        let (suspension_id, resumption_id, previous_resumption_id) = (None, None, None);
        Segment { started_at, resource, via, suspension_id, resumption_id, previous_resumption_id }
    }

    /// The same segment, continuing this suspension.
    pub fn with_suspension_id(self, suspension_id: Option<Cow<'a, str>>) -> Self {
        Segment { suspension_id, ..self }
    }

    /// The same segment, belonging to this resumption.
    pub fn with_resumption_id(self, resumption_id: Option<Cow<'a, str>>) -> Self {
        Segment { resumption_id, ..self }
    }

    /// The same segment, coming after this resumption.
    pub fn with_previous_resumption_id(self, previous_resumption_id: Option<Cow<'a, str>>) -> Self {
        Segment { previous_resumption_id, ..self }
    }

    pub(super) fn into_owned(self) -> Segment<'static> {
        Segment {
            started_at: self.started_at,
            resource: self.resource.into_owned(),
            via: self.via,
            suspension_id: self.suspension_id.map(owned),
            resumption_id: self.resumption_id.map(owned),
            previous_resumption_id: self.previous_resumption_id.map(owned),
        }
    }
}

impl<'a> RunStart<'a> {
    /// The beginning of a run that nothing caused, without attributes.
    pub fn new(name: impl Into<Cow<'a, str>>, started_at: u64) -> Self {
        let (root_primitive, parent_run_id, triggered_by_span_id) = (None, None, None);
        let (name, attributes) = (name.into(), Attributes::new());
        RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes }
    }

    /// The same start, with the primitive of the run's first span.
    pub fn with_root_primitive(self, root_primitive: Option<Cow<'a, str>>) -> Self {
        RunStart { root_primitive, ..self }
    }

    /// The same start, of a run that was forked from this one.
    pub fn with_parent_run_id(self, parent_run_id: Option<RunId>) -> Self {
        RunStart { parent_run_id, ..self }
    }

    /// The same start, of a run that this span caused.
    pub fn with_triggered_by_span_id(self, triggered_by_span_id: Option<SpanId>) -> Self {
        RunStart { triggered_by_span_id, ..self }
    }

    /// The same start, with these attributes.
    pub fn with_attributes(self, attributes: Attributes<'a>) -> Self {
        RunStart { attributes, ..self }
    }

    pub(super) fn into_owned(self) -> RunStart<'static> {
        RunStart {
            name: owned(self.name),
            started_at: self.started_at,
            root_primitive: self.root_primitive.map(owned),
            parent_run_id: self.parent_run_id,
            triggered_by_span_id: self.triggered_by_span_id,
            attributes: self.attributes.into_owned(),
        }
    }
}

impl<'a> RunAttributes<'a> {
    /// What was added.
    pub fn new(attributes: Attributes<'a>) -> Self {
        RunAttributes { attributes }
    }

    pub(super) fn into_owned(self) -> RunAttributes<'static> {
        RunAttributes { attributes: self.attributes.into_owned() }
    }
}

impl<'a> RunSuspend<'a> {
    /// A suspension without a reason.
    pub fn new(suspension_id: impl Into<Cow<'a, str>>, suspended_at: u64) -> Self {
        RunSuspend { suspension_id: suspension_id.into(), suspended_at, reason: None }
    }

    /// The same suspension, with what the run waits for.
    pub fn with_reason(self, reason: Option<Cow<'a, str>>) -> Self {
        RunSuspend { reason, ..self }
    }

    pub(super) fn into_owned(self) -> RunSuspend<'static> {
        RunSuspend {
            suspension_id: owned(self.suspension_id),
            suspended_at: self.suspended_at,
            reason: self.reason.map(owned),
        }
    }
}

impl<'a> RunResume<'a> {
    /// The end of a suspension.
    pub fn new(suspension_id: impl Into<Cow<'a, str>>, resumed_at: u64) -> Self {
        RunResume { suspension_id: suspension_id.into(), resumed_at }
    }

    pub(super) fn into_owned(self) -> RunResume<'static> {
        RunResume { suspension_id: owned(self.suspension_id), resumed_at: self.resumed_at }
    }
}

impl<'a> RunEnd<'a> {
    /// An end without an error's text.
    pub fn new(ended_at: u64, status: Status) -> Self {
        RunEnd { ended_at, status, error: None }
    }

    /// The same end, with the text of an error.
    pub fn with_error(self, error: Option<Cow<'a, str>>) -> Self {
        RunEnd { error, ..self }
    }

    pub(super) fn into_owned(self) -> RunEnd<'static> {
        RunEnd { ended_at: self.ended_at, status: self.status, error: self.error.map(owned) }
    }
}
