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
mod body;
mod convert;
mod decode;
mod json;
mod links;
mod mutation_view;
pub(crate) mod packed;
mod record_view;
mod span_view;
mod time;
mod view;
pub(crate) mod walk;
pub(crate) mod words;

pub use attributes::{AttributeValue, Attributes, AttributesIter, AttributesView};
pub use body::{
    Artifact, Body, Diagnostic, Edge, End, Endpoint, Event, Mutation, MutationOp, RunAttributes, RunEnd, RunResume,
    RunStart, RunSuspend, Segment, SpanAttributes, SpanData, SpanEnd, Via,
};
pub use json::{RecordError, RecordErrorKind, SCHEMA_VERSION};
pub use links::{Link, LinkView, LinksIter, LinksView};
pub use mutation_view::{ColumnsView, MutationView};
pub use record_view::RecordView;
pub use span_view::{EndView, SpanView};
pub use time::{format_time, parse_time};
pub use view::{
    ArtifactView, BodyView, DiagnosticView, EdgeView, EndpointView, EventView, IdView, RunAttributesView, RunEndView,
    RunResumeView, RunStartView, RunSuspendView, SegmentView, SpanAttributesView, SpanEndView,
};

use crate::{RunId, SegmentId, TraceId};
use std::borrow::Cow;

/// One immutable fact about a run, a segment, a span, an event, an artifact, a row of a database or an edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The record's id, if it is another than `<segmentId>-<segmentSeq>`.
    pub id: Option<Cow<'a, str>>,
    /// The run; absent only on diagnostics and mutations.
    pub run_id: Option<RunId>,
    /// The trace; absent only on diagnostics and mutations.
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

impl<'a> Record<'a> {
    /// A record of no run: see [`of_run`](Record::of_run).
    pub fn new(
        segment_id: SegmentId,
        segment_seq: u64,
        service: impl Into<Cow<'a, str>>,
        body: impl Into<Body<'a>>,
    ) -> Self {
        let (service, body) = (service.into(), body.into());
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

    /// The same record, borrowing nothing. Allocates for each borrowed text.
    pub fn into_owned(self) -> Record<'static> {
        Record {
            id: self.id.map(|id| Cow::Owned(id.into_owned())),
            run_id: self.run_id,
            trace_id: self.trace_id,
            segment_id: self.segment_id,
            segment_seq: self.segment_seq,
            service: Cow::Owned(self.service.into_owned()),
            body: self.body.into_owned(),
        }
    }
}
