//! What only some spans have: by row, or a list of rows.

use super::columns::{Clock, Tables};
use super::order::{NONE, Order};
use super::relations::Related;
use crate::render::badges::is_rolled_back;
use crate::render::forest::{Forest, Hop};
use serde::{Serialize, Serializer};
use serde_json::Value;
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_graph::{Graph, Span, SpanStatus, SpanTimes};
use std::collections::HashMap;

/// How much of an error is sent, in characters, and how many different ones. The details have all.
const MAX_ERROR: usize = 160;
const MAX_ERRORS: usize = 2000;

/// Of how many events of a span it is sent when they were. The details have all.
const MAX_EVENT_TIMES: usize = 100;

/// Values by row, as an object with the rows as names.
pub(super) struct ByRow<T>(Vec<(u32, T)>);

impl<T> Default for ByRow<T> {
    fn default() -> Self {
        ByRow(Vec::new())
    }
}

impl<T> ByRow<T> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, row: u32, value: Option<T>) {
        self.0.extend(value.map(|value| (row, value)));
    }
}

impl<T: Serialize> Serialize for ByRow<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(row, value)| (row, value)))
    }
}

/// What only some spans have. What none has is left out.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sparse<'g> {
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    queued: ByRow<u64>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    suspended: ByRow<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skewed: Vec<u32>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    hop: ByRow<&'static str>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    destination: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    attempt: ByRow<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retry: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redelivered: Vec<u32>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    handoff: ByRow<&'g str>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    http_status: ByRow<i64>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    settlement: ByRow<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    folded: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dead_lettered: Vec<u32>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    dead_letter: ByRow<DeadLetter<'g>>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    batch: ByRow<i64>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    transaction: ByRow<&'g str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rolled_back: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    new_trace: Vec<u32>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    links: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    linked_from: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    events: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    event_times: ByRow<Vec<u64>>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    artifacts: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    orphan: ByRow<SpanId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    start_missing: Vec<u32>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    error: ByRow<usize>,
    #[serde(skip_serializing_if = "ByRow::is_empty")]
    run: ByRow<usize>,
}

/// Where a message died before it came here.
#[derive(Serialize)]
pub(super) struct DeadLetter<'g> {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'g str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'g str>,
}

impl<'g> Sparse<'g> {
    pub(super) fn of(
        graph: &'g Graph,
        forest: &Forest<'_>,
        order: &Order,
        times: &[SpanTimes],
        clock: &Clock,
        tables: &mut Tables<'g>,
    ) -> Self {
        let related = Related::of(graph);
        let mut artifacts: HashMap<SpanId, usize> = HashMap::new();
        graph.artifacts.iter().for_each(|artifact| *artifacts.entry(artifact.span_id).or_default() += 1);
        let mut out = Sparse::default();
        for (row, place) in order.iter() {
            let (span, times) = (&graph.spans[place], &times[place]);
            out.times(row, times);
            out.message(row, span, &related, forest, place);
            let code = integer(span, semconv::HTTP_RESPONSE_STATUS_CODE);
            out.http_status.add(row, code.or_else(|| integer(span, semconv::OLD_HTTP_STATUS_CODE)));
            out.destination.add(row, destination(span).map(|name| tables.destinations.number(name)));
            out.links.add(row, some(span.links.len()));
            out.linked_from.add(row, some(span.linked_from.len()));
            out.events.add(row, some(span.events.len()));
            let event_times = span.events.iter().take(MAX_EVENT_TIMES).map(|event| clock.since(event.timestamp));
            out.event_times.add(row, Some(event_times.collect()).filter(|times: &Vec<u64>| !times.is_empty()));
            out.artifacts.add(row, artifacts.get(&span.span_id).copied());
            out.orphan.add(row, span.parent_span_id.filter(|_| span.orphan));
            out.rolled_back.extend(is_rolled_back(span).then_some(row));
            out.start_missing.extend((!span.has_start).then_some(row));
            let error = error(span).filter(|_| tables.errors.len() < MAX_ERRORS);
            out.error.add(row, error.map(|text| tables.errors.number_of_cut(text, MAX_ERROR)));
            out.child_run(row, span, order, graph, &mut tables.runs);
        }
        let folded = forest.folded().iter().filter_map(|place| order.row(graph.spans[*place].span_id));
        out.folded = folded.collect();
        out
    }

