//! Hashes of each step, and of everything below it.

use super::hidden::Hidden;
use crate::causes::Causes;
use crate::hash::{Map, join, quick};
use crate::model::{Artifact, Graph, RunStatus, SpanStatus, SpanTimes};
use crate::sameness::{is_outcome, is_volatile, masked, value_print};
use serde_json::Value;
use spanbridge::SpanId;
use std::collections::BTreeMap;

/// One of the two sides.
pub(super) struct Prints<'c, 'g> {
    pub(super) causes: &'c Causes<'g>,
    /// Name and kind of step.
    pub(super) key: Vec<u64>,
    /// The same, with service and attributes, without those that say how it went.
    pub(super) own: Vec<u64>,
    /// How it went: status, error, and the attributes that say so.
    pub(super) outcome: Vec<u64>,
    /// The keys of the step and of all below it.
    pub(super) shape: Vec<u64>,
    /// Everything of the step and of all below it.
    pub(super) whole: Vec<u64>,
    /// How many steps there are, with those below.
    pub(super) size: Vec<u32>,
    /// Whether it or a step below it failed.
    pub(super) failed: Vec<bool>,
    /// What is not shown of very large runs.
    pub(super) hidden: Hidden,
    times: Vec<Vec<SpanTimes>>,
    /// The payloads of each graph by span.
    artifacts: Vec<Map<SpanId, Vec<&'g Artifact>>>,
}

impl<'c, 'g> Prints<'c, 'g> {
    pub(super) fn of(causes: &'c Causes<'g>) -> Self {
        let count = causes.len();
        let mut prints = Prints {
            causes,
            key: Vec::with_capacity(count),
            own: Vec::with_capacity(count),
            outcome: Vec::with_capacity(count),
            shape: Vec::with_capacity(count),
            whole: Vec::with_capacity(count),
            size: vec![1; count],
            failed: Vec::with_capacity(count),
            hidden: Hidden::of(causes),
            times: causes.graphs.iter().map(SpanTimes::of).collect(),
            artifacts: causes.graphs.iter().map(artifacts_by_span).collect(),
        };
        for node in 0..count {
            let key = join(text(causes.name(node)), text(primitive(causes, node)));
            let all = attributes(causes, node).iter().filter(|(key, _)| !is_volatile(key));
            // The order of attributes does not matter.
            let (mut own, mut outcome) = (join(key, text(causes.service(node))), text(status(causes, node)));
            for (key, value) in all {
                let sum = if is_outcome(key) { &mut outcome } else { &mut own };
                *sum = sum.wrapping_add(join(text(key), value_print(value)));
            }
            for (kind, payloads) in prints.artifacts(node) {
                let sum = if is_given(kind) { &mut own } else { &mut outcome };
                let all = payloads.iter().fold(text(kind), |all, payload| join(all, text(payload)));
                *sum = sum.wrapping_add(all);
            }
            outcome = join(outcome, error(causes, node).map_or(0, |error| text(&masked(error))));
            for (name, count) in happened(causes, node) {
                outcome = outcome.wrapping_add(join(text(&name), count as u64));
            }
            prints.key.push(key);
            prints.own.push(own);
            prints.outcome.push(outcome);
            prints.shape.push(key);
            prints.whole.push(join(own, outcome));
            prints.failed.push(is_failed(causes, node));
        }
        for node in causes.preorder().into_iter().rev().map(|node| node as usize) {
            // What was added up below this node is mixed with its own here, before it is added to its cause's.
            let Some(above) = causes.cause(node) else { continue };
            prints.shape[above] = prints.shape[above].wrapping_add(join(prints.shape[node], 1));
            prints.whole[above] = prints.whole[above].wrapping_add(join(prints.whole[node], 2));
            prints.size[above] = prints.size[above].saturating_add(prints.size[node]);
            prints.failed[above] |= prints.failed[node];
        }
        prints
    }

    /// The payloads of a step by kind: the size of each, and its hash if it has one.
    pub(super) fn artifacts(&self, node: usize) -> BTreeMap<&'g str, Vec<String>> {
        let of_graph = &self.artifacts[self.causes.graph_place(node)];
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        if of_graph.is_empty() {
            return kinds;
        }
        let of_span = self.causes.span(node).and_then(|span| of_graph.get(&span.span_id));
        for artifact in of_span.into_iter().flatten() {
            let size = match artifact.size_bytes {
                1 => "1 byte".to_owned(),
                bytes => format!("{bytes} bytes"),
            };
            let hash = artifact.hash.as_ref().map_or(String::new(), |hash| format!(", {hash}"));
            kinds.entry(&artifact.kind).or_default().push(size + &hash);
        }
        // Their order says nothing.
        kinds.values_mut().for_each(|payloads| payloads.sort_unstable());
        kinds
    }

    /// How long it worked itself, and how long its message was in the queue, if that is known.
    pub(super) fn times(&self, node: usize) -> (Option<u64>, Option<u64>) {
        let times =
            self.causes.place_in_graph(node).and_then(|span| self.times[self.causes.graph_place(node)].get(span));
        times.map_or((None, None), |times| (times.self_time, times.queued))
    }
}

fn artifacts_by_span(graph: &Graph) -> Map<SpanId, Vec<&Artifact>> {
    let mut all: Map<SpanId, Vec<&Artifact>> = Map::default();
    graph.artifacts.iter().for_each(|artifact| all.entry(artifact.span_id).or_default().push(artifact));
    all
}

/// Whether a payload of this kind was given to the step. Others say how it went.
pub(super) fn is_given(kind: &str) -> bool {
    kind == "input" || kind.starts_with("input.")
}

fn text(text: &str) -> u64 {
    quick(text.as_bytes())
}

pub(super) fn primitive<'g>(causes: &Causes<'g>, node: usize) -> &'g str {
    causes.span(node).map_or("run", |span| &span.primitive)
}

pub(super) fn attributes<'g>(causes: &Causes<'g>, node: usize) -> &'g [(String, Value)] {
    causes.span(node).map_or(&causes.run(node).attributes, |span| &span.attributes)
}

pub(super) fn error<'g>(causes: &Causes<'g>, node: usize) -> Option<&'g str> {
    causes.span(node).map_or(causes.run(node).error.as_deref(), |span| span.error.as_deref())
}

pub(super) fn status(causes: &Causes<'_>, node: usize) -> &'static str {
    causes.span(node).map_or(causes.run(node).status.as_str(), |span| span.status.as_str())
}

/// What happened in a step and how often: events by their names, and the waits of a run by their reasons.
pub(super) fn happened(causes: &Causes<'_>, node: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut add = |name: String| *counts.entry(name).or_default() += 1;
    match causes.span(node) {
        Some(span) => span.events.iter().for_each(|event| add(format!("event {}", event.name))),
        None => causes.run(node).suspensions.iter().for_each(|wait| {
            add(format!("suspended {}", masked(wait.reason.as_deref().unwrap_or_default())).trim_end().to_owned());
        }),
    }
    counts
}

pub(super) fn is_failed(causes: &Causes<'_>, node: usize) -> bool {
    match causes.span(node) {
        Some(span) => matches!(span.status, SpanStatus::Error | SpanStatus::Panicked),
        None => matches!(causes.run(node).status, RunStatus::Error | RunStatus::Conflicted),
    }
}
