//! What single records say: about which span, when, and what it is linked to.

use spanbridge::record::{Body, End, Endpoint, Record, Start};
use spanbridge::{RunId, SpanId, TraceId};

/// The run under which a record is found: its own, or that of its trace.
pub(crate) fn run_of(record: &Record<'_>) -> Option<RunId> {
    record.run_id.or(record.trace_id.map(RunId::of_trace))
}

/// When it happened, if the record says so.
pub(crate) fn time_of(body: &Body<'_>) -> Option<u64> {
    match body {
        Body::Segment { started_at, .. } | Body::RunStart { started_at, .. } => Some(*started_at),
        Body::RunSuspend { suspended_at, .. } => Some(*suspended_at),
        Body::RunResume { resumed_at, .. } => Some(*resumed_at),
        Body::RunEnd { ended_at, .. } => Some(*ended_at),
        Body::SpanStart(start) | Body::Span(start, _) => Some(start.started_at),
        Body::SpanEnd { end, .. } => Some(end.ended_at),
        Body::Event { timestamp, .. } => Some(*timestamp),
        _ => None,
    }
}

/// The span that starts or ends here.
pub(crate) fn span_of(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::SpanStart(start) | Body::Span(start, _) => Some(start.span_id),
        Body::SpanEnd { span_id, .. } => Some(*span_id),
        _ => None,
    }
}

/// The span that a record is about.
pub(super) fn subject_of(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::SpanAttributes { span_id, .. } | Body::Event { span_id, .. } => Some(*span_id),
        Body::Artifact(artifact) => Some(artifact.span_id),
        Body::Diagnostic { span_id, .. } => *span_id,
        _ => span_of(body),
    }
}

/// The start that a record holds.
pub(super) fn start_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r Start<'a>> {
    match body {
        Body::SpanStart(start) | Body::Span(start, _) => Some(start),
        _ => None,
    }
}

/// The end that a record holds.
pub(super) fn end_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r End<'a>> {
    match body {
        Body::SpanEnd { end, .. } | Body::Span(_, end) => Some(end),
        _ => None,
    }
}

/// The suspension that a record is about.
pub(super) fn suspension_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::RunSuspend { suspension_id, .. } | Body::RunResume { suspension_id, .. } => Some(suspension_id),
        Body::Segment { suspension_id, .. } => suspension_id.as_deref(),
        _ => None,
    }
}

/// The type of the edge that stands for a link which came after its span's start was delivered.
const LATE_LINK: &str = "custom.link";

/// The link that such an edge stands for: the span that has it, and what it leads to.
pub(super) fn late_link(body: &Body<'_>) -> Option<(SpanId, (TraceId, SpanId))> {
    match body {
        Body::Edge {
            edge_type,
            from: Endpoint::Span { span_id: from, .. },
            to: Endpoint::Span { trace_id, span_id },
        } if edge_type == LATE_LINK => Some((*from, (*trace_id, *span_id))),
        _ => None,
    }
}

/// What the links of a record lead to. Called for every record that is stored; nearly always empty.
#[inline]
pub(crate) fn links_of<'r>(body: &'r Body<'_>) -> impl Iterator<Item = (TraceId, SpanId)> + 'r {
    let (links, late) = match body {
        Body::SpanStart(start) | Body::Span(start, _) => (&start.links[..], None),
        Body::Edge { .. } => (&[][..], late_link(body)),
        _ => (&[][..], None),
    };
    links.iter().map(|l| (l.trace_id, l.span_id)).chain(late.map(|(_, to)| to))
}
