//! How a handler ended: in its record, and in the records of a replay.

use crate::case::Case;
use crate::report::Outcome;
use spanbridge::record::{Body, End, Record};
use spanbridge::{SpanId, semconv};
use std::collections::HashMap;

/// A span, as far as it tells how something ended.
struct Node<'a> {
    name: &'a str,
    parent: Option<SpanId>,
    status: &'a str,
    error: Option<&'a str>,
    error_type: Option<&'a str>,
}

impl Node<'_> {
    fn failed(&self) -> bool {
        matches!(self.status, "error" | "panicked")
    }
}

/// Spans in the order in which they began.
pub(super) struct Spans<'a> {
    places: HashMap<SpanId, usize>,
    nodes: Vec<Node<'a>>,
}

impl<'a> Spans<'a> {
    /// Those of a case.
    pub(super) fn recorded(case: &'a Case) -> Self {
        let spans = case.spans();
        let node = |span: &'a crate::case::Span| Node {
            name: &span.name,
            parent: span.parent_span_id,
            status: &span.status,
            error: span.error.as_deref(),
            error_type: span.error_type.as_deref().or(span.text(semconv::ERROR_TYPE)),
        };
        Spans {
            places: spans.iter().enumerate().map(|(place, span)| (span.span_id, place)).collect(),
            nodes: spans.iter().map(node).collect(),
        }
    }

    /// Those that a replay has recorded.
    pub(super) fn replayed(records: &'a [Record<'_>]) -> Self {
        let mut spans = Spans { places: HashMap::new(), nodes: vec![] };
        let mut starts: Vec<_> = records
            .iter()
            .filter_map(|record| match &record.body {
                Body::Span(span) => Some(span),
                _ => None,
            })
            .collect();
        starts.sort_by_key(|span| span.started_at);
        for span in starts {
            spans.places.insert(span.span_id, spans.nodes.len());
            spans.nodes.push(Node {
                name: &span.name,
                parent: span.parent_span_id,
                status: "open",
                error: None,
                error_type: None,
            });
            if let Some(end) = &span.end {
                spans.end(span.span_id, end)
            }
        }
        for record in records {
            if let Body::SpanEnd(end) = &record.body {
                spans.end(end.span_id, &end.end)
            }
        }
        spans
    }

    fn end(&mut self, span: SpanId, end: &'a End<'_>) {
        if let Some(place) = self.places.get(&span) {
            let node = &mut self.nodes[*place];
            node.status = end.status.name();
            node.error = end.error.as_deref();
            node.error_type = end.error_type.as_deref()
        }
    }

    /// The status and the error of a span.
    pub(super) fn end_of(&self, span: SpanId) -> Option<(&str, Option<&str>)> {
        let node = &self.nodes[*self.places.get(&span)?];
        Some((node.status, node.error))
    }

    /// How the work of a span ended.
    pub(super) fn outcome(&self, span: SpanId) -> Option<Outcome> {
        let place = *self.places.get(&span)?;
        let node = &self.nodes[place];
        Some(Outcome {
            status: if node.status.is_empty() { "open" } else { node.status }.to_owned(),
            error: node.error.map(str::to_owned),
            error_type: node.error_type.map(str::to_owned),
            failing_span: node.failed().then(|| self.nodes[self.cause(place)].name.to_owned()),
        })
    }

    /// The failed span below a failed one in which it began: from each on to one with the same error, else to the last that failed.
    fn cause(&self, top: usize) -> usize {
        let mut failed: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, node) in self.nodes.iter().enumerate().filter(|(place, node)| *place != top && node.failed()) {
            if let Some(parent) = node.parent.and_then(|parent| self.places.get(&parent)) {
                failed.entry(*parent).or_default().push(place)
            }
        }
        let mut here = top;
        while let Some(below) = failed.remove(&here) {
            let error = self.nodes[here].error.unwrap_or_default();
            let has_it =
                |place: &&usize| self.nodes[**place].error.is_some_and(|own| !own.is_empty() && error.contains(own));
            match below.iter().find(has_it).or(below.last()) {
                Some(place) => here = *place,
                None => break,
            }
        }
        here
    }
}
