//! The words beside a span's name: the result of the hand-off, the attempt, the settlement, and more.

use super::forest::Forest;
use super::page::TextStyle;
use super::{text, time};
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_graph::{Category, Graph, Span, SpanStatus, SpanTimes};
use std::collections::{HashMap, HashSet};

/// A word beside a name.
pub(crate) type Badge = (TextStyle, String);

/// Maximum width of another name in a badge.
const MAX_NAME_WIDTH: usize = 32;

/// What the edges of a graph say about its spans.
#[derive(Default)]
pub(crate) struct Relations {
    retries: HashSet<SpanId>,
    dead_lettered: HashSet<SpanId>,
    dead_letters: HashSet<SpanId>,
    /// Replies, with what they reply to.
    replies: HashMap<SpanId, SpanId>,
    requests: HashSet<SpanId>,
    /// The names of spans that others link or reply to.
    names: HashMap<SpanId, String>,
    /// The first digits of the ids of linked runs. Their names are below the tree.
    runs: HashMap<RunId, String>,
    /// The runs that link to a span.
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
                    all.replies.insert(from, to);
                    all.requests.insert(to);
                }
                _ => {}
            }
        }
        let links = graph.spans.iter().flat_map(|s| &s.links);
        let named: HashSet<SpanId> = links.map(|l| l.span_id).chain(all.requests.iter().copied()).collect();
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

/// The badges that do not depend on times. Equal siblings have equal ones.
pub(crate) fn timeless(forest: &Forest<'_>, relations: &Relations, i: usize) -> Vec<Badge> {
    let span = &forest.graph.spans[i];
    let mut out: Vec<Badge> = Vec::new();
    let mut add = |style, word: &str| out.push((style, word.to_owned()));
    let handoff = span.attribute(semconv::HANDOFF_STATUS).and_then(|v| v.as_str());
    match span.status {
        SpanStatus::Panicked => add(TextStyle::Error, "panicked"),
        // A hand-off that was rolled back says that instead.
        SpanStatus::Cancelled if handoff != Some("rolled_back") => add(TextStyle::Warning, "cancelled"),
        _ => {}
    }
    if let Some(status) = handoff {
        let style = match status {
            "confirmed" | "sent" | "committed" => TextStyle::Dim,
            "rejected" | "returned" => TextStyle::Error,
            _ => TextStyle::Warning,
        };
        add(style, &text::escape(&status.replace('_', " ")));
    }
    match number(span, semconv::DELIVERY_ATTEMPT) {
        Some(n) if n > 1 => add(TextStyle::Warning, &format!("attempt {n}")),
        _ if relations.retries.contains(&span.span_id) => add(TextStyle::Warning, "retry"),
        // The broker says so, and the delivery before is not recorded here.
        _ if is_true(span, semconv::DELIVERY_REDELIVERED) => add(TextStyle::Warning, "delivered again"),
        _ => {}
    }
    let code = number(span, semconv::HTTP_RESPONSE_STATUS_CODE);
    if let Some(code) = code.or_else(|| number(span, semconv::OLD_HTTP_STATUS_CODE)) {
        add(
            if code >= 500 {
                TextStyle::Error
            } else if code >= 400 {
                TextStyle::Warning
            } else {
                TextStyle::Dim
            },
            &code.to_string(),
        );
    }
    for settled in forest.settled(i) {
        let style = if matches!(&*settled.word, "ack" | "commit") { TextStyle::Dim } else { TextStyle::Warning };
        let times = if settled.count > 1 { format!(" ×{}", settled.count) } else { String::new() };
        add(style, &format!("{}{times}", settled.word));
    }
    if relations.dead_lettered.contains(&span.span_id) {
        add(TextStyle::Error, "dead-lettered");
    }
    for text in dead_letter(span, relations, forest.above(i)) {
        add(TextStyle::Warning, &text);
    }
    if is_rolled_back(span) {
        add(TextStyle::Warning, "rolled back");
    }
    if let Some(request) = relations.replies.get(&span.span_id) {
        add(TextStyle::Dim, "reply");
        if let Some(name) = relations.names.get(request) {
            add(TextStyle::Dim, &format!("to {}", text::truncate(name, MAX_NAME_WIDTH)));
        }
    }
    if relations.requests.contains(&span.span_id) {
        add(TextStyle::Dim, "replied");
    }
    if let Some(count) = number(span, semconv::MESSAGING_BATCH_COUNT) {
        add(TextStyle::Dim, &format!("batch of {count}"));
    } else if forest.is_linked(i) {
        add(TextStyle::Dim, "new trace");
    }
    if let Some(text) = links(forest, relations, i) {
        add(TextStyle::Dim, &text);
    }
    if let Some(text) = linked_from(span, relations) {
        add(TextStyle::Dim, &text);
    }
    out
}

