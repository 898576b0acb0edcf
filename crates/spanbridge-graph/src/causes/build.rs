//! Finds the cause of every span and of every declared run.

use super::hop::{Hop, between, into_run};
use super::links::{Links, links_of};
use super::node::{Causes, NONE, Node};
use super::order;
use crate::hash::{Map, Set};
use crate::model::{Graph, Span};
use spanbridge::record::Via;
use spanbridge::{RunId, SegmentId, semconv};

impl<'g> Causes<'g> {
    /// The tree of these graphs. Time and memory are linear, except for sorting siblings.
    pub(crate) fn of(graphs: &'g [Graph]) -> Self {
        let mut causes = Causes {
            graphs,
            nodes: Vec::new(),
            starts: Vec::new(),
            below: Vec::new(),
            spans: Map::default(),
            runs: Map::default(),
            links: Vec::new(),
        };
        for (place, graph) in graphs.iter().enumerate() {
            let node = |span| Node { graph: place as u32, span, cause: NONE, hop: Hop::Start, awaited: false };
            if graph.run.owned {
                causes.runs.entry(graph.run.run_id).or_insert(causes.nodes.len() as u32);
                causes.nodes.push(node(NONE));
            }
            for (at, span) in graph.spans.iter().enumerate() {
                causes.spans.entry(span.span_id).or_insert(causes.nodes.len() as u32);
                causes.nodes.push(node(at as u32));
            }
        }
        let resumed = graphs.iter().map(resumed).collect::<Vec<_>>();
        let mut links = Vec::new();
        let (mut next, mut found) = (0, Vec::with_capacity(causes.nodes.len()));
        for (graph, resumed) in graphs.iter().zip(&resumed) {
            let top = graph.run.owned.then_some(next);
            let first = next + u32::from(graph.run.owned);
            if top.is_some() {
                found.push(causes.of_run(graph));
            }
            for span in &graph.spans {
                let of_span = causes.of_span(span, graph.run.run_id, top, first, resumed);
                links.extend(of_span.1.into_iter().map(|to| (found.len() as u32, to)));
                found.push(of_span.0);
            }
            next = first + graph.spans.len() as u32;
        }
        for (node, (cause, hop, awaited)) in causes.nodes.iter_mut().zip(found) {
            (node.cause, node.hop, node.awaited) = (cause, hop, awaited);
        }
        links.sort_unstable_by_key(|(from, to)| (*to, *from));
        causes.links = links;
        order::arrange(&mut causes);
        causes
    }

    fn of_run(&self, graph: &Graph) -> (u32, Hop, bool) {
        let trigger = graph.run.triggered_by_span_id.and_then(|id| self.spans.get(&id));
        match trigger.and_then(|at| Some((*at, self.span(*at as usize)?))) {
            Some((at, trigger)) => {
                let (hop, awaited) = into_run(trigger, &graph.run, graph.spans.first());
                (at, hop, awaited)
            }
            // The span is not recorded, or only the run is named.
            None => match graph.run.parent_run_id.and_then(|run| self.runs.get(&run)) {
                Some(parent) => (*parent, Hop::ChildRun, false),
                None => (NONE, Hop::Start, false),
            },
        }
    }

    /// The cause of a span, and what else it links to.
    fn of_span(
        &self,
        span: &Span,
        run_id: RunId,
        top: Option<u32>,
        first: u32,
        resumed: &Set<SegmentId>,
    ) -> ((u32, Hop, bool), Vec<u32>) {
        let below = |at: u32, span: &Span| {
            let (hop, awaited) = self.span(at as usize).map_or((Hop::Local, true), |above| between(above, span));
            (at, hop, awaited)
        };
        let is_own = span.text(semconv::RELATION) == Some("new_run");
        let at_top = |top: Option<u32>| match top {
            // The work of a run on the message that it was begun for is the run's own.
            Some(top) if span.is_delivery() && !is_own => (top, Hop::Queue, false),
            Some(top) if resumed.contains(&span.segment_id) => (top, Hop::Resume, true),
            Some(top) => (top, Hop::Local, true),
            None => (NONE, Hop::Start, false),
        };
        let links = links_of(span, |id| self.spans.get(&id).copied(), |at| self.span(at as usize));
        match span.parent_span_id {
            _ if span.parent.is_some() => (below(first + span.parent.unwrap_or(0) as u32, span), links.all()),
            Some(parent) if parent != run_id.as_parent() => match self.spans.get(&parent) {
                // A cycle of parents was cut here.
                Some(_) if !span.orphan => (at_top(None), links.all()),
                Some(above) => (below(*above, span), links.all()),
                None => ((NONE, Hop::Start, false), links.all()),
            },
            // A run of its own: what triggered the run stands above the run.
            Some(_) => (at_top(top), links.all()),
            None => match links {
                Links { sender: Some(sender), others } => ((sender, Hop::Link, false), others),
                Links { sender: None, others } => (at_top(top), others),
            },
        }
    }
}

/// The segments that resumed the run.
fn resumed(graph: &Graph) -> Set<SegmentId> {
    let resumed = graph.run.segments.iter().filter(|segment| segment.via == Some(Via::Resume));
    resumed.map(|segment| segment.segment_id).collect()
}
