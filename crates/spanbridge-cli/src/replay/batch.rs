//! The work on the messages of a batch. Each message's span is below its sender, in the sender's run; the batch links to the senders.

use super::belonging::is_handler;
use super::run::RecordedRun;
use crate::answers::NoAnswer;
use spanbridge::{Kind, RunId, SpanId};
use spanbridge_graph::{LinkDirection, Span};
use spanbridge_query::Store;
use std::collections::{BTreeSet, HashSet};

/// How many runs of senders are read.
const MAX_RUNS: usize = 100;

/// The work on the messages of a batch, in the runs of their senders.
pub(super) struct Members {
    /// The span of the batch.
    pub(super) batch: SpanId,
    /// The run of a sender.
    pub(super) run: RecordedRun,
    /// The spans of the messages in it.
    pub(super) places: Vec<usize>,
}

/// The work on the messages of the batches among these spans.
pub(super) fn members(store: &Store, run: &RecordedRun, parts: &[usize]) -> Result<Vec<Members>, NoAnswer> {
    let mut all = Vec::new();
    for batch in parts.iter().map(|at| &run.graph.spans[*at]).filter(|span| is_batch(span)) {
        let senders: HashSet<SpanId> = batch.links.iter().map(|link| link.span_id).collect();
        let linked = run.graph.linked_runs.iter().filter(|linked| linked.direction != LinkDirection::From);
        let of_traces = batch.links.iter().map(|link| RunId::of_trace(link.trace_id));
        let own = std::iter::once(run.graph.run.run_id);
        let runs: BTreeSet<RunId> = own.chain(linked.map(|linked| linked.run.run_id)).chain(of_traces).collect();
        for of in runs.into_iter().take(MAX_RUNS) {
            let Some(mut sent) = RecordedRun::read(store, of)? else { continue };
            sent.processes.add(&run.graph.run);
            let is_member = |span: &Span| {
                is_handler(span)
                    && span.kind == Kind::Consumer
                    && span.parent_span_id.is_some_and(|sender| senders.contains(&sender))
                    && sent.processes.is_same(batch, span)
                    && (batch.started_at..=batch.ended_at.unwrap_or(u64::MAX)).contains(&span.started_at)
            };
            let spans = sent.graph.spans.iter().enumerate();
            let places: Vec<usize> = spans.filter(|(_, span)| is_member(span)).map(|(at, _)| at).collect();
            if !places.is_empty() {
                all.push(Members { batch: batch.span_id, run: sent, places });
            }
        }
    }
    Ok(all)
}

/// Whether a span is around the work on several messages.
fn is_batch(span: &Span) -> bool {
    is_handler(span) && span.kind == Kind::Consumer && !span.links.is_empty()
}
