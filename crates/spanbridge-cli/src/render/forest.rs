//! The shape of the tree: what stands below what, and what gets no line of its own.
//!
//! It differs from the recorded parents in four ways. If a run was resumed, its roots stand below their segments (see
//! [`history`](super::history)). A span that is linked to its sender in another trace stands below it. Orphans stand below
//! their missing parent. A successful settlement is a word on the line of its job.

use super::history::{RunHistory, Stage};
use super::text;
use spanbridge::{Kind, SegmentId, SpanId, semconv};
use spanbridge_graph::{Graph, Link, Span, SpanStatus};
use std::collections::HashMap;

/// What a node of the tree stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    /// The span at this index.
    Span(usize),
    /// A parent that spans name and that is not recorded.
    Missing(SpanId),
    /// A segment that began or continued the run, or a wait.
    Stage(Stage),
}

/// How work got from a span to the one below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Hop {
    /// In the same task.
    None,
    /// By a call that waits for its response.
    Call,
    /// Through a queue.
    Queue,
}

/// The shape of a tree. Nodes are numbered: the spans as in the graph, then the missing parents, then the stages, and last the one
/// above all roots.
pub(crate) struct Shape {
    /// The children of node `n` are `list[starts[n]..starts[n + 1]]`. The last range holds the roots.
    starts: Vec<usize>,
    list: Vec<usize>,
    missing: Vec<SpanId>,
    history: RunHistory,
    /// Which spans stand below their sender because of a link.
    linked: Vec<bool>,
    parents: Vec<Option<usize>>,
    settled: HashMap<usize, Vec<Settled>>,
    /// The settlements that are a word on the line of their job.
    folded: Vec<usize>,
}

/// A graph and the shape of its tree.
#[derive(Clone, Copy)]
pub(crate) struct Forest<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) shape: &'g Shape,
}

/// Settlements of one kind under one job.
pub(crate) struct Settled {
    pub(crate) word: String,
    pub(crate) count: usize,
}

impl Shape {
    pub(crate) fn of(graph: &Graph) -> Self {
        let spans = &graph.spans;
        let mut missing = Vec::new();
        let mut linked = vec![false; spans.len()];
        let mut parents = parents(graph, &mut missing, &mut linked);
        let settled = fold_settlements(graph, &mut parents);

        let history = RunHistory::of(graph);
        let stages = Stages::new(&history, spans.len() + missing.len());
        let nodes = stages.end();
        for (parent, span) in parents.iter_mut().zip(spans) {
            if let (Place::Root, Some(stage)) = (*parent, stages.of_segment(span.segment_id)) {
                *parent = Place::Under(stage);
            }
        }
        // A missing parent is a root, placed where its first orphan would be.
        let mut placed = vec![false; missing.len()];
        let mut order = Vec::with_capacity(nodes);
        let mut roots = Vec::new();
        for (i, parent) in parents.iter().enumerate() {
            match parent {
                Place::Under(p) => {
                    if let Some(placed) = p.checked_sub(spans.len()).and_then(|p| placed.get_mut(p))
                        && !std::mem::replace(placed, true)
                    {
                        roots.push((spans[i].started_at, *p));
                    }
                    order.push((*p, i));
                }
                Place::Root => roots.push((spans[i].started_at, i)),
                Place::Folded => {}
            }
        }
        stages.place(graph, &mut order, &mut roots);
        order.extend(roots.into_iter().map(|(_, node)| (nodes, node)));
        let mut starts = vec![0; nodes + 2];
        order.iter().for_each(|(parent, _)| starts[parent + 1] += 1);
        for n in 0..=nodes {
            starts[n + 1] += starts[n];
        }
        let (mut next, mut list) = (starts.clone(), vec![0; order.len()]);
        for (parent, child) in order {
            list[next[parent]] = child;
            next[parent] += 1;
        }
        sort_inlined(graph, &starts, &mut list);
        let folded = (0..spans.len()).filter(|span| matches!(parents[*span], Place::Folded)).collect();
        let parents = parents.into_iter().map(|p| if let Place::Under(p) = p { Some(p) } else { None }).collect();
        Self { starts, list, missing, history, linked, parents, settled, folded }
    }
}

