//! The first reading: every record once, in any order.

use super::build::Selection;
use super::content;
use super::figures::Figures;
use super::light::{Light, MAX_OF_RUN, Marks, OPEN};
use super::seen::{Identity, Seen};
use super::shape::Shape;
use super::ties::Mentioned;
use crate::hash::{Set, join};
use crate::index::Index;
use crate::model::GraphLimit;
use crate::record::late_link;
use crate::sameness::masked;
use crate::tree::{NONE, Node};
use spanbridge::record::{Attributes, Body, Diagnostic, Edge, End, Endpoint, Event, Record, SpanData};
use spanbridge::{Kind, RunId, SpanId, TraceId, semconv};

/// Reads the records of a run for the first time, to decide what a graph of bounded size shows. About 100 bytes are kept for each
/// span, and four for each record.
///
/// ```
/// use spanbridge::observe;
/// use spanbridge_graph::{GraphLimit, Survey, testing};
///
/// let recorded = testing::record(|| {
///     observe::span("import").in_scope(|| (0..1_000).for_each(|_| observe::span("row").in_scope(|| ())))
/// });
/// let records = recorded.records();
/// let mut survey = Survey::new(spanbridge_graph::run_of(&records[0]).unwrap());
/// records.iter().for_each(|record| survey.add(record));
/// let mut selection = survey.select(&GraphLimit::default().shown(100));
/// records.iter().for_each(|record| selection.add(record));
/// let graph = selection.graph();
/// let left_out = graph.left_out.as_ref().unwrap();
/// assert_eq!(left_out.spans, 1_001);
/// assert_eq!(graph.spans.len() as u64 + left_out.total(), 1_001);
/// ```
pub struct Survey {
    pub(super) run_id: RunId,
    seen: Seen,
    index: Index,
    nodes: Vec<Node>,
    lights: Vec<Light>,
    /// The records about the run.
    of_run: Vec<Record<'static>>,
    pub(super) mentioned: Mentioned,
    pub(super) figures: Figures,
    /// The events and artifacts that were seen, to know those that come twice and differ.
    details: Seen,
    /// The records that contradict an earlier one, as hashes.
    contradicting: Set<u64>,
    last_trace: Option<TraceId>,
}

impl Survey {
    /// Nothing is read yet.
    pub fn new(run_id: RunId) -> Self {
        Self {
            run_id,
            seen: Seen::default(),
            index: Index::default(),
            nodes: Vec::new(),
            lights: Vec::new(),
            of_run: Vec::new(),
            mentioned: Mentioned::default(),
            figures: Figures::default(),
            details: Seen::default(),
            contradicting: Set::default(),
            last_trace: None,
        }
    }

    /// Reads a record of the run. One that was read before changes nothing.
    pub fn add(&mut self, record: &Record<'_>) {
        if self.last_trace != record.trace_id {
            self.last_trace = record.trace_id;
            self.figures.add_trace(record.trace_id);
        }
        self.figures.add_service(&record.service);
        match self.seen.identify(record) {
            Identity::New => {}
            Identity::Repeated => return,
            Identity::Conflict => {
                self.figures.conflicts += 1;
                self.contradicting.insert(content::of_identified(record));
                return;
            }
        }
        match &record.body {
            Body::Span(start) => {
                let span = self.span(start.span_id);
                self.start(span, record, start);
                if let Some(end) = &start.end {
                    self.end(span, end);
                }
            }
            Body::SpanEnd(end) => {
                let span = self.span(end.span_id);
                self.end(span, &end.end);
                self.look_at(span, &end.attributes);
            }
            Body::SpanAttributes(added) => {
                let span = self.span(added.span_id);
                self.look_at(span, &added.attributes);
                let light = &mut self.lights[span];
                light.attempt = light.attempt.wrapping_add(content::attempt(&added.attributes));
            }
            Body::Event(event) => self.event(event, &record.body),
            Body::Artifact(artifact) => {
                // No span has the id 0.
                self.detail(join(0, content::text(&artifact.artifact_id)), &record.body);
            }
            Body::Mutation(mutation) => {
                let is_new = self.detail(join(0, join(1, content::text(&mutation.mutation_id))), &record.body);
                self.figures.mutations += u64::from(is_new);
                match mutation.span_id.map(|span| (span, self.index.get(span.get()))) {
                    Some((_, Some(node))) => self.lights[node].marks.set(Marks::WROTE),
                    Some((span, None)) => self.mentioned.wrote(span),
                    None => {}
                }
            }
            Body::Edge(edge) => self.edge(edge, &record.body),
            Body::Diagnostic(diagnostic) => self.diagnostic(diagnostic),
            _ if self.of_run.len() < MAX_OF_RUN || matches!(record.body, Body::RunStart(_) | Body::RunEnd(_)) => {
                self.of_run.push(record.clone().into_owned());
            }
            _ => {}
        }
    }

