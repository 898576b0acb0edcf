//! The spans and runs of a recording in one forest, across its runs.

use super::line;
use crate::record::span_of;
use crate::{Graph, Span};
use spanbridge::record::Record;
use spanbridge::{RunId, SpanId};
use std::collections::HashMap;

/// Lines, each below at most one other.
pub(super) struct Forest {
    nodes: Vec<Node>,
}

struct Node {
    text: String,
    /// The line above it.
    parent: Option<usize>,
    /// When it began, then where its first record is: a clock may not tell two starts apart.
    key: (u64, usize),
}

impl Forest {
    /// A line for every span, every run with an owner, and every wait of such a run.
    pub(super) fn of(graphs: &[Graph], records: &[Record<'_>], shown: &[String]) -> Self {
        let mut first: HashMap<SpanId, usize> = HashMap::new();
        for (place, record) in records.iter().enumerate() {
            if let Some(span) = span_of(&record.body) {
                first.entry(span).or_insert(place);
            }
        }
        let spans: HashMap<SpanId, &Span> = graphs.iter().flat_map(|g| &g.spans).map(|s| (s.span_id, s)).collect();
        let places = Places::of(graphs);
        let mut nodes = Vec::new();
        for graph in graphs {
            let run = &graph.run;
            let top = places.runs.get(&run.run_id).copied();
            if top.is_some() {
                let parent = run.triggered_by_span_id.and_then(|span| places.spans.get(&span).copied());
                nodes.push(Node { text: line::run(run, shown), parent, key: (run.started_at, 0) });
                nodes.extend(run.suspensions.iter().map(|wait| Node {
                    text: line::suspension(wait),
                    parent: top,
                    key: (wait.suspended_at.or(wait.resumed_at).unwrap_or(run.started_at), 0),
                }));
            }
            for span in &graph.spans {
                let recorded = span.parent_span_id.and_then(|parent| places.spans.get(&parent).copied());
                let (parent, origin) = match (span.parent, recorded) {
                    (Some(_), parent) => (parent, line::Origin::Here),
                    (None, Some(parent)) if span.orphan => (Some(parent), line::Origin::OtherRun),
                    _ if span.orphan => (top, line::Origin::Remote),
                    _ => (top, line::Origin::Here),
                };
                let text = line::span(span, origin, shown, &spans);
                let place = first.get(&span.span_id).copied().unwrap_or(usize::MAX);
                nodes.push(Node { text, parent, key: (span.started_at, place) });
            }
        }
        Forest { nodes }
    }

    /// All lines, indented, siblings in order: of their start, or of their text with everything below it.
    pub(super) fn text(&self, sorted: bool) -> String {
        let mut children = vec![Vec::new(); self.nodes.len()];
        let mut roots = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            node.parent.map_or(&mut roots, |parent| &mut children[parent]).push(place);
        }
        children.iter_mut().chain([&mut roots]).for_each(|all| all.sort_by_key(|n| self.nodes[*n].key));
        if sorted {
            self.sort_by_text(&roots, &mut children);
            roots.sort_by_cached_key(|root| self.drawn([*root], &children, &mut vec![false; self.nodes.len()]));
        }
        // Peers can make parents across runs go round in a circle. Those are nobody's children, and come last.
        let mut is_drawn = vec![false; self.nodes.len()];
        self.drawn(roots.into_iter().chain(0..self.nodes.len()), &children, &mut is_drawn)
    }

    /// Sorts the children of every line that can be reached, deepest first.
    fn sort_by_text(&self, roots: &[usize], children: &mut [Vec<usize>]) {
        let mut order = roots.to_vec();
        let mut next = 0;
        while let Some(node) = order.get(next) {
            order.extend(&children[*node]);
            next += 1;
        }
        for node in order.into_iter().rev() {
            let mut below = std::mem::take(&mut children[node]);
            below.sort_by_cached_key(|child| self.drawn([*child], children, &mut vec![false; self.nodes.len()]));
            children[node] = below;
        }
    }

    /// These lines with everything below them, without what is drawn already.
    fn drawn(&self, tops: impl IntoIterator<Item = usize>, children: &[Vec<usize>], is_drawn: &mut [bool]) -> String {
        let mut text = String::new();
        for top in tops {
            let mut open = vec![(top, 0)];
            while let Some((node, depth)) = open.pop() {
                if std::mem::replace(&mut is_drawn[node], true) {
                    continue;
                }
                (0..depth).for_each(|_| text.push_str("  "));
                text += &self.nodes[node].text;
                text.push('\n');
                open.extend(children[node].iter().rev().map(|child| (*child, depth + 1)));
            }
        }
        text
    }
}

/// The place of each line among the nodes.
struct Places {
    runs: HashMap<RunId, usize>,
    spans: HashMap<SpanId, usize>,
}

impl Places {
    fn of(graphs: &[Graph]) -> Self {
        let (mut runs, mut spans, mut next) = (HashMap::new(), HashMap::new(), 0);
        for Graph { run, spans: all, .. } in graphs {
            if run.owned {
                runs.insert(run.run_id, next);
                next += 1 + run.suspensions.len();
            }
            for span in all {
                spans.insert(span.span_id, next);
                next += 1;
            }
        }
        Places { runs, spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::record::{Body, End, SpanData};
    use spanbridge::{SegmentId, Status, TraceId};

    /// A span of run `run`, below span `parent`.
    fn span(run: u128, id: u64, parent: u64) -> Record<'static> {
        let mut span = SpanData::new(SpanId::new(id).unwrap(), id.to_string(), id);
        span.parent_span_id = SpanId::new(parent);
        let body = Body::Span(span.with_end(Some(End::new(99, Status::Ok))));
        Record::new(SegmentId::new(1).unwrap(), id, "", body).of_run(RunId::new(run), TraceId::new(run))
    }

    #[test]
    fn circles_across_runs_lose_no_line() {
        let records = [span(100, 1, 2), span(100, 3, 0), span(100, 4, 1), span(200, 2, 1)];
        let graphs = [
            Graph::build(RunId::new(100).unwrap(), &records[..3]),
            Graph::build(RunId::new(200).unwrap(), &records[3..]),
        ];
        let forest = Forest::of(&graphs, &records, &[]);
        let text = "3\n1 (other run)\n  2 (other run)\n  4\n";
        assert_eq!((forest.text(false).as_str(), forest.text(true).as_str()), (text, text));
    }

    #[test]
    fn equal_times_keep_the_order_of_records() {
        let mut records: Vec<_> = [5, 2, 9, 4].into_iter().map(|id| span(100, id, 0)).collect();
        for record in &mut records {
            if let Body::Span(span) = &mut record.body {
                span.started_at = 7;
            }
        }
        let graph = Graph::build(RunId::new(100).unwrap(), &records);
        assert_eq!(Forest::of(&[graph], &records, &[]).text(false), "5\n2\n9\n4\n");
    }
}
