//! Which spans are the work of one handler.

use spanbridge::{Kind, SegmentId};
use spanbridge_graph::{Graph, Run, Span};
use std::collections::HashMap;

/// What is handed its input from outside, and can be handed it again.
const HANDLERS: [&str; 3] = ["messaging.process", "http.server", "function.handle"];

/// Whether a span is around the work on a message, a request or an event.
pub(super) fn is_handler(span: &Span) -> bool {
    HANDLERS.contains(&span.primitive.as_str())
}

/// The processes that recorded the segments of some runs.
#[derive(Default)]
pub(super) struct Processes(HashMap<SegmentId, (String, String)>);

impl Processes {
    pub(super) fn add(&mut self, run: &Run) {
        for segment in &run.segments {
            let value = |key: &str| {
                let found = segment.resource.iter().find(|(of, _)| of == key);
                found.map(|(_, value)| value.to_string()).unwrap_or_default()
            };
            let process = (value("host.name"), value("process.pid"));
            if !process.1.is_empty() {
                self.0.insert(segment.segment_id, process);
            }
        }
    }

    /// Whether one process recorded both. A process works on each run in segments of their own.
    pub(super) fn is_same(&self, one: &Span, other: &Span) -> bool {
        let process = |span: &Span| self.0.get(&span.segment_id);
        one.segment_id == other.segment_id || process(one).is_some_and(|of_one| Some(of_one) == process(other))
    }

    /// Whether a span is part of the work on the one above it: in the same process, and not the work on something that was sent.
    pub(super) fn is_part(&self, above: &Span, below: &Span) -> bool {
        let is_sent = matches!(
            (above.kind, below.kind),
            (Kind::Producer, Kind::Consumer) | (Kind::Client, Kind::Server) | (Kind::Client, Kind::Consumer)
        );
        !is_sent && self.is_same(above, below)
    }

    /// The places of a span and of all that is part of it, parents first. The spans of a graph are in that order.
    pub(super) fn parts(&self, graph: &Graph, entry: usize) -> Vec<usize> {
        let mut is_part = vec![false; graph.spans.len()];
        is_part[entry] = true;
        let mut parts = vec![entry];
        for (at, span) in graph.spans.iter().enumerate().skip(entry + 1) {
            let Some(above) = span.parent.filter(|above| is_part[*above]) else { continue };
            is_part[at] = self.is_part(&graph.spans[above], span);
            parts.extend(is_part[at].then_some(at));
        }
        parts
    }
}
