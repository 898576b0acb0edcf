//! Fills the graph in from records.

use super::derive;
use super::join::{end_of, start_of};
use super::lifecycle::suspension_of;
use super::outline::Outline;
use super::tree::{Placed, Rooted};
use super::values::merged;
use super::{Artifact, Diagnostic, Edge, Event, Graph, Link, Run, RunStatus, Segment, Span, Suspension};
use crate::delivery::late_link;
use spanbridge::record::{Body, Endpoint, Record, Start};
use spanbridge::{Kind, RunId, SegmentId, TraceId};
use std::collections::{BTreeMap, BTreeSet};

impl Graph {
    /// The graph of a run, from its records: in any order, any number of times. What the records alone cannot tell, the
    /// child runs, the related and linked ones and the trigger, is left empty; [`Store::graph`](crate::Store::graph) fills it in.
    pub fn build(run_id: RunId, records: &[Record<'_>]) -> Graph {
        let outline = Outline::of(run_id, records);
        let builder = Builder { run_id, records, outline: &outline };
        let (run, spans) = (builder.run(), builder.spans());
        Graph {
            edges: builder.edges(&run, &spans),
            run,
            spans,
            artifacts: builder.artifacts(),
            child_runs: Vec::new(),
            related_runs: Vec::new(),
            linked_runs: Vec::new(),
            trigger: None,
            diagnostics: builder.diagnostics(),
        }
    }
}

impl Graph {
    /// Adds relations that follow from other runs.
    pub(crate) fn relate(&mut self, edges: Vec<Edge>) {
        self.edges.extend(edges);
        each_once(&mut self.edges);
    }
}

fn each_once(edges: &mut Vec<Edge>) {
    edges.sort_by(|a, b| edge_key(a).cmp(&edge_key(b)));
    // What somebody recorded is not derived again.
    edges.dedup_by(|later, first| edge_key(later) == edge_key(first));
}

impl RunStatus {
    /// The status of a run, from its records: what [`Graph::build`] would say, without filling in the graph.
    pub fn of(run_id: RunId, records: &[Record<'_>]) -> RunStatus {
        Outline::of(run_id, records).status(records)
    }
}

/// Never seen: run ids are not zero, so each is a trace id.
const ANY_TRACE: TraceId = match TraceId::new(1) {
    Some(id) => id,
    None => unreachable!(),
};

struct Builder<'r, 'a> {
    run_id: RunId,
    records: &'r [Record<'a>],
    outline: &'r Outline,
}

impl<'r, 'a> Builder<'r, 'a> {
    fn body(&self, place: usize) -> &'r Body<'a> {
        &self.records[place].body
    }

    fn run(&self) -> Run {
        let (outline, records) = (self.outline, self.records);
        let mut run = Run {
            run_id: self.run_id,
            name: outline.name(records).to_owned(),
            status: outline.status(records),
            owned: outline.joined.lifecycle.is_owned(records),
            started_at: outline.started_at(records),
            ended_at: outline.ended_at(records),
            error: None,
            parent_run_id: None,
            triggered_by_span_id: None,
            trace_ids: self.trace_ids(),
            segments: self.segments(),
            suspensions: self.suspensions(),
            waited: 0,
        };
        if !run.suspensions.is_empty() {
            run.waited = waited(&run, &self.active());
        }
        if let Some(Body::RunStart { parent_run_id, triggered_by_span_id, .. }) =
            outline.joined.lifecycle.starts.first().map(|at| self.body(*at))
        {
            run.parent_run_id = *parent_run_id;
            run.triggered_by_span_id = *triggered_by_span_id;
        }
        if let Some(Body::RunEnd { error, .. }) = outline.joined.lifecycle.ends.first().map(|at| self.body(*at)) {
            run.error = error.as_deref().map(str::to_owned);
        }
        run
    }

    /// The run's own trace first.
    fn trace_ids(&self) -> Vec<TraceId> {
        let mut last = None;
        let changes = self.records.iter().filter_map(|r| r.trace_id.filter(|t| last.replace(*t) != Some(*t)));
        let all: BTreeSet<TraceId> = changes.collect();
        let is_own = |t: &&TraceId| RunId::of_trace(**t) == self.run_id;
        all.iter().filter(is_own).chain(all.iter().filter(|t| !is_own(t))).copied().collect()
    }

