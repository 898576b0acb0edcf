//! The words beside a span's name: what became of the hand-off, which attempt it is, how it was settled.

use super::forest::{Forest, Hop};
use super::page::Ink;
use super::{text, time};
use spanbridge::SpanId;
use spanbridge::record::Endpoint;
use spanbridge_store::graph::{Graph, Span, SpanStatus};
use std::collections::HashSet;

/// A word beside a name.
pub(crate) type Badge = (Ink, String);

/// What the edges of a graph say about its spans.
pub(crate) struct Relations {
    retries: HashSet<SpanId>,
    dead_lettered: HashSet<SpanId>,
    dead_letters: HashSet<SpanId>,
}

impl Relations {
    pub(crate) fn of(graph: &Graph) -> Self {
        let ends = |edge_type: &str, from: bool| {
            let edges = graph.edges.iter().filter(|e| e.edge_type == edge_type);
            edges
                .filter_map(|e| match if from { &e.from } else { &e.to } {
                    Endpoint::Span { span_id, .. } => Some(*span_id),
                    _ => None,
                })
                .collect()
        };
        Self {
            retries: ends("retry.of", true),
            dead_lettered: ends("dead_lettered.to", true),
            dead_letters: ends("dead_lettered.to", false),
        }
    }
}

/// The value of an attribute; the last of its key counts.
pub(crate) fn attribute<'s>(span: &'s Span, key: &str) -> Option<&'s serde_json::Value> {
    span.attributes.iter().rfind(|(k, _)| k == key).map(|(_, v)| v)
}

fn number(span: &Span, key: &str) -> Option<i64> {
    attribute(span, key).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
}

/// The badges that do not depend on when things happened: equal siblings have equal ones.
pub(crate) fn lasting(forest: &Forest<'_>, relations: &Relations, i: usize) -> Vec<Badge> {
    let span = &forest.graph.spans[i];
    let mut out: Vec<Badge> = Vec::new();
    let mut add = |ink, word: &str| out.push((ink, word.to_owned()));
    let handoff = attribute(span, "spanbridge.handoff.status").and_then(|v| v.as_str());
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
    match number(span, "spanbridge.delivery.attempt") {
        Some(n) if n > 1 => add(Ink::Warn, &format!("attempt {n}")),
        _ if relations.retries.contains(&span.span_id) => add(Ink::Warn, "retry"),
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
    if relations.dead_letters.contains(&span.span_id) {
        add(Ink::Warn, "dead letter");
    }
    match span.links.len() {
        _ if forest.is_linked(i) => add(Ink::Dim, "new trace"),
        0 => {}
        1 => add(Ink::Dim, "1 link"),
        n => add(Ink::Dim, &format!("{n} links")),
    }
    out
}

/// How long a job lay in its queue, where that is a good part of the whole. Not of later attempts: their time since
/// the hand-over holds the attempts before them.
pub(crate) fn waited(forest: &Forest<'_>, relations: &Relations, i: usize, whole: u64) -> Option<Badge> {
    let span = &forest.graph.spans[i];
    let again = number(span, "spanbridge.delivery.attempt").is_some_and(|n| n > 1)
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