/// Whether the span is a transaction of a database, or a statement in one, that was rolled back.
pub(crate) fn is_rolled_back(span: &Span) -> bool {
    span.attribute(semconv::DB_TRANSACTION).and_then(|how| how.as_str()) == Some("rolled_back")
}

/// What kind of work it is, unless the name of the step says so: work on messages, or anything else.
pub(crate) fn category(span: &Span) -> Option<&'static str> {
    match span.category() {
        Category::Message | Category::Settlement | Category::Step => None,
        category => Some(category.label()),
    }
}

/// Says that a message was dead-lettered before it came here, with the reason and the queue. The most important comes first,
/// since a full line loses its last badges. A message that came back to its queue is an attempt instead. Dead-lettering that
/// its sender already sent along does not count.
fn dead_letter(span: &Span, relations: &Relations, sender: Option<&Span>) -> Vec<String> {
    let dead_lettering = |span: &Span| {
        [semconv::DEAD_LETTER_QUEUE, semconv::DEAD_LETTER_REASON, semconv::DEAD_LETTER_COUNT]
            .map(|key| span.attribute(key).cloned())
    };
    if sender.is_some_and(|sender| dead_lettering(sender) == dead_lettering(span))
        && !relations.dead_letters.contains(&span.span_id)
    {
        return Vec::new();
    }
    let text = |key| span.attribute(key).and_then(|v| v.as_str()).map(text::escape);
    let queue = text(semconv::DEAD_LETTER_QUEUE).filter(|_| !relations.retries.contains(&span.span_id));
    if queue.is_none() && !relations.dead_letters.contains(&span.span_id) {
        return Vec::new();
    }
    let reason = text(semconv::DEAD_LETTER_REASON).map_or(String::new(), |r| format!(": {}", r.replace('_', " ")));
    let queue = queue.map(|queue| format!("from {}", text::truncate(&queue, MAX_NAME_WIDTH)));
    std::iter::once(format!("dead letter{reason}")).chain(queue).collect()
}

/// What a span links to, without the sender that it stands below: one by its name, several by their number.
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
        Some(name) => format!("linked to {}", text::truncate(name, MAX_NAME_WIDTH)),
        None => "1 link".into(),
    })
}

/// Which runs link to a span, without those that it links to itself: one by its id, several by their number.
fn linked_from(span: &Span, relations: &Relations) -> Option<String> {
    let is_linked_to = |run: &RunId| span.links.iter().any(|l| RunId::of_trace(l.trace_id) == *run);
    let mut runs = relations.linked_from.get(&span.span_id)?.iter().filter(|run| !is_linked_to(run));
    let first = runs.next()?;
    Some(match runs.count() {
        0 => format!("linked from {first:.8}"),
        more => format!("linked from {} runs", more + 1),
    })
}

/// How long a message waited in its queue, if that is a good part of the shown time; or that nobody knows, because clocks contradict
/// each other.
pub(crate) fn waited(times: &SpanTimes, shown_time: u64) -> Option<Badge> {
    if times.clock_skew {
        return Some((TextStyle::Warning, "clocks disagree".to_owned()));
    }
    let wait = times.queued?;
    let long = wait >= 1_000_000_000 || (wait >= 1_000_000 && wait >= shown_time / 10);
    long.then(|| (TextStyle::Dim, format!("queued {}", time::duration(wait))))
}
