//! Brings the records of a run together: starts and ends to spans, the rest to where it belongs.

use super::identity::{Seen, Sight};
use super::index::Index;
use super::lifecycle::Lifecycle;
use spanbridge::SpanId;
use spanbridge::record::{Body, End, Record, Start};
use std::borrow::Cow;

/// Records that contradict each other.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    pub(super) what: Cow<'static, str>,
    pub(super) span_id: Option<SpanId>,
}

impl Conflict {
    /// One about the run.
    pub(super) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Conflict { what: what.into(), span_id: None }
    }
}

/// The records of a run, by what they are about. Records are named by their place.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) spans: Vec<Parts>,
    pub(super) index: Index,
    pub(super) lifecycle: Lifecycle,
    /// With the place of the span.
    pub(super) added: Vec<(usize, usize)>,
    pub(super) events: Vec<(usize, usize)>,
    pub(super) artifacts: Vec<usize>,
    pub(super) edges: Vec<usize>,
    pub(super) diagnostics: Vec<usize>,
    pub(super) conflicts: Vec<Conflict>,
}

/// The records of a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) id: SpanId,
    pub(super) start: Option<u32>,
    pub(super) end: Option<u32>,
    /// The first record that mentions it.
    pub(super) first: u32,
}

impl Parts {
    /// Its start or its end is there. Otherwise it is known only from what happened in it.
    pub(super) fn is_there(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }
}

impl Joined {
    pub(super) fn of(records: &[Record<'_>]) -> Self {
        let mut joined = Self {
            spans: Vec::with_capacity(records.len()),
            index: Index::with_capacity(records.len()),
            ..Self::default()
        };
        let mut seen = Seen::default();
        for place in 0..records.len() {
            match seen.look(records, place) {
                Sight::New => joined.add(records, place),
                Sight::Repeated => {}
                Sight::Conflict(earlier) => {
                    let span_id = span_of(&records[place].body).or_else(|| span_of(&records[earlier].body));
                    joined.conflict("a record came again under its id with other content; the first is shown", span_id);
                }
            }
        }
        joined.settle(records);
        joined
    }

    fn add(&mut self, records: &[Record<'_>], place: usize) {
        match &records[place].body {
            Body::SpanStart(start) => {
                let span = self.span(start.span_id, place);
                self.start(records, span, place, start);
            }
            Body::SpanEnd { span_id, end, .. } => {
                let span = self.span(*span_id, place);
                self.end(records, span, place, end);
            }
            Body::Span(start, end) => {
                let span = self.span(start.span_id, place);
                self.start(records, span, place, start);
                self.end(records, span, place, end);
            }
            Body::SpanAttributes { span_id, .. } => {
                let span = self.span(*span_id, place);
                self.added.push((span, place));
            }
            Body::Event { span_id, .. } => {
                let span = self.span(*span_id, place);
                self.events.push((span, place));
            }
            Body::Artifact(_) => self.artifacts.push(place),
            Body::Edge { .. } => self.edges.push(place),
            Body::Diagnostic { .. } => self.diagnostics.push(place),
            // A newer core may know more than the graph does.
            other => self.lifecycle.add(other, place),
        }
    }

    fn start(&mut self, records: &[Record<'_>], span: usize, place: usize, start: &Start<'_>) {
        match self.spans[span].start {
            None => self.spans[span].start = Some(place as u32),
            Some(first) if start_of(&records[first as usize].body) == Some(start) => {}
            Some(_) => {
                self.conflict("the span was started twice, in different words; the first is shown", Some(start.span_id))
            }
        }
    }

    fn end(&mut self, records: &[Record<'_>], span: usize, place: usize, end: &End<'_>) {
        match self.spans[span].end {
            None => self.spans[span].end = Some(place as u32),
            Some(first) if end_of(&records[first as usize].body) == Some(end) => {}
            Some(_) => self
                .conflict("the span was ended twice, in different ways; the first is shown", Some(self.spans[span].id)),
        }
    }

    /// The place of the span with this id, which this record mentions.
    fn span(&mut self, id: SpanId, record: usize) -> usize {
        let (place, new) = self.index.place(id.get());
        if new {
            self.spans.push(Parts { id, start: None, end: None, first: record as u32 });
        }
        place
    }

    /// What has an id of its own besides the record's is there once.
    fn settle(&mut self, records: &[Record<'_>]) {
        let body = |place: usize| &records[place].body;
        let mut conflicts = Vec::new();
        let mut contradicted = |what: &'static str, span_id| conflicts.push(Conflict { what: what.into(), span_id });
        // Sorting is stable: the first of several stays the first.
        self.events.sort_by_key(|(span, at)| (*span, event_of(body(*at))));
        self.events.dedup_by(|later, first| {
            let same = (later.0, event_of(body(later.1))) == (first.0, event_of(body(first.1)));
            if same && body(later.1) != body(first.1) {
                contradicted(
                    "an event was recorded twice, in different words; the first is shown",
                    span_of(body(first.1)),
                );
            }
            same
        });
        self.artifacts.sort_by_key(|at| artifact_of(body(*at)));
        self.artifacts.dedup_by(|later, first| {
            let same = artifact_of(body(*later)) == artifact_of(body(*first));
            if same && body(*later) != body(*first) {
                contradicted(
                    "an artifact was recorded twice, in different words; the first is shown",
                    span_of(body(*first)),
                );
            }
            same
        });
        self.conflicts.append(&mut conflicts);
        self.conflicts.extend(self.lifecycle.settle(records));
    }

    fn conflict(&mut self, what: &'static str, span_id: Option<SpanId>) {
        self.conflicts.push(Conflict { what: what.into(), span_id });
    }
}

/// The start that a record holds.
pub(super) fn start_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r Start<'a>> {
    match body {
        Body::SpanStart(start) | Body::Span(start, _) => Some(start),
        _ => None,
    }
}

/// The end that a record holds.
pub(super) fn end_of<'r, 'a>(body: &'r Body<'a>) -> Option<&'r End<'a>> {
    match body {
        Body::SpanEnd { end, .. } | Body::Span(_, end) => Some(end),
        _ => None,
    }
}

fn event_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::Event { event_id, .. } => Some(event_id),
        _ => None,
    }
}

fn artifact_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::Artifact(artifact) => Some(&artifact.artifact_id),
        _ => None,
    }
}

/// The span that a record is about.
fn span_of(body: &Body<'_>) -> Option<SpanId> {
    match body {
        Body::SpanStart(start) | Body::Span(start, _) => Some(start.span_id),
        Body::SpanEnd { span_id, .. } | Body::SpanAttributes { span_id, .. } | Body::Event { span_id, .. } => {
            Some(*span_id)
        }
        Body::Artifact(artifact) => Some(artifact.span_id),
        Body::Diagnostic { span_id, .. } => *span_id,
        _ => None,
    }
}
