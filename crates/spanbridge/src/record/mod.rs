//! Records: immutable facts, the only thing that leaves a process.
//!
//! A record has two forms. A [`RecordView`] is borrowed and costs nothing: it is what a [sink](crate::Sink) walks over, and
//! what writes records out. A [`Record`] is a value of its own with public fields: it is what you get from a line of
//! JSON ([`Record::from_json`]) and from a store. [`RecordView::to_record`] and [`Record::view`] lead from one to the
//! other.
//!
//! Times are nanoseconds since the Unix epoch; JSON has them as RFC 3339. Readers ignore what they do not know.
//!
//! This module knows what records are and how they are encoded. The [recorder](crate::Recorder) makes and delivers them.

mod attributes;
mod convert;
mod decode;
mod json;
mod links;
mod make;
mod owned;
pub(crate) mod packed;
mod record_view;
mod span_view;
mod time;
mod view;
pub(crate) mod walk;
pub(crate) mod words;

pub use attributes::{AttributeValue, Attributes, AttributesIter, AttributesView};
pub use json::{RecordError, RecordErrorKind, SCHEMA_VERSION};
pub use links::{Link, LinkView, LinksIter, LinksView};
pub use record_view::RecordView;
pub use span_view::{EndView, SpanView};
pub use time::{format_time, parse_time};
pub use view::{
    ArtifactView, BodyView, DiagnosticView, EdgeView, EndpointView, EventView, IdView, RunEndView, RunResumeView,
    RunStartView, RunSuspendView, SegmentView, SpanAttributesView, SpanEndView,
};

use crate::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;

/// One immutable fact about a run, a segment, a span, an event, an artifact or an edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The record's id, if it is another than `<segmentId>-<segmentSeq>`.
    pub id: Option<Cow<'a, str>>,
    /// The run; absent only on diagnostics.
    pub run_id: Option<RunId>,
    /// The trace; absent only on diagnostics.
    pub trace_id: Option<TraceId>,
    /// The segment that recorded it.
    pub segment_id: SegmentId,
    /// Its number in the segment, from 1, without gaps.
    pub segment_seq: u64,
    /// The service that recorded it.
    pub service: Cow<'a, str>,
    /// What happened.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A recorder begins to work on a run: once per segment, before its other records.
    Segment {
        /// When.
        started_at: u64,
        /// Service, host and process.
        resource: Attributes<'a>,
        /// How the run came here.
        via: Via,
        /// The suspension that a resume continues.
        suspension_id: Option<Cow<'a, str>>,
        /// The resumption that the segment belongs to: the work between a resume and the next suspend or leave.
        resumption_id: Option<Cow<'a, str>>,
        /// The resumption before this one. Their order holds whatever the clocks say.
        previous_resumption_id: Option<Cow<'a, str>>,
    },
    /// A run begins.
    RunStart {
        /// The operation, as a user would name it.
        name: Cow<'a, str>,
        /// When.
        started_at: u64,
        /// What its first span is.
        root_primitive: Option<Cow<'a, str>>,
        /// The run this one was forked from.
        parent_run_id: Option<RunId>,
        /// The span, of another run, that caused it.
        triggered_by_span_id: Option<SpanId>,
        /// Attributes of the run.
        attributes: Attributes<'a>,
    },
    /// A run waits for something outside.
    RunSuspend {
        /// Names the suspension.
        suspension_id: Cow<'a, str>,
        /// When.
        suspended_at: u64,
        /// What for.
        reason: Option<Cow<'a, str>>,
    },
    /// A run goes on.
    RunResume {
        /// The suspension that is over.
        suspension_id: Cow<'a, str>,
        /// When.
        resumed_at: u64,
    },
    /// A run ends, because its owner says so. Never [`Status::Panicked`].
    RunEnd {
        /// When.
        ended_at: u64,
        /// How.
        status: Status,
        /// Why, in words.
        error: Option<Cow<'a, str>>,
    },
    /// A span begins; its end is a record of its own.
    SpanStart(Start<'a>),
    /// A span ends.
    SpanEnd {
        /// Which.
        span_id: SpanId,
        /// How and when.
        end: End<'a>,
        /// Attributes added since the start.
        attributes: Attributes<'a>,
    },
    /// A span that began and ended between two deliveries.
    Span(Start<'a>, End<'a>),
    /// Attributes added to a span that is still open.
    SpanAttributes {
        /// Which.
        span_id: SpanId,
        /// What was added.
        attributes: Attributes<'a>,
    },
    /// A point in time inside a span.
    Event {
        /// The span.
        span_id: SpanId,
        /// Names the event.
        event_id: Cow<'a, str>,
        /// What happened.
        name: Cow<'a, str>,
        /// When.
        timestamp: u64,
        /// Attributes of the event.
        attributes: Attributes<'a>,
    },
    /// A bounded preview of a payload, or a reference to one.
    Artifact(Artifact<'a>),
    /// A relation that is not the tree.
    Edge {
        /// One of the closed list of edge types, or `custom.*`.
        edge_type: Cow<'a, str>,
        /// From what.
        from: Endpoint<'a>,
        /// To what.
        to: Endpoint<'a>,
    },
    /// Something a reader should know about the recording itself: drops, truncations, malformed headers.
    Diagnostic {
        /// A stable code.
        code: Cow<'a, str>,
        /// A sentence.
        message: Cow<'a, str>,
        /// How often.
        count: Option<u64>,
        /// The span it is about.
        span_id: Option<SpanId>,
        /// Details.
        attributes: Attributes<'a>,
    },
}

/// The beginning of a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Start<'a> {
    /// The span.
    pub span_id: SpanId,
    /// The span that caused it.
    pub parent_span_id: Option<SpanId>,
    /// Its name.
    pub name: Cow<'a, str>,
    /// What kind of step it is; the family follows from it.
    pub primitive: Cow<'a, str>,
    /// Its role in a remote interaction.
    pub kind: Kind,
    /// When.
    pub started_at: u64,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Spans of other traces, or of this one, that belong to it without being its parent.
    pub links: Vec<Link<'a>>,
}

/// The end of a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct End<'a> {
    /// When.
    pub ended_at: u64,
    /// How.
    pub status: Status,
    /// Why, in words.
    pub error: Option<Cow<'a, str>>,
    /// The class of the error, one of few: OpenTelemetry's `error.type`. An attribute of that name that the span was given
    /// counts more: it was said on purpose.
    pub error_type: Option<Cow<'a, str>>,
}

/// A bounded preview of a payload, or a reference to one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Artifact<'a> {
    /// The span it belongs to.
    pub span_id: SpanId,
    /// Names the artifact.
    pub artifact_id: Cow<'a, str>,
    /// What it is to the span: `input`, `output`, or any other word.
    pub kind: Cow<'a, str>,
    /// Its media type.
    pub content_type: Cow<'a, str>,
    /// How the preview is encoded: `utf-8`, or `hex` for bytes that are not text.
    pub encoding: Cow<'a, str>,
    /// The size of the whole payload, in bytes.
    pub size_bytes: u64,
    /// A hash of the whole payload, as `<algorithm>:<hex>`.
    pub hash: Option<Cow<'a, str>>,
    /// The beginning of the payload.
    pub preview: Option<Cow<'a, str>>,
}

/// One end of an edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Endpoint<'a> {
    /// A span.
    Span {
        /// Its trace.
        trace_id: TraceId,
        /// Its id.
        span_id: SpanId,
    },
    /// A run.
    Run(RunId),
    /// An artifact.
    Artifact(Cow<'a, str>),
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