impl<'g> Forest<'g> {
    /// The history of the run.
    pub(crate) fn history(&self) -> &'g RunHistory {
        &self.shape.history
    }

    /// The number of the node above all roots.
    pub(crate) fn top(&self) -> usize {
        self.graph.spans.len() + self.shape.missing.len() + self.shape.history.stages.len()
    }

    pub(crate) fn node(&self, n: usize) -> Node {
        let Some(n) = n.checked_sub(self.graph.spans.len()) else { return Node::Span(n) };
        match n.checked_sub(self.shape.missing.len()) {
            None => Node::Missing(self.shape.missing[n]),
            Some(n) => Node::Stage(self.shape.history.stages[n].1),
        }
    }

    /// The places of the children of a node. [`Forest::at`] returns what is there.
    pub(crate) fn children(&self, n: usize) -> std::ops::Range<usize> {
        self.shape.starts[n]..self.shape.starts[n + 1]
    }

    pub(crate) fn at(&self, place: usize) -> usize {
        self.shape.list[place]
    }

    /// All nodes that are shown, parents before children, beginning with the one above all roots.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.shape.list.len() + 1);
        order.push(self.top());
        let mut next = 0;
        while let Some(node) = order.get(next).copied() {
            order.extend_from_slice(&self.shape.list[self.children(node)]);
            next += 1;
        }
        order
    }

    pub(crate) fn is_leaf(&self, n: usize) -> bool {
        self.children(n).is_empty()
    }

    /// The span above this one, if it is recorded.
    pub(crate) fn above(&self, i: usize) -> Option<&'g Span> {
        self.above_place(i).map(|place| &self.graph.spans[place])
    }

    /// The place in the graph of the span above this one, if it is recorded.
    pub(crate) fn above_place(&self, i: usize) -> Option<usize> {
        self.parent(i).filter(|p| *p < self.graph.spans.len())
    }

    /// The node above a span, unless it is a root.
    pub(crate) fn parent(&self, i: usize) -> Option<usize> {
        self.shape.parents.get(i).copied().flatten()
    }

    /// Whether it has a line of its own. `folded` is in order.
    #[cfg(feature = "tui")]
    pub(crate) fn is_shown_apart(&self, i: usize) -> bool {
        self.shape.folded.binary_search(&i).is_err()
    }

    /// The service of what stands above the span.
    pub(crate) fn service_above(&self, i: usize) -> Option<&'g str> {
        match self.node(self.shape.parents[i]?) {
            Node::Span(above) => Some(&self.graph.spans[above].service),
            Node::Stage(Stage::Segment(at)) => Some(&self.graph.run.segments[at].service),
            _ => None,
        }
    }

    /// Whether it stands below its sender because of a link.
    pub(crate) fn is_linked(&self, i: usize) -> bool {
        self.shape.linked[i]
    }

    pub(crate) fn settled(&self, i: usize) -> &'g [Settled] {
        self.shape.settled.get(&i).map_or(&[], Vec::as_slice)
    }

    /// The spans that have no line of their own.
    pub(crate) fn folded(&self) -> &'g [usize] {
        &self.shape.folded
    }

    pub(crate) fn hop(&self, i: usize) -> Hop {
        let Some(above) = self.above(i) else { return Hop::None };
        let span = &self.graph.spans[i];
        match (above.kind, span.kind) {
            _ if self.shape.linked[i] => Hop::Queue,
            (Kind::Consumer, _) => Hop::None,
            (_, Kind::Consumer) => Hop::Queue,
            (Kind::Producer, _) if span.segment_id != above.segment_id => Hop::Queue,
            (Kind::Client, Kind::Server) => Hop::Call,
            _ => Hop::None,
        }
    }
}

/// The spans of child runs that are shown inline come last in the graph. Here they go where they belong by time.
fn sort_inlined(graph: &Graph, starts: &[usize], list: &mut [usize]) {
    if graph.spans.iter().all(|span| span.run_id == graph.run.run_id) {
        return;
    }
    let begun = |node: &usize| graph.spans.get(*node).map_or(0, |span| span.started_at);
    for range in starts[..=graph.spans.len()].windows(2) {
        list[range[0]..range[1]].sort_by_key(begun);
    }
}

/// The numbers of the stages among the nodes.
struct Stages<'s> {
    history: &'s RunHistory,
    numbers: HashMap<Stage, usize>,
    first: usize,
}

