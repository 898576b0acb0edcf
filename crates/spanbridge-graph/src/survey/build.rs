//! The second reading: the records of what is shown, and the graph of them.

use super::choose::choose;
use super::content;
use super::figures::{Figures, Whole};
use super::groups::Rest;
use super::light::MAX_OF_RUN;
use super::shape::Shape;
use super::ties::Ties;
use crate::hash::{Map, Set};
use crate::model::{Diagnostic, Graph, GraphLimit, LeftOut};
use crate::outline::Outline;
use crate::record::{late_link, subject_of};
use crate::tree::{Attachment, Placed};
use spanbridge::record::{Body, Edge, Endpoint, Record};
use spanbridge::{RunId, SpanId};

/// For each span that is shown, so many records of its events, attributes and artifacts are kept, and so many relations.
const RECORDS_A_SPAN: usize = 20;

/// So many rows are shown that one span changed.
const MAX_ROWS: usize = 200;

/// So many different diagnostics are counted. Further ones count with the last.
const MAX_DIAGNOSTICS: usize = 100;

/// So many diagnostics with the same code are kept as they are. Further ones are counted.
const MAX_OF_A_CODE: usize = 100;

/// What is shown of a run. It reads the records of the run for the second time, and keeps those of what is shown.
pub struct Selection {
    run_id: RunId,
    /// The spans that are shown, in the order of the tree.
    spans: Vec<Shown>,
    places: Map<SpanId, u32>,
    whole: Whole,
    left_out: LeftOut,
    conflicts: u64,
    /// How many changed rows are recorded.
    mutations: u64,
    records: Vec<Record<'static>>,
    /// How many more records of details may be kept.
    room: usize,
    room_for_edges: usize,
    room_for_run: usize,
    room_for_rows: usize,
    /// How many rows each span changed, as far as was read.
    rows: Map<u64, usize>,
    /// The records about the run that were not found to contradict earlier ones: what they contradict may not be kept here.
    of_run: Set<u64>,
    /// The records that contradict an earlier one: that one may not be kept here, and the others would take its place.
    contradicting: Set<u64>,
    /// How often each code of a diagnostic came.
    codes: Map<u64, usize>,
    counted: Vec<Diagnostic>,
}

/// A span that is shown.
struct Shown {
    id: u64,
    started_at: u64,
    /// The place of the nearest one above that is shown.
    parent: Option<usize>,
    depth: usize,
    attachment: Attachment,
}

