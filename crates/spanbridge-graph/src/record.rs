//! What single records say: about which span, when, and what it is linked to.

use spanbridge::record::{Body, BodyView, End, EndpointView, LinksView, RecordView, SpanData};
use spanbridge::{RunId, SpanId, TraceId};

/// The run under which a record is found: its own, or that of its trace.
#[inline]
pub fn run_of<'r>(record: impl Into<RecordView<'r>>) -> Option<RunId> {
    let record = record.into();
    record.run_id().or(record.trace_id().map(RunId::of_trace))
}

/// When it happened, if the record says so.
#[inline]
pub fn time_of<'r>(body: impl Into<BodyView<'r>>) -> Option<u64> {
    match body.into() {
        BodyView::Span(span) => Some(span.started_at()),
        BodyView::SpanEnd(s) => Some(s.end().ended_at()),
        BodyView::Segment(s) => Some(s.started_at()),
        BodyView::RunStart(r) => Some(r.started_at()),
        BodyView::RunSuspend(r) => Some(r.suspended_at()),
        BodyView::RunResume(r) => Some(r.resumed_at()),
        BodyView::RunEnd(r) => Some(r.ended_at()),
        BodyView::Event(e) => Some(e.timestamp()),
        BodyView::Mutation(m) => m.committed_at(),
        _ => None,
    }
}

/// The span that starts or ends here.
#[inline]
pub fn span_of<'r>(body: impl Into<BodyView<'r>>) -> Option<SpanId> {
    match body.into() {
        BodyView::Span(span) => Some(span.span_id()),
        BodyView::SpanEnd(s) => Some(s.span_id()),
        _ => None,
    }
}

/// The span that a record is about.
pub(super) fn subject_of(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::SpanAttributes(added) => Some(added.span_id),
        Body::Event(event) => Some(event.span_id),
        Body::Artifact(artifact) => Some(artifact.span_id),
        Body::Diagnostic(diagnostic) => diagnostic.span_id,
        Body::Mutation(mutation) => mutation.span_id,
        _ => span_of(body),
    }
}

/// The start that a record holds.
pub(super) fn start_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r SpanData<'a>> {
    match body {
        Body::Span(start) => Some(start),
        _ => None,
    }
}

/// The end that a record holds.
pub(super) fn end_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r End<'a>> {
    match body {
        Body::SpanEnd(s) => Some(&s.end),
        Body::Span(span) => span.end.as_ref(),
        _ => None,
    }
}

/// The suspension that a record is about.
pub(super) fn suspension_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::RunSuspend(suspend) => Some(&suspend.suspension_id),
        Body::RunResume(resume) => Some(&resume.suspension_id),
        Body::Segment(segment) => segment.suspension_id.as_deref(),
        _ => None,
    }
}

/// The type of the edge that stands for a link which came after its span's start was delivered.
const LATE_LINK: &str = "custom.link";

/// The link that such an edge stands for: the span that has it, and what it leads to.
pub(super) fn late_link<'r>(body: impl Into<BodyView<'r>>) -> Option<(SpanId, (TraceId, SpanId))> {
    let BodyView::Edge(edge) = body.into() else { return None };
    match (edge.edge_type(), edge.from(), edge.to()) {
        (LATE_LINK, EndpointView::Span { span_id: from, .. }, EndpointView::Span { trace_id, span_id }) => {
            Some((from, (trace_id, span_id)))
        }
        _ => None,
    }
}

/// What the links of a record lead to. Nearly always empty.
#[inline]
pub fn links_of<'r>(body: impl Into<BodyView<'r>>) -> impl Iterator<Item = (TraceId, SpanId)> {
    let body = body.into();
    let (links, late) = match body {
        BodyView::Span(span) => (span.links(), None),
        BodyView::Edge(_) => (LinksView::default(), late_link(body)),
        _ => (LinksView::default(), None),
    };
    links.iter().map(|l| (l.trace_id, l.span_id)).chain(late.map(|(_, to)| to))
}

/// The span that has the links of a record.
pub fn linking_span_of<'r>(body: impl Into<BodyView<'r>>) -> Option<SpanId> {
    let body = body.into();
    match body {
        BodyView::Span(span) => Some(span.span_id()),
        _ => late_link(body).map(|(from, _)| from),
    }
}