impl<'s> Stages<'s> {
    fn new(history: &'s RunHistory, first: usize) -> Self {
        let numbers = history.stages.iter().zip(first..).map(|((_, stage), n)| (*stage, n)).collect();
        Self { history, numbers, first }
    }

    fn end(&self) -> usize {
        self.first + self.history.stages.len()
    }

    fn of_segment(&self, id: SegmentId) -> Option<usize> {
        self.numbers.get(&Stage::Segment(self.history.segment(id)?)).copied()
    }

    /// Adds the stages: some below others, the rest among the roots. They keep their order, and other roots go between them
    /// by time.
    fn place(&self, graph: &Graph, order: &mut Vec<(usize, usize)>, roots: &mut Vec<(u64, usize)>) {
        let (mut roots_of_stages, mut at) = (Vec::new(), 0);
        for ((below, stage), n) in self.history.stages.iter().zip(self.first..) {
            match below.and_then(|b| self.numbers.get(&b)) {
                Some(above) => order.push((*above, n)),
                None => {
                    let begun = match stage {
                        Stage::Segment(i) => graph.run.segments[*i].started_at,
                        Stage::Suspension(i) => graph.run.suspensions[*i].suspended_at,
                    };
                    at = begun.unwrap_or(at).max(at);
                    roots_of_stages.push((at, n));
                }
            }
        }
        if !roots_of_stages.is_empty() {
            roots_of_stages.append(roots);
            roots_of_stages.sort_by_key(|(at, _)| *at); // stable
            *roots = roots_of_stages;
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Root,
    Under(usize),
    Folded,
}

fn parents(graph: &Graph, missing: &mut Vec<SpanId>, linked: &mut [bool]) -> Vec<Place> {
    let spans = &graph.spans;
    let mut by_id = None;
    let mut missing_at = HashMap::new();
    let place = |(i, span): (usize, &Span)| match span.parent {
        // Parents come before children. So the tree has no cycle, whatever the graph says.
        Some(p) if p < i => Place::Under(p),
        _ if span.orphan => match span.parent_span_id {
            Some(id) => Place::Under(*missing_at.entry(id).or_insert_with(|| {
                missing.push(id);
                spans.len() + missing.len() - 1
            })),
            None => Place::Root,
        },
        _ => {
            // A batch has many senders, and none comes first.
            if span.links.is_empty() || span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some() {
                return Place::Root;
            }
            let by_id = by_id.get_or_insert_with(|| spans.iter().enumerate().map(|(i, s)| (s.span_id, i)).collect());
            let by_id: &HashMap<SpanId, usize> = by_id;
            let here = |l: &Link| by_id.get(&l.span_id).copied().filter(|p| spans[*p].trace_id == l.trace_id);
            let mut senders = span.links.iter().filter_map(here);
            match (senders.next(), senders.next()) {
                (Some(p), None) if p < i => {
                    linked[i] = true;
                    Place::Under(p)
                }
                _ => Place::Root,
            }
        }
    };
    spans.iter().enumerate().map(place).collect()
}

fn fold_settlements(graph: &Graph, parents: &mut [Place]) -> HashMap<usize, Vec<Settled>> {
    let spans = &graph.spans;
    let mut has_children = vec![false; spans.len()];
    for p in parents.iter() {
        if let Place::Under(p) = p {
            has_children.get_mut(*p).into_iter().for_each(|c| *c = true);
        }
    }
    let mut settled: HashMap<usize, Vec<Settled>> = HashMap::new();
    for (i, span) in spans.iter().enumerate() {
        let Place::Under(p) = parents[i] else { continue };
        let is_job = spans.get(p).is_some_and(|p| matches!(&*p.primitive, "messaging.process" | "messaging.receive"));
        if span.primitive != "messaging.settle" || span.status != SpanStatus::Ok || has_children[i] || !is_job {
            continue;
        }
        parents[i] = Place::Folded;
        let word = text::escape(span.name.split(' ').next().unwrap_or_default()).into_owned();
        let words = settled.entry(p).or_default();
        // A line cannot show more than a few kinds, so the rest count with the last. This also bounds the search.
        let same = words.iter().position(|w| w.word == word).or(words.len().checked_sub(1).filter(|last| *last == 7));
        match same {
            Some(at) => words[at].count += 1,
            None => words.push(Settled { word, count: 1 }),
        }
    }
    settled
}