    /// How many spans were read.
    pub fn spans(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Decides what is shown. Now read all records again.
    pub fn select(self, limit: &GraphLimit) -> Selection {
        let Survey {
            run_id,
            seen,
            index,
            mut nodes,
            mut lights,
            of_run,
            mut mentioned,
            figures,
            details,
            contradicting,
            ..
        } = self;
        drop((seen, details));
        let outside = Figures::trigger(&of_run);
        for (node, light) in nodes.iter_mut().zip(&mut lights) {
            if SpanId::new(node.parent).is_some_and(|parent| parent == run_id.as_parent() || Some(parent) == outside) {
                (node.parent, node.above) = (0, NONE);
            }
            if !light.is_recorded() {
                // Known only from its events: see `event`.
                node.started_at = std::mem::replace(&mut light.ended_at, OPEN);
            }
            if node.parent != 0 && node.above == NONE {
                node.above = index.get(node.parent).map_or(NONE, |place| place as u32);
            }
        }
        mentioned.late_writers(&index).for_each(|node| lights[node].marks.set(Marks::WROTE));
        let ties = mentioned.resolved(&index);
        drop(index);
        let first = nodes.iter().map(|node| node.started_at).min().filter(|at| *at != u64::MAX).unwrap_or(0);
        nodes.iter_mut().filter(|node| node.started_at == u64::MAX).for_each(|node| node.started_at = first);
        let shape = Shape::of(nodes, lights);
        Selection::of(run_id, &shape, &of_run, &ties, (&figures, contradicting), limit)
    }

    fn span(&mut self, id: SpanId) -> usize {
        let (place, is_new) = self.index.place(id.get());
        if is_new {
            self.nodes.push(Node { id: id.get(), parent: 0, started_at: u64::MAX, above: NONE });
            self.lights.push(Light::new());
        }
        place
    }

    fn start(&mut self, span: usize, record: &Record<'_>, start: &SpanData<'_>) {
        let hash = content::of_start(start);
        let light = &mut self.lights[span];
        if light.marks.has(Marks::START) {
            if light.start != hash && !light.marks.has(Marks::CONFLICT) {
                self.figures.conflicts += 1;
                light.marks.set(Marks::CONFLICT);
            }
            return;
        }
        if !light.is_recorded() {
            light.ended_at = OPEN;
        }
        light.start = hash;
        light.call = content::call(start, &record.service);
        light.attempt = light.attempt.wrapping_add(light.call as u32).wrapping_add(content::attempt(&start.attributes));
        light.marks.set(Marks::START);
        let is_delivery =
            start.primitive == "messaging.process" && start.attributes.get(semconv::MESSAGING_BATCH_COUNT).is_none();
        if is_delivery {
            light.marks.set(Marks::DELIVERY);
        } else if start.primitive == "messaging.settle" {
            light.marks.set(Marks::SETTLE);
        }
        let node = &mut self.nodes[span];
        node.started_at = start.started_at;
        if let Some(parent) = start.parent_span_id.map(SpanId::get) {
            node.parent = parent;
            node.above = self.index.get(parent).map_or(NONE, |above| above as u32);
        }
        let is_root = start.parent_span_id.is_none_or(|parent| parent == self.run_id.as_parent());
        self.figures.add_name(is_root, start.started_at, &start.name);
        if !start.links.is_empty() {
            self.lights[span].marks.set(Marks::LINKED);
        }
        // A batch has as many links as messages; the first ones will do.
        for link in start.links.iter().take(4) {
            self.mentioned.link(span, link.span_id);
        }
        self.look_at(span, &start.attributes);
        let is_refused = |status: i64| status >= 400;
        if start.kind == Kind::Server
            && integer(start.attributes.get(semconv::HTTP_RESPONSE_STATUS_CODE)).is_some_and(is_refused)
        {
            self.lights[span].marks.set(Marks::NOTABLE);
        }
    }

    fn end(&mut self, span: usize, end: &End<'_>) {
        let hash = content::of_end(end);
        let light = &mut self.lights[span];
        if light.marks.has(Marks::END) {
            if light.end != hash && !light.marks.has(Marks::CONFLICT) {
                self.figures.conflicts += 1;
                light.marks.set(Marks::CONFLICT);
            }
            return;
        }
        (light.end, light.ended_at) = (hash, end.ended_at);
        light.error = end.error.as_deref().map_or(0, |error| content::text(&masked(error)) as u32 | 1);
        light.marks.set(Marks::END);
        light.marks.set_status(end.status);
        if !light.marks.has(Marks::START) {
            self.nodes[span].started_at = end.ended_at;
        }
    }

    /// Whether attributes say that something went wrong.
    fn look_at(&mut self, span: usize, attributes: &Attributes<'_>) {
        let marks = &mut self.lights[span].marks;
        let status = attributes.get(semconv::HANDOFF_STATUS);
        if matches!(status.as_ref().and_then(|s| s.as_str()), Some("rejected" | "returned" | "rolled_back")) {
            marks.set(Marks::NOTABLE);
        }
        if attributes.get(semconv::DB_TRANSACTION).is_some_and(|how| how.as_str() == Some("rolled_back")) {
            marks.set(Marks::WROTE);
        }
        if marks.has(Marks::DELIVERY) && attributes.get(semconv::DEAD_LETTER_QUEUE).is_some() {
            marks.set(Marks::NOTABLE);
        }
        if marks.has(Marks::SETTLE)
            && let Some(operation) = attributes.get(semconv::MESSAGING_OPERATION_NAME)
            && matches!(operation.as_str(), Some("nack" | "reject"))
        {
            marks.set(Marks::NOTABLE);
        }
    }

    fn event(&mut self, event: &Event<'_>, body: &Body<'_>) {
        let span = self.span(event.span_id);
        let is_new = self.detail(join(event.span_id.get(), content::text(&event.event_id)), body);
        let light = &mut self.lights[span];
        // A span that is known only from its events began at the first of them. Until its start or end comes, this is kept here.
        if is_new && !light.is_recorded() {
            light.ended_at = light.ended_at.min(event.timestamp);
        }
    }

    /// A thing with an id of its own, as a hash. Returns whether it is new.
    fn detail(&mut self, id: u64, body: &Body<'_>) -> bool {
        let identity = self.details.identify_thing(id, content::of_body(body));
        self.figures.conflicts += u64::from(identity == Identity::Conflict);
        identity == Identity::New
    }

    fn edge(&mut self, edge: &Edge<'_>, body: &Body<'_>) {
        if let Some((from, (_, to))) = late_link(body) {
            if let Some(from) = self.index.get(from.get()) {
                self.mentioned.link(from, to);
                self.lights[from].marks.set(Marks::LINKED);
            }
        } else if let (Endpoint::Span { span_id: from, .. }, Endpoint::Span { span_id: to, .. }) =
            (&edge.from, &edge.to)
        {
            self.mentioned.edge(*from, *to);
        }
    }

    fn diagnostic(&mut self, diagnostic: &Diagnostic<'_>) {
        if let Some(span) = diagnostic.span_id {
            self.mentioned.diagnosed(span);
        }
    }
}

fn integer(value: Option<spanbridge::Value<'_>>) -> Option<i64> {
    match value? {
        spanbridge::Value::I64(n) => Some(n),
        other => other.as_str()?.parse().ok(),
    }
}
