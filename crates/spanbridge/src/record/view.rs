//! What a record says, borrowed: plain values that are decoded when someone asks.
//!
//! Nothing here owns memory, so looking at a record allocates nothing. Attributes and links are decoded one by one as
//! they are iterated.

use super::Via;
use super::attributes::AttributesView;
use super::mutation_view::MutationView;
use super::span_view::{EndView, SpanView};
use crate::{RunId, SpanId, Status, TraceId};
use std::borrow::Cow;
use std::fmt;

/// What a record says, borrowed from where it stands. The owned form is [`Body`](super::Body).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BodyView<'a> {
    /// A recorder begins to work on a run: once per segment, before its other records.
    Segment(SegmentView<'a>),
    /// A run begins.
    RunStart(RunStartView<'a>),
    /// Attributes were added to a run that is still open.
    RunAttributes(RunAttributesView<'a>),
    /// A run waits for something outside.
    RunSuspend(RunSuspendView<'a>),
    /// A run goes on.
    RunResume(RunResumeView<'a>),
    /// A run ends.
    RunEnd(RunEndView<'a>),
    /// A span begins, and ends too if [`SpanView::end`] is there. Otherwise its end is a record of its own.
    Span(SpanView<'a>),
    /// A span ends whose start is an earlier record.
    SpanEnd(SpanEndView<'a>),
    /// Attributes were added to a span that is still open.
    SpanAttributes(SpanAttributesView<'a>),
    /// A point in time inside a span.
    Event(EventView<'a>),
    /// A bounded preview of a payload, or a reference to one.
    Artifact(ArtifactView<'a>),
    /// A row of a database was changed.
    Mutation(MutationView<'a>),
    /// A relation that is not the tree.
    Edge(EdgeView<'a>),
    /// Something a reader should know about the recording itself.
    Diagnostic(DiagnosticView<'a>),
}

macro_rules! views {
    ($($(#[$of:meta])* pub struct $view:ident<'a> { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => { $(
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $view<'a> {
            $(pub(super) $field: $type,)*
        }

        impl<'a> $view<'a> {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $field(self) -> $type {
                    self.$field
                }
            )*
        }
    )* };
}

views! {
    /// A recorder begins to work on a run. The owned form is [`Segment`](super::Segment).
    pub struct SegmentView<'a> {
        /// When, in nanoseconds since the Unix epoch.
        started_at: u64,
        /// Service, host and process.
        resource: AttributesView<'a>,
        /// How the run came here.
        via: Via,
        /// The suspension that a resume continues.
        suspension_id: Option<IdView<'a>>,
        /// Names the work between this resume and the next suspend or leave.
        resumption_id: Option<IdView<'a>>,
        /// The resumption before this one, whatever the clocks say.
        previous_resumption_id: Option<IdView<'a>>,
    }

    /// A run begins. The owned form is [`RunStart`](super::RunStart).
    pub struct RunStartView<'a> {
        /// The operation, as a user would name it.
        name: &'a str,
        /// When, in nanoseconds since the Unix epoch.
        started_at: u64,
        /// What its first span is.
        root_primitive: Option<&'a str>,
        /// The run this one was forked from.
        parent_run_id: Option<RunId>,
        /// The span, of another run, that caused it.
        triggered_by_span_id: Option<SpanId>,
        /// Attributes of the run.
        attributes: AttributesView<'a>,
    }

    /// Attributes were added to a run that is still open. The owned form is [`RunAttributes`](super::RunAttributes).
    pub struct RunAttributesView<'a> {
        /// What was added.
        attributes: AttributesView<'a>,
    }

    /// A run waits for something outside. The owned form is [`RunSuspend`](super::RunSuspend).
    pub struct RunSuspendView<'a> {
        /// Names the suspension.
        suspension_id: &'a str,
        /// When, in nanoseconds since the Unix epoch.
        suspended_at: u64,
        /// What for.
        reason: Option<&'a str>,
    }

    /// A run goes on. The owned form is [`RunResume`](super::RunResume).
    pub struct RunResumeView<'a> {
        /// The suspension that is over.
        suspension_id: &'a str,
        /// When, in nanoseconds since the Unix epoch.
        resumed_at: u64,
    }

    /// A run ends, because its owner says so. The owned form is [`RunEnd`](super::RunEnd).
    pub struct RunEndView<'a> {
        /// When, in nanoseconds since the Unix epoch.
        ended_at: u64,
        /// How.
        status: Status,
        /// Why, in words.
        error: Option<&'a str>,
    }

    /// A span ends whose start is an earlier record. The owned form is [`SpanEnd`](super::SpanEnd).
    pub struct SpanEndView<'a> {
        /// Which span.
        span_id: SpanId,
        /// How and when.
        end: EndView<'a>,
        /// Attributes added since the start.
        attributes: AttributesView<'a>,
    }

    /// Attributes were added to a span that is still open. The owned form is [`SpanAttributes`](super::SpanAttributes).
    pub struct SpanAttributesView<'a> {
        /// Which span.
        span_id: SpanId,
        /// What was added.
        attributes: AttributesView<'a>,
    }

    /// A point in time inside a span. The owned form is [`Event`](super::Event).
    pub struct EventView<'a> {
        /// The span.
        span_id: SpanId,
        /// Names the event.
        event_id: IdView<'a>,
        /// What happened.
        name: &'a str,
        /// When, in nanoseconds since the Unix epoch.
        timestamp: u64,
        /// Attributes of the event.
        attributes: AttributesView<'a>,
    }

    /// A bounded preview of a payload, or a reference to one. The owned form is [`Artifact`](super::Artifact).
    pub struct ArtifactView<'a> {
        /// The span it belongs to.
        span_id: SpanId,
        /// Names the artifact.
        artifact_id: IdView<'a>,
        /// What it is to the span: `input`, `output`, or any other word.
        kind: &'a str,
        /// Its media type.
        content_type: &'a str,
        /// How the preview is encoded: `utf-8`, or `hex` for bytes that are not text.
        encoding: &'a str,
        /// The size of the whole payload, in bytes.
        size_bytes: u64,
        /// A hash of the whole payload, as `<algorithm>:<hex>`.
        hash: Option<&'a str>,
        /// The beginning of the payload.
        preview: Option<&'a str>,
    }

    /// A relation that is not the tree. The owned form is [`Edge`](super::Edge).
    pub struct EdgeView<'a> {
        /// One of the closed list of edge types, or `custom.*`.
        edge_type: &'a str,
        /// From what.
        from: EndpointView<'a>,
        /// To what.
        to: EndpointView<'a>,
    }

    /// Something a reader should know about the recording itself. The owned form is [`Diagnostic`](super::Diagnostic).
    pub struct DiagnosticView<'a> {
        /// A stable code.
        code: &'a str,
        /// A sentence.
        message: &'a str,
        /// How often.
        count: Option<u64>,
        /// The span it is about.
        span_id: Option<SpanId>,
        /// Details.
        attributes: AttributesView<'a>,
    }
}