    /// By start; those whose own record is missing come last, known from what else they recorded.
    fn segments(&self) -> Vec<Segment> {
        let mut all: BTreeMap<SegmentId, Segment> = BTreeMap::new();
        for place in &self.outline.joined.lifecycle.segments {
            let record = &self.records[*place];
            let Body::Segment { started_at, resource, via, suspension_id, .. } = &record.body else { continue };
            all.insert(
                record.segment_id,
                Segment {
                    segment_id: record.segment_id,
                    service: record.service.clone().into_owned(),
                    via: Some(*via),
                    started_at: Some(*started_at),
                    resource: merged([resource]),
                    suspension_id: suspension_id.as_deref().map(str::to_owned),
                },
            );
        }
        let mut last = None;
        for record in self.records {
            if last.replace(record.segment_id) != Some(record.segment_id) {
                all.entry(record.segment_id).or_insert_with(|| Segment {
                    segment_id: record.segment_id,
                    service: record.service.clone().into_owned(),
                    via: None,
                    started_at: None,
                    resource: Vec::new(),
                    suspension_id: None,
                });
            }
        }
        let mut all: Vec<Segment> = all.into_values().collect();
        all.sort_by_key(|s| (s.started_at.is_none(), s.started_at));
        all
    }

    fn suspensions(&self) -> Vec<Suspension> {
        let mut all: BTreeMap<&str, Suspension> = BTreeMap::new();
        let said = &self.outline.joined.lifecycle;
        for place in said.suspends.iter().chain(&said.resumes) {
            let Some(id) = suspension_of(self.body(*place)) else { continue };
            let suspension = all.entry(id).or_insert_with(|| Suspension {
                suspension_id: id.to_owned(),
                reason: None,
                segment_id: None,
                suspended_at: None,
                resumed_at: None,
            });
            match self.body(*place) {
                Body::RunSuspend { suspended_at, reason, .. } => {
                    suspension.segment_id = Some(self.records[*place].segment_id);
                    suspension.suspended_at = Some(*suspended_at);
                    suspension.reason = reason.as_deref().map(str::to_owned);
                }
                // Of several that resumed it, the first ended the wait.
                Body::RunResume { resumed_at, .. } => {
                    suspension.resumed_at = [suspension.resumed_at, Some(*resumed_at)].into_iter().flatten().min();
                }
                _ => {}
            }
        }
        let mut all: Vec<Suspension> = all.into_values().collect();
        all.sort_by_key(|s| s.suspended_at.or(s.resumed_at));
        all
    }

    /// When spans ran, in order and without overlaps. What never ended is not counted: nobody knows until when it ran.
    fn active(&self) -> Vec<(u64, u64)> {
        let spans = self.outline.joined.spans.iter();
        let mut ran: Vec<(u64, u64)> = spans
            .filter_map(|parts| {
                let start = start_of(self.body(parts.start? as usize))?;
                Some((start.started_at, end_of(self.body(parts.end? as usize))?.ended_at))
            })
            .collect();
        ran.sort_unstable();
        ran.dedup_by(|next, last| {
            let touches = next.0 <= last.1;
            if touches {
                last.1 = last.1.max(next.1);
            }
            touches
        });
        ran
    }

    fn spans(&self) -> Vec<Span> {
        let joined = &self.outline.joined;
        let mut added = joined.added.clone();
        // In the order of their segments: it is the only one that means anything.
        added.sort_by_key(|(span, at)| (*span, self.records[*at].segment_id, self.records[*at].segment_seq));
        let mut events = joined.events.clone();
        events.sort_by_key(|(span, at)| match self.body(*at) {
            Body::Event { timestamp, event_id, .. } => (*span, *timestamp, event_id.as_ref()),
            _ => (*span, 0, ""),
        });
        let of = |all: &'_ [(usize, usize)], span: usize| {
            let from = all.partition_point(|(s, _)| *s < span);
            let to = all.partition_point(|(s, _)| *s <= span);
            from..to
        };
        let span = |placed: &Placed| {
            let added = &added[of(&added, placed.node)];
            let events = &events[of(&events, placed.node)];
            self.span(placed, added, events)
        };
        let mut spans: Vec<Span> = self.outline.order.iter().map(span).collect();
        self.add_late_links(&mut spans);
        spans
    }

