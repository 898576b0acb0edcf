//! Which messages of a run failed for good.

use crate::hash::Set;
use crate::message::Senders;
use crate::model::{Edge, FailedWork, Run, RunStatus, Span, SpanStatus};
use spanbridge::SpanId;
use spanbridge::record::Endpoint;

/// What failed although the run succeeded.
pub(super) fn failed_work(run: &Run, spans: &[Span], edges: &[Edge]) -> FailedWork {
    let has_failed = |span: &Span| matches!(span.status, SpanStatus::Error | SpanStatus::Panicked);
    let failed: Vec<&Span> = spans.iter().filter(|span| has_failed(span) && span.is_delivery()).collect();
    if run.status != RunStatus::Ok || failed.is_empty() {
        return FailedWork::default();
    }
    let ends = |edge_type: &str| {
        let of = edges.iter().filter(|edge| edge.edge_type == edge_type);
        of.filter_map(|edge| Some((span_of(&edge.from)?, span_of(&edge.to)?))).collect::<Vec<_>>()
    };
    let retries = ends("retry.of");
    let repeated: Set<SpanId> = retries.iter().map(|(_, before)| *before).collect();
    let dead_lettered: Set<SpanId> = ends("dead_lettered.to").into_iter().map(|(from, _)| from).collect();
    let answered: Set<SpanId> = ends("replied.to").into_iter().map(|(_, question)| question).collect();
    let senders = Senders::new(run, spans);
    let failed_ids: Set<SpanId> = failed.iter().map(|span| span.span_id).collect();
    let mut work = FailedWork::default();
    for span in failed.into_iter().filter(|span| !repeated.contains(&span.span_id)) {
        if dead_lettered.contains(&span.span_id) {
            work.dead_lettered += 1;
        } else if senders.of(span).is_none_or(|sender| !answered.contains(&sender.span_id)) {
            work.failed += 1;
        }
    }
    // The last attempt of each message that had one which failed before.
    let mended = |(last, before): &&(SpanId, SpanId)| {
        !repeated.contains(last) && !failed_ids.contains(last) && failed_ids.contains(before)
    };
    work.recovered = retries.iter().filter(mended).count() as u64;
    work
}

fn span_of(endpoint: &Endpoint<'_>) -> Option<SpanId> {
    match endpoint {
        Endpoint::Span { span_id, .. } => Some(*span_id),
        _ => None,
    }
}