/// One end of an edge. The owned form is [`Endpoint`](super::Endpoint).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum EndpointView<'a> {
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
    Artifact(&'a str),
}

/// The id of an event, an artifact, a suspension or a resumption: the recorder's are numbers, others' may be any text.
///
/// Its text (`Display`, [`IdView::to_text`]) is the same before and after it was written and read.
#[derive(Clone, Copy)]
pub struct IdView<'a>(Id<'a>);

#[derive(Clone, Copy)]
enum Id<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> IdView<'a> {
    pub(crate) fn number(id: u64) -> Self {
        Self(Id::Number(id))
    }

    /// The id as text, without allocating: `buffer` is where the sixteen digits of a number go.
    #[inline]
    pub fn as_str<'b>(self, buffer: &'b mut [u8; 16]) -> &'b str
    where
        'a: 'b,
    {
        match self.0 {
            Id::Text(text) => text,
            Id::Number(id) => {
                crate::context::ids::put_hex(&id.to_be_bytes(), buffer);
                std::str::from_utf8(buffer).unwrap_or_default()
            }
        }
    }

    /// The id as text.
    pub fn to_text(self) -> Cow<'a, str> {
        match self.0 {
            Id::Text(text) => Cow::Borrowed(text),
            Id::Number(_) => Cow::Owned(self.to_string()),
        }
    }
}

impl<'a> From<&'a str> for IdView<'a> {
    fn from(text: &'a str) -> Self {
        Self(Id::Text(text))
    }
}

impl fmt::Display for IdView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str(&mut [0; 16]))
    }
}

impl fmt::Debug for IdView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(&mut [0; 16]), f)
    }
}

/// Equal where the text is.
impl PartialEq for IdView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str(&mut [0; 16]) == other.as_str(&mut [0; 16])
    }
}