    /// Links that came after their span's start was delivered are edges among the records, and links of the span here.
    fn add_late_links(&self, spans: &mut [Span]) {
        let late: Vec<_> = self.outline.joined.edges.iter().filter_map(|at| late_link(self.body(*at))).collect();
        if late.is_empty() {
            return;
        }
        let places: BTreeMap<_, _> = spans.iter().enumerate().map(|(i, s)| (s.span_id, i)).collect();
        let with_more: BTreeSet<usize> = late.iter().filter_map(|(from, _)| places.get(from).copied()).collect();
        // A batch has as many links as it has messages.
        let known = with_more.iter().flat_map(|at| spans[*at].links.iter().map(|l| (*at, l.trace_id, l.span_id)));
        let mut known: BTreeSet<_> = known.collect();
        for (from, (trace_id, span_id)) in late {
            let Some(place) = places.get(&from) else { continue };
            if known.insert((*place, trace_id, span_id)) {
                spans[*place].links.push(Link { trace_id, span_id, attributes: Vec::new() })
            }
        }
    }

    fn span(&self, placed: &Placed, added: &[(usize, usize)], events: &[(usize, usize)]) -> Span {
        let parts = &self.outline.joined.spans[placed.node];
        let start = parts.start.and_then(|at| start_of(self.body(at as usize)));
        let end = parts.end.and_then(|at| end_of(self.body(at as usize)));
        // Who recorded it: the start says, else what else there is.
        let record = &self.records[parts.start.or(parts.end).unwrap_or(parts.first) as usize];
        let late = parts.end.and_then(|at| match self.body(at as usize) {
            Body::SpanEnd { attributes, .. } => Some(attributes),
            _ => None,
        });
        let between = added.iter().filter_map(|(_, at)| match self.body(*at) {
            Body::SpanAttributes { attributes, .. } => Some(attributes),
            _ => None,
        });
        let first = start.map(|s| &s.attributes);
        Span {
            span_id: parts.id,
            parent_span_id: start.and_then(|s| s.parent_span_id),
            parent: placed.parent,
            depth: placed.depth,
            orphan: placed.rooted == Rooted::Orphan,
            trace_id: record.trace_id.or(TraceId::new(self.run_id.get())).unwrap_or(ANY_TRACE),
            run_id: self.run_id,
            segment_id: record.segment_id,
            service: record.service.clone().into_owned(),
            name: start.map(|s| s.name.clone().into_owned()).unwrap_or_default(),
            primitive: start.map(|s| s.primitive.clone().into_owned()).unwrap_or_default(),
            kind: start.map_or(Kind::Internal, |s| s.kind),
            status: self.outline.span_status(placed.node, self.records),
            error: end.and_then(|e| e.error.as_deref().map(str::to_owned)),
            started_at: self.outline.nodes[placed.node].started_at,
            ended_at: end.map(|e| e.ended_at),
            attributes: merged(first.into_iter().chain(between).chain(late)),
            links: start.map(links).unwrap_or_default(),
            events: events.iter().filter_map(|(_, at)| event(self.body(*at))).collect(),
        }
    }

