//! Runs that failed, and whose message was worked on again in another run.

use crate::build::Lost;
use crate::derive::edges_among;
use crate::gaps::unsettled_work;
use crate::hash::{Map, Set};
use crate::message::Senders;
use crate::model::{Graph, RunStatus, SpanStatus};
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SpanId};

/// What later attempts mended. See [`recovered_runs`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveredRuns {
    /// The runs that failed.
    pub runs: Vec<RunId>,
    /// How many messages they worked on.
    pub messages: u64,
}

/// Which of these runs failed, and are mended because the last attempt to work on their message, in another of these runs, succeeded.
///
/// A run is about the message that began it. Attempts are those of `retry.of`: of the same message, from the same queue or for the same
/// group. If the owner of a run ended it ok, it is mended only if nothing else failed in it.
pub fn recovered_runs(graphs: &[&Graph]) -> RecoveredRuns {
    let mut found = RecoveredRuns::default();
    let (mut later, mut dead) = (Map::default(), Set::default());
    for edge in edges_among(graphs) {
        let (Endpoint::Span { span_id: from, .. }, Endpoint::Span { span_id: to, .. }) = (&edge.from, &edge.to) else {
            continue;
        };
        match &*edge.edge_type {
            "retry.of" => drop(later.insert(*to, *from)),
            _ => drop(dead.insert(*from)),
        }
    }
    if later.is_empty() {
        return found;
    }
    let mut good: Map<SpanId, RunId> = Map::default();
    for graph in graphs {
        let lost = Lost::of(&graph.spans).spans;
        let is_good = |id: &SpanId| !lost.contains(id) && !dead.contains(id);
        let ended = graph.spans.iter().filter(|span| span.is_delivery() && span.status == SpanStatus::Ok);
        good.extend(ended.map(|span| span.span_id).filter(is_good).map(|span| (span, graph.run.run_id)));
    }
    let mut last_attempts = Set::default();
    for graph in graphs {
        let Some(message) = graph.run.triggered_by_span_id else { continue };
        let senders = Senders::new(&graph.run, &graph.spans);
        let work = graph.spans.iter().filter(|span| span.is_delivery());
        let work = work.filter(|span| senders.of(span).is_some_and(|sender| sender.span_id == message));
        let work: Set<SpanId> = work.map(|span| span.span_id).collect();
        let has_failed = match graph.run.status {
            RunStatus::Error => true,
            RunStatus::Ok => {
                let (lost, unsettled) = (Lost::of(&graph.spans).spans, unsettled_work(graph));
                let has_any = graph.run.failed_work.total() > 0 || !unsettled.is_empty();
                has_any
                    && graph.run.failed_work.dead_lettered == 0
                    && lost.is_subset(&work)
                    && unsettled.is_subset(&work)
            }
            _ => false,
        };
        let lasts: Set<SpanId> = work.iter().map(|attempt| last(*attempt, &later)).collect();
        let is_mended = |last: &SpanId| good.get(last).is_some_and(|run| *run != graph.run.run_id);
        if has_failed && !lasts.is_empty() && lasts.iter().all(is_mended) {
            found.runs.push(graph.run.run_id);
            last_attempts.extend(lasts);
        }
    }
    found.messages = last_attempts.len() as u64;
    found
}

/// The last attempt after this one.
fn last(mut attempt: SpanId, later: &Map<SpanId, SpanId>) -> SpanId {
    // Two runs may hold the same span, so it is not certain that this ends.
    for _ in 0..=later.len() {
        match later.get(&attempt) {
            Some(next) => attempt = *next,
            None => break,
        }
    }
    attempt
}
