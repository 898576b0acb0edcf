//! A delivery as it is stored: blocks of records, and a directory to find things in them.
//!
//! The directory is a handful of columns beside the delivery's number, so that a look-up reads no more than it needs:
//! which runs are there (the heads of their ids, sorted; the tails apart), which traces and parent runs they mention and
//! which traces they are linked to, the heads of the ids of the spans, sorted within each block, and what the delivery says
//! of each run in sum. Such [`Aggregate`]s merge in any order, so nothing depends on who wrote first.

mod aggregate;
mod assemble;
mod directory;

pub(crate) use aggregate::{Aggregate, Verdict};
pub(crate) use assemble::{Assembler, Delivery};
pub(crate) use directory::{Aggregates, BlockList, IdPairs, RunIds, run_heads_hold};

use spanbridge::record::{Body, Endpoint, Record};
use spanbridge::{RunId, SpanId, TraceId};

/// The run under which a record is found: its own, or that of its trace.
pub(crate) fn key_of(record: &Record<'_>) -> Option<RunId> {
    record.run_id.or(record.trace_id.map(RunId::of_trace))
}

/// When it happened, of records that say so.
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

/// The type of edge that stands for a link which came after its span's start was delivered.
const LINK_EDGE: &str = "custom.link";

/// The link that such an edge stands for: of which span, and to what.
pub(crate) fn late_link(body: &Body<'_>) -> Option<(SpanId, (TraceId, SpanId))> {
    match body {
        Body::Edge {
            edge_type,
            from: Endpoint::Span { span_id: from, .. },
            to: Endpoint::Span { trace_id, span_id },
        } if edge_type == LINK_EDGE => Some((*from, (*trace_id, *span_id))),
        _ => None,
    }
}

/// What the links lead to that a record tells of. Asked of every record that is stored, and nearly always nothing.
#[inline]
pub(crate) fn links_of<'r>(body: &'r Body<'_>) -> impl Iterator<Item = (TraceId, SpanId)> + 'r {
    let (links, late) = match body {
        Body::SpanStart(start) | Body::Span(start, _) => (&start.links[..], None),
        Body::Edge { .. } => (&[][..], late_link(body)),
        _ => (&[][..], None),
    };
    links.iter().map(|l| (l.trace_id, l.span_id)).chain(late.map(|(_, to)| to))
}

/// The span whose beginning or end this is.
pub(crate) fn span_of(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::SpanStart(start) | Body::Span(start, _) => Some(start.span_id),
        Body::SpanEnd { span_id, .. } => Some(*span_id),
        _ => None,
    }
}