    /// Each relation once, however many recorded it; then those that follow from the spans.
    fn edges(&self, run: &Run, spans: &[Span]) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        for place in &self.outline.joined.edges {
            if let Body::Edge { edge_type, from, to } = self.body(*place) {
                let (from, to) = (owned(from), owned(to));
                edges.push(Edge { edge_type: edge_type.clone().into_owned(), from, to, derived: false });
            }
        }
        edges.extend(derive::edges(run, spans));
        each_once(&mut edges);
        edges
    }

    fn artifacts(&self) -> Vec<Artifact> {
        let mut places = self.outline.joined.artifacts.clone();
        places.sort_unstable();
        let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let artifact = |place: usize| match self.body(place) {
            Body::Artifact(a) => Some(Artifact {
                span_id: a.span_id,
                artifact_id: a.artifact_id.clone().into_owned(),
                kind: a.kind.clone().into_owned(),
                content_type: a.content_type.clone().into_owned(),
                encoding: a.encoding.clone().into_owned(),
                size_bytes: a.size_bytes,
                hash: text(&a.hash),
                preview: text(&a.preview),
            }),
            _ => None,
        };
        places.into_iter().filter_map(artifact).collect()
    }

    /// Those recorded, then what the graph itself has to say.
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let joined = &self.outline.joined;
        let recorded = joined.diagnostics.iter().filter_map(|place| match self.body(*place) {
            Body::Diagnostic { code, message, count, span_id, .. } => Some(Diagnostic {
                code: code.clone().into_owned(),
                message: message.clone().into_owned(),
                count: *count,
                span_id: *span_id,
            }),
            _ => None,
        });
        let conflicts = joined.conflicts.iter().map(|conflict| Diagnostic {
            code: "conflict".to_owned(),
            message: conflict.what.clone().into_owned(),
            count: None,
            span_id: conflict.span_id,
        });
        let cut = self.outline.order.iter().filter(|p| p.rooted == Rooted::Cut).map(|p| Diagnostic {
            code: "parent_cycle".to_owned(),
            message: "the span is its own ancestor; it is shown as a root".to_owned(),
            count: None,
            span_id: Some(joined.spans[p.node].id),
        });
        recorded.chain(conflicts).chain(cut).collect()
    }
}

/// How long the run waited: the time in which it was suspended and no span of it ran. A wait that nobody ended ends with
/// the run; until then it is not known how long it is.
fn waited(run: &Run, active: &[(u64, u64)]) -> u64 {
    let waits = run.suspensions.iter().filter_map(|s| Some((s.suspended_at?, s.resumed_at.or(run.ended_at)?)));
    let mut waits: Vec<(u64, u64)> = waits.filter(|(from, to)| from < to).collect();
    waits.sort_unstable();
    let (mut sum, mut done) = (0u64, 0);
    for (from, to) in waits {
        let from = from.max(done);
        if from >= to {
            continue; // inside another
        }
        done = to;
        let first = active.partition_point(|(_, end)| *end <= from);
        let meanwhile = active[first..].iter().take_while(|(start, _)| *start < to);
        // A span may end before it begins, by the clocks of two machines.
        let worked: u64 = meanwhile.map(|(start, end)| end.min(&to).saturating_sub(*start.max(&from))).sum();
        sum += (to - from).saturating_sub(worked);
    }
    sum
}

fn links(start: &Start<'_>) -> Vec<Link> {
    let link = |l: &spanbridge::record::Link<'_>| Link {
        trace_id: l.trace_id,
        span_id: l.span_id,
        attributes: merged([&l.attributes]),
    };
    start.links.iter().map(link).collect()
}

fn event(body: &Body<'_>) -> Option<Event> {
    let Body::Event { event_id, name, timestamp, attributes, .. } = body else { return None };
    Some(Event {
        event_id: event_id.clone().into_owned(),
        name: name.clone().into_owned(),
        timestamp: *timestamp,
        attributes: merged([attributes]),
    })
}

fn owned(endpoint: &Endpoint<'_>) -> Endpoint<'static> {
    match endpoint {
        Endpoint::Span { trace_id, span_id } => Endpoint::Span { trace_id: *trace_id, span_id: *span_id },
        Endpoint::Run(run_id) => Endpoint::Run(*run_id),
        Endpoint::Artifact(id) => Endpoint::Artifact(id.clone().into_owned().into()),
        // Endpoints that a newer core knows cannot come out of a store of this release.
        _ => Endpoint::Artifact("".into()),
    }
}

/// By type, then by ends: any order will do, as long as it is always the same.
fn edge_key(edge: &Edge) -> (&str, EndKey<'_>, EndKey<'_>) {
    (&edge.edge_type, end_key(&edge.from), end_key(&edge.to))
}

type EndKey<'a> = (u8, u128, u64, &'a str);

fn end_key<'a>(endpoint: &'a Endpoint<'_>) -> EndKey<'a> {
    match endpoint {
        Endpoint::Span { trace_id, span_id } => (0, trace_id.get(), span_id.get(), ""),
        Endpoint::Run(run_id) => (1, run_id.get(), 0, ""),
        Endpoint::Artifact(id) => (2, 0, 0, id),
        _ => (3, 0, 0, ""),
    }
}