impl Selection {
    pub(super) fn of(
        run_id: RunId,
        shape: &Shape,
        of_run: &[Record<'static>],
        ties: &Ties,
        (figures, contradicting): (&Figures, Set<u64>),
        limit: &GraphLimit,
    ) -> Self {
        let chosen = choose(shape, ties, limit.shown);
        let rest = Rest::of(shape, &chosen);
        let nearest: Map<u32, Option<u32>> = rest.nearest.iter().copied().collect();
        let mut at: Map<u32, usize> = Map::default();
        let mut spans: Vec<Shown> = Vec::new();
        for place in (0..shape.len()).filter(|place| chosen[*place]) {
            let key = place as u32;
            let above = nearest.get(&key).copied().unwrap_or_else(|| shape.parent(place).map(|parent| parent as u32));
            let parent = above.and_then(|above| at.get(&above)).copied();
            at.insert(key, spans.len());
            spans.push(Shown {
                id: shape.id(place),
                started_at: shape.started_at(place),
                parent,
                depth: parent.map_or(0, |parent| spans[parent].depth + 1),
                attachment: shape.placed(place).attachment,
            });
        }
        let mut left_out = figures.totals(shape);
        left_out.errors_left_out = rest.errors;
        left_out.failed_work_left_out = rest.has_failed_work;
        left_out.links_left_out = rest.has_links;
        (left_out.groups, left_out.incomplete) = (rest.groups, rest.incomplete);
        let room = RECORDS_A_SPAN * spans.len().max(MAX_OF_A_CODE);
        let places = spans.iter().zip(0..).filter_map(|(span, place)| Some((SpanId::new(span.id)?, place))).collect();
        Selection {
            run_id,
            whole: figures.whole(shape, of_run),
            places,
            spans,
            left_out,
            conflicts: figures.conflicts,
            mutations: figures.mutations,
            records: Vec::new(),
            room,
            room_for_run: MAX_OF_RUN,
            room_for_rows: room,
            rows: Map::default(),
            of_run: of_run.iter().map(content::of_identified).collect(),
            contradicting,
            room_for_edges: room,
            codes: Map::default(),
            counted: Vec::new(),
        }
    }

    /// Reads a record of the run, for the second time.
    pub fn add(&mut self, record: &Record<'_>) {
        let is_kept = match &record.body {
            // A statement may change a million rows.
            Body::Mutation(mutation) => self.is_row_shown(mutation.span_id),
            _ if self.left_out.groups.is_empty() => true,
            _ if !self.contradicting.is_empty() && self.contradicting.contains(&content::of_identified(record)) => {
                false
            }
            Body::Span(_) | Body::SpanEnd(_) => self.is_shown(subject_of(&record.body)),
            Body::SpanAttributes(_) | Body::Event(_) | Body::Artifact(_) => {
                let is_shown = self.is_shown(subject_of(&record.body));
                is_shown && take(&mut self.room, &mut self.left_out.records)
            }
            Body::Edge(edge) => {
                self.is_related(edge, &record.body) && take(&mut self.room_for_edges, &mut self.left_out.records)
            }
            Body::Diagnostic(diagnostic) => {
                let seen = self.codes.entry(crate::hash::stable(diagnostic.code.as_bytes())).or_insert(0);
                *seen += 1;
                let is_kept = *seen <= MAX_OF_A_CODE;
                if !is_kept {
                    self.count(&diagnostic.code, &diagnostic.message, diagnostic.count);
                }
                is_kept
            }
            Body::RunStart(_) | Body::RunEnd(_) => self.of_run.contains(&content::of_identified(record)),
            // Records about the run.
            _ => {
                take(&mut self.room_for_run, &mut self.left_out.records)
                    && self.of_run.contains(&content::of_identified(record))
            }
        };
        if is_kept {
            self.records.push(record.clone().into_owned());
        }
    }

    fn is_shown(&self, span: Option<SpanId>) -> bool {
        span.is_some_and(|span| self.places.contains_key(&span))
    }

    /// Whether a row is shown: it says itself which one it is, so it needs no span that is shown.
    fn is_row_shown(&mut self, span: Option<SpanId>) -> bool {
        if span.is_some_and(|span| !self.places.contains_key(&span)) && !self.left_out.groups.is_empty() {
            return false;
        }
        let of_span = self.rows.entry(span.map_or(0, SpanId::get)).or_insert(0);
        *of_span += 1;
        *of_span <= MAX_ROWS && take(&mut self.room_for_rows, &mut 0)
    }

    fn is_related(&self, edge: &Edge<'_>, body: &Body<'_>) -> bool {
        if let Some((from, _)) = late_link(body) {
            return self.is_shown(Some(from));
        }
        let ends = [&edge.from, &edge.to].map(|end| match end {
            Endpoint::Span { span_id, .. } => Some(*span_id),
            _ => None,
        });
        ends == [None, None] || ends.into_iter().any(|end| self.is_shown(end))
    }

    fn count(&mut self, code: &str, message: &str, count: Option<u64>) {
        let is_full = self.counted.len() >= MAX_DIAGNOSTICS;
        let same = self.counted.iter().position(|known| known.code == code && (is_full || known.message == message));
        let more = count.unwrap_or(1);
        match same.or(self.counted.len().checked_sub(1).filter(|_| is_full)) {
            Some(at) => self.counted[at].count = Some(self.counted[at].count.unwrap_or(0).saturating_add(more)),
            None => self.counted.push(Diagnostic { count: Some(more), ..Diagnostic::new(code, message) }),
        }
    }

    /// The graph of what is shown. Its [`left_out`](Graph::left_out) says what is not.
    pub fn graph(self) -> Graph {
        let Selection { run_id, spans, whole, mut left_out, mutations, conflicts, records, counted, .. } = self;
        let mut outline = Outline::of(run_id, &records);
        let found = outline.joined.conflicts.len() as u64;
        let mut places: Vec<Option<usize>> = Vec::with_capacity(spans.len());
        let mut order: Vec<Placed> = Vec::with_capacity(spans.len());
        for span in &spans {
            // Its records could be read a moment ago.
            let Some(node) = outline.joined.index.get(span.id) else {
                places.push(None);
                continue;
            };
            outline.nodes[node].started_at = span.started_at;
            let parent = span.parent.and_then(|parent| places[parent]);
            places.push(Some(order.len()));
            order.push(Placed::new(node, parent, span.depth, span.attachment));
        }
        outline.order = order;
        let mut graph = Graph::of_outline(run_id, &records, &outline);
        whole.correct(&mut graph.run);
        left_out.failed_work_left_out &= graph.run.status == crate::model::RunStatus::Ok;
        graph.diagnostics.extend(counted);
        if conflicts > found {
            let mut more = Diagnostic::new("conflict", "records contradict each other; the first are shown");
            more.count = Some(conflicts - found);
            graph.diagnostics.push(more);
        }
        left_out.mutations = mutations.saturating_sub(graph.mutations.len() as u64);
        graph.diagnostics.push(left_out.diagnostic(graph.spans.len()));
        graph.left_out = Some(left_out);
        graph
    }
}

fn take(room: &mut usize, left_out: &mut u64) -> bool {
    let is_free = *room > 0;
    *room = room.saturating_sub(1);
    *left_out += u64::from(!is_free);
    is_free
}
