//! The words beside a span's name: what became of the hand-off, which attempt it is, how it was settled.

use super::forest::{Forest, Hop};
use super::page::Ink;
use super::{text, time};
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_store::graph::{Graph, Span, SpanStatus};
use std::collections::{HashMap, HashSet};

/// A word beside a name.
pub(crate) type Badge = (Ink, String);

/// A name beside a name is not longer.
const NAME: usize = 32;

/// What the edges of a graph say about its spans.
#[derive(Default)]
pub(crate) struct Relations {
    retries: HashSet<SpanId>,
    dead_lettered: HashSet<SpanId>,
    dead_letters: HashSet<SpanId>,
    /// Answers, with what they answer.
    answers: HashMap<SpanId, SpanId>,
    questions: HashSet<SpanId>,
    /// What spans are called that others are linked to, or answer.
    names: HashMap<SpanId, String>,
    /// The first digits of linked runs; their names stand under the tree.
    runs: HashMap<RunId, String>,
    /// The runs that are linked to a span.
    linked_from: HashMap<SpanId, Vec<RunId>>,
}

impl Relations {
    pub(crate) fn of(graph: &Graph) -> Self {
        let span = |end: &Endpoint<'_>| match end {
            Endpoint::Span { span_id, .. } => Some(*span_id),
            _ => None,
        };
        let mut all = Self::default();
        for edge in &graph.edges {
            let (Some(from), Some(to)) = (span(&edge.from), span(&edge.to)) else { continue };
            match &*edge.edge_type {
                "retry.of" => drop(all.retries.insert(from)),
                "dead_lettered.to" => {
                    all.dead_lettered.insert(from);
                    all.dead_letters.insert(to);
                }
                "replied.to" => {
                    all.answers.insert(from, to);
                    all.questions.insert(to);
                }
                _ => {}
            }
        }
        let links = graph.spans.iter().flat_map(|s| &s.links);
        let named: HashSet<SpanId> = links.map(|l| l.span_id).chain(all.questions.iter().copied()).collect();
        if !named.is_empty() {
            let spans = graph.spans.iter().filter(|s| named.contains(&s.span_id) && !s.name.is_empty());
            all.names = spans.map(|s| (s.span_id, text::escape(&s.name).into_owned())).collect();
        }
        let runs = graph.linked_runs.iter();
        all.runs = runs.map(|l| (l.run.run_id, format!("{:.8}", l.run.run_id))).collect();
        for (span, run) in graph.linked_runs.iter().flat_map(|l| l.linked_span_ids.iter().map(|s| (*s, l.run.run_id))) {
            all.linked_from.entry(span).or_default().push(run);
        }
        all
    }
}

fn is_true(span: &Span, key: &str) -> bool {
    span.attribute(key).and_then(serde_json::Value::as_bool).unwrap_or(false)
}

fn number(span: &Span, key: &str) -> Option<i64> {
    span.attribute(key).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
}

/// The badges that do not depend on when things happened: equal siblings have equal ones.
pub(crate) fn lasting(forest: &Forest<'_>, relations: &Relations, i: usize) -> Vec<Badge> {
    let span = &forest.graph.spans[i];
    let mut out: Vec<Badge> = Vec::new();
    let mut add = |ink, word: &str| out.push((ink, word.to_owned()));
    let handoff = span.attribute(semconv::HANDOFF_STATUS).and_then(|v| v.as_str());
    match span.status {
        SpanStatus::Panicked => add(Ink::Bad, "panicked"),
        // A hand-off that was rolled back says so itself.
        SpanStatus::Cancelled if handoff != Some("rolled_back") => add(Ink::Warn, "cancelled"),
        SpanStatus::Ok | SpanStatus::Error | SpanStatus::Open | SpanStatus::Cancelled => {}
    }
    if let Some(status) = handoff {
        let ink = match status {
            "confirmed" | "sent" | "committed" => Ink::Dim,
            "rejected" | "returned" => Ink::Bad,
            _ => Ink::Warn,
        };
        add(ink, &text::escape(&status.replace('_', " ")));
    }
    match number(span, semconv::DELIVERY_ATTEMPT) {
        Some(n) if n > 1 => add(Ink::Warn, &format!("attempt {n}")),
        _ if relations.retries.contains(&span.span_id) => add(Ink::Warn, "retry"),
        // The broker says so, and whoever had it before has recorded nothing here.
        _ if is_true(span, semconv::DELIVERY_REDELIVERED) => add(Ink::Warn, "delivered again"),
        _ => {}
    }
    if let Some(code) = number(span, "http.response.status_code") {
        add(
            if code >= 500 {
                Ink::Bad
            } else if code >= 400 {
                Ink::Warn
            } else {
                Ink::Dim
            },
            &code.to_string(),
        );
    }
    for settled in forest.settled(i) {
        let ink = if matches!(&*settled.word, "ack" | "commit") { Ink::Dim } else { Ink::Warn };
        let times = if settled.count > 1 { format!(" ×{}", settled.count) } else { String::new() };
        add(ink, &format!("{}{times}", settled.word));
    }
    if relations.dead_lettered.contains(&span.span_id) {
        add(Ink::Bad, "dead-lettered");
    }
    for text in dead_letter(span, relations, forest.above(i)) {
        add(Ink::Warn, &text);
    }
    if let Some(question) = relations.answers.get(&span.span_id) {
        add(Ink::Dim, "answer");
        if let Some(name) = relations.names.get(question) {
            add(Ink::Dim, &format!("to {}", text::truncate(name, NAME)));
        }
    }
    if relations.questions.contains(&span.span_id) {
        add(Ink::Dim, "answered");
    }
    if let Some(count) = number(span, semconv::MESSAGING_BATCH_COUNT) {
        add(Ink::Dim, &format!("batch of {count}"));
    } else if forest.is_linked(i) {
        add(Ink::Dim, "new trace");
    }
    if let Some(text) = links(forest, relations, i) {
        add(Ink::Dim, &text);
    }
    if let Some(text) = linked_from(span, relations) {
        add(Ink::Dim, &text);
    }
    out
}

