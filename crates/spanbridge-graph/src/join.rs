//! Joins the records of a run: starts and ends to spans, everything else to what it is about.

use super::conflict::Conflict;
use super::identity::{Identity, SeenRecords};
use super::index::Index;
use super::lifecycle::Lifecycle;
use super::record::{end_of, start_of, subject_of};
use super::tree::{NONE, Node};
use spanbridge::SpanId;
use spanbridge::record::{Body, End, Record, SpanData};

/// The records of a run, by what they are about. A record is named by its place in the input.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) spans: Vec<SpanParts>,
    /// The same spans, for the tree. A span whose time is not known begins at `u64::MAX`.
    pub(super) nodes: Vec<Node>,
    pub(super) index: Index,
    pub(super) lifecycle: Lifecycle,
    /// Attributes that were added later: the place of the span, and of the record.
    pub(super) added: Vec<(usize, usize)>,
    /// The same for events.
    pub(super) events: Vec<(usize, usize)>,
    pub(super) artifacts: Vec<usize>,
    pub(super) mutations: Vec<usize>,
    pub(super) edges: Vec<usize>,
    pub(super) diagnostics: Vec<usize>,
    pub(super) conflicts: Vec<Conflict>,
}

/// The records of a span.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpanParts {
    pub(super) id: SpanId,
    pub(super) start: Option<u32>,
    pub(super) end: Option<u32>,
    /// The first record that mentions it.
    pub(super) first: u32,
}

impl SpanParts {
    /// Whether its start or its end is recorded. Otherwise it is known only from what happened during it.
    pub(super) fn is_recorded(&self) -> bool {
        self.start.is_some() || self.end.is_some()
    }
}

impl Joined {
    pub(super) fn of(records: &[Record<'_>]) -> Self {
        let mut joined = Self {
            spans: Vec::with_capacity(records.len()),
            nodes: Vec::with_capacity(records.len()),
            index: Index::with_capacity(records.len()),
            ..Self::default()
        };
        let mut seen = SeenRecords::default();
        for place in 0..records.len() {
            match seen.identify(records, place) {
                Identity::New => joined.add(records, place),
                Identity::Repeated => {}
                Identity::Conflict(earlier) => {
                    let span_id = subject_of(&records[place].body).or_else(|| subject_of(&records[earlier].body));
                    let what = "a record came twice with the same id and different content; the first is shown";
                    joined.conflicts.push(Conflict::of_span(what, span_id));
                }
            }
        }
        joined.deduplicate(records);
        joined
    }

    fn add(&mut self, records: &[Record<'_>], place: usize) {
        match &records[place].body {
            Body::Span(start) => {
                let span = self.span(start.span_id, place);
                self.start(records, span, place, start);
                if let Some(end) = &start.end {
                    self.end(records, span, place, end);
                }
            }
            Body::SpanEnd(end) => {
                let span = self.span(end.span_id, place);
                self.end(records, span, place, &end.end);
            }
            Body::SpanAttributes(added) => {
                let span = self.span(added.span_id, place);
                self.added.push((span, place));
            }
            Body::Event(event) => {
                let span = self.span(event.span_id, place);
                self.events.push((span, place));
            }
            Body::Artifact(_) => self.artifacts.push(place),
            Body::Mutation(_) => self.mutations.push(place),
            Body::Edge(_) => self.edges.push(place),
            Body::Diagnostic(_) => self.diagnostics.push(place),
            // Records about the run. Other kinds, of a newer core, are ignored there.
            other => self.lifecycle.add(other, place),
        }
    }

    fn start(&mut self, records: &[Record<'_>], span: usize, place: usize, start: &SpanData<'_>) {
        match self.spans[span].start {
            None => {
                self.spans[span].start = Some(place as u32);
                let node = &mut self.nodes[span];
                node.started_at = start.started_at;
                if let Some(parent) = start.parent_span_id.map(SpanId::get) {
                    // Usually it came shortly before, so it is found in the CPU's caches now.
                    node.parent = parent;
                    node.above = self.index.get(parent).map_or(NONE, |above| above as u32);
                }
            }
            Some(first) if start_of(&records[first as usize].body) == Some(start) => {}
            Some(_) => {
                let what = "the span has two different starts; the first is shown";
                self.conflicts.push(Conflict::of_span(what, Some(start.span_id)));
            }
        }
    }

    fn end(&mut self, records: &[Record<'_>], span: usize, place: usize, end: &End<'_>) {
        match self.spans[span].end {
            None => {
                self.spans[span].end = Some(place as u32);
                if self.spans[span].start.is_none() {
                    self.nodes[span].started_at = end.ended_at;
                }
            }
            Some(first) if end_of(&records[first as usize].body) == Some(end) => {}
            Some(_) => {
                let what = "the span has two different ends; the first is shown";
                self.conflicts.push(Conflict::of_span(what, Some(self.spans[span].id)));
            }
        }
    }

    /// The place of the span with this id, which this record mentions.
    fn span(&mut self, id: SpanId, record: usize) -> usize {
        let (place, new) = self.index.place(id.get());
        if new {
            self.spans.push(SpanParts { id, start: None, end: None, first: record as u32 });
            self.nodes.push(Node { id: id.get(), parent: 0, started_at: u64::MAX, above: NONE });
        }
        place
    }

    /// Keeps one of each thing that has an id of its own, beside the record's.
    fn deduplicate(&mut self, records: &[Record<'_>]) {
        let body = |place: usize| &records[place].body;
        let mut conflicts = Vec::new();
        // The sort is stable: the first of several stays the first.
        self.events.sort_by_key(|(span, at)| (*span, event_of(body(*at))));
        self.events.dedup_by(|later, first| {
            let same = (later.0, event_of(body(later.1))) == (first.0, event_of(body(first.1)));
            if same && body(later.1) != body(first.1) {
                let what = "an event was recorded twice with different content; the first is shown";
                conflicts.push(Conflict::of_span(what, subject_of(body(first.1))));
            }
            same
        });
        self.artifacts.sort_by_key(|at| artifact_of(body(*at)));
        self.artifacts.dedup_by(|later, first| {
            let same = artifact_of(body(*later)) == artifact_of(body(*first));
            if same && body(*later) != body(*first) {
                let what = "an artifact was recorded twice with different content; the first is shown";
                conflicts.push(Conflict::of_span(what, subject_of(body(*first))));
            }
            same
        });
        self.mutations.sort_by_key(|at| mutation_of(body(*at)));
        self.mutations.dedup_by(|later, first| {
            let same = mutation_of(body(*later)) == mutation_of(body(*first));
            if same && body(*later) != body(*first) {
                let what = "a changed row was recorded twice with different content; the first is shown";
                conflicts.push(Conflict::of_span(what, subject_of(body(*first))));
            }
            same
        });
        self.conflicts.append(&mut conflicts);
        self.conflicts.extend(self.lifecycle.deduplicate(records));
    }
}

fn event_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::Event(event) => Some(&event.event_id),
        _ => None,
    }
}

fn mutation_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::Mutation(mutation) => Some(&mutation.mutation_id),
        _ => None,
    }
}

fn artifact_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::Artifact(artifact) => Some(&artifact.artifact_id),
        _ => None,
    }
}