    fn times(&mut self, row: u32, times: &SpanTimes) {
        self.queued.add(row, times.queued);
        self.suspended.add(row, Some(times.suspended).filter(|time| *time > 0));
        self.skewed.extend(times.clock_skew.then_some(row));
    }

    fn message(&mut self, row: u32, span: &'g Span, related: &Related, forest: &Forest<'_>, place: usize) {
        self.hop.add(
            row,
            match forest.hop(place) {
                Hop::None => None,
                Hop::Call => Some("call"),
                Hop::Queue => Some("queue"),
            },
        );
        self.new_trace.extend(forest.is_linked(place).then_some(row));
        self.attempt.add(row, integer(span, semconv::DELIVERY_ATTEMPT));
        let is_retry = related.retries.contains(&span.span_id);
        self.retry.extend(is_retry.then_some(row));
        self.redelivered.extend(is_true(span, semconv::DELIVERY_REDELIVERED).then_some(row));
        self.handoff.add(row, text(span, semconv::HANDOFF_STATUS));
        let settled = forest.settled(place);
        let words =
            settled.iter().map(|s| if s.count > 1 { format!("{} ×{}", s.word, s.count) } else { s.word.clone() });
        self.settlement.add(row, Some(words.collect()).filter(|words: &Vec<String>| !words.is_empty()));
        self.dead_lettered.extend(related.dead_lettered.contains(&span.span_id).then_some(row));
        // A message that came back to its queue is an attempt instead.
        let queue = text(span, semconv::DEAD_LETTER_QUEUE).filter(|_| !is_retry);
        let reason = text(span, semconv::DEAD_LETTER_REASON);
        let is_told = queue.is_some() || (reason.is_some() && !is_retry);
        let is_dead_letter = is_told || related.dead_letters.contains(&span.span_id);
        self.dead_letter.add(row, is_dead_letter.then_some(DeadLetter { queue, reason }));
        self.batch.add(row, integer(span, semconv::MESSAGING_BATCH_COUNT));
        self.transaction.add(row, text(span, semconv::TRANSACTION_ID));
    }

    /// Where the spans of a child run begin.
    fn child_run(
        &mut self,
        row: u32,
        span: &Span,
        order: &Order,
        graph: &spanbridge_graph::Graph,
        runs: &mut Vec<RunId>,
    ) {
        let above = match order.parents[row as usize] {
            NONE => graph.run.run_id,
            parent => graph.spans[order.spans[parent as usize]].run_id,
        };
        if runs.is_empty() {
            runs.push(graph.run.run_id);
        }
        if span.run_id != above {
            // The spans of a run stand together, so it is the last one, or new, or further up.
            let number = runs.iter().rposition(|run| *run == span.run_id).unwrap_or_else(|| {
                runs.push(span.run_id);
                runs.len() - 1
            });
            self.run.add(row, Some(number));
        }
    }
}

/// A number, unless it is 0.
fn some(n: usize) -> Option<usize> {
    Some(n).filter(|n| *n > 0)
}

fn text<'g>(span: &'g Span, key: &str) -> Option<&'g str> {
    span.attribute(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn integer(span: &Span, key: &str) -> Option<i64> {
    span.attribute(key).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
}

fn is_true(span: &Span, key: &str) -> bool {
    span.attribute(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The queue or the topic.
fn destination(span: &Span) -> Option<&str> {
    text(span, semconv::QUEUE_NAME).or_else(|| text(span, semconv::MESSAGING_DESTINATION_NAME))
}

/// The first line of the error, or its type.
fn error(span: &Span) -> Option<&str> {
    if span.status == SpanStatus::Ok {
        return None;
    }
    let words = span.error.as_deref().and_then(|error| error.lines().find(|line| !line.trim().is_empty()));
    words.or_else(|| text(span, semconv::ERROR_TYPE))
}