/// That a message died before it came here, of what, and where: what matters most comes first, for the last words are the
/// first to go where a line is full. What comes back to the queue where it was is an attempt, and what its sender has sent
/// along is history.
fn dead_letter(span: &Span, relations: &Relations, sender: Option<&Span>) -> Vec<String> {
    let death = |span: &Span| {
        [semconv::DEAD_LETTER_QUEUE, semconv::DEAD_LETTER_REASON, semconv::DEAD_LETTER_COUNT]
            .map(|key| span.attribute(key).cloned())
    };
    if sender.is_some_and(|sender| death(sender) == death(span)) && !relations.dead_letters.contains(&span.span_id) {
        return Vec::new();
    }
    let text = |key| span.attribute(key).and_then(|v| v.as_str()).map(text::escape);
    let queue = text(semconv::DEAD_LETTER_QUEUE).filter(|_| !relations.retries.contains(&span.span_id));
    if queue.is_none() && !relations.dead_letters.contains(&span.span_id) {
        return Vec::new();
    }
    let reason = text(semconv::DEAD_LETTER_REASON).map_or(String::new(), |r| format!(": {}", r.replace('_', " ")));
    let queue = queue.map(|queue| format!("from {}", text::truncate(&queue, NAME)));
    std::iter::once(format!("dead letter{reason}")).chain(queue).collect()
}

/// What a span is linked to, but for the sender that it stands under: one by its name, several by their number.
fn links(forest: &Forest<'_>, relations: &Relations, i: usize) -> Option<String> {
    let span = &forest.graph.spans[i];
    let above = forest.above(i).filter(|_| forest.is_linked(i)).map(|s| s.span_id);
    let mut others = span.links.iter().filter(|l| Some(l.span_id) != above);
    let first = others.next()?;
    let count = 1 + others.count();
    if span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some() {
        return Some(if count == 1 { "1 sender".into() } else { format!("{count} senders") });
    }
    if count > 1 {
        return Some(format!("{count} links"));
    }
    let run = || relations.runs.get(&RunId::of_trace(first.trace_id));
    Some(match relations.names.get(&first.span_id).or_else(run) {
        Some(name) => format!("linked to {}", text::truncate(name, NAME)),
        None => "1 link".into(),
    })
}

/// Which runs are linked to a span, but for those that it is linked to itself: one by its id, several by their number.
fn linked_from(span: &Span, relations: &Relations) -> Option<String> {
    let is_linked_to = |run: &RunId| span.links.iter().any(|l| RunId::of_trace(l.trace_id) == *run);
    let mut runs = relations.linked_from.get(&span.span_id)?.iter().filter(|run| !is_linked_to(run));
    let first = runs.next()?;
    Some(match runs.count() {
        0 => format!("linked from {first:.8}"),
        more => format!("linked from {} runs", more + 1),
    })
}

/// How long a job lay in its queue, where that is a good part of the whole. Not of later attempts: their time since
/// the hand-over holds the attempts before them.
pub(crate) fn waited(forest: &Forest<'_>, relations: &Relations, i: usize, whole: u64) -> Option<Badge> {
    let span = &forest.graph.spans[i];
    let again = number(span, semconv::DELIVERY_ATTEMPT).is_some_and(|n| n > 1)
        || relations.retries.contains(&span.span_id)
        || relations.dead_letters.contains(&span.span_id);
    if forest.hop(i) != Hop::Queue || again {
        return None;
    }
    let sent = forest.above(i)?;
    let since = sent.ended_at.filter(|end| *end <= span.started_at).unwrap_or(sent.started_at);
    let wait = span.started_at.saturating_sub(since);
    let long = wait >= 1_000_000_000 || (wait >= 1_000_000 && wait >= whole / 10);
    long.then(|| (Ink::Dim, format!("queued {}", time::duration(wait))))
}
