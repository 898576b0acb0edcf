//! Everything that is recorded of each step of a run.

mod facts;
mod payload;
mod step;

use super::attributes;
use super::forest::{Forest, Node, Shape};
use super::header;
use super::options::Options;
use super::page::{Page, TextStyle};
use super::services::Services;
pub(crate) use facts::Facts;
use spanbridge::SpanId;
use spanbridge_graph::Graph;
#[cfg(feature = "tui")]
pub(crate) use step::{note, sections};

/// How many lines of a payload are shown, unless told otherwise.
pub const PAYLOAD_LINES: usize = 40;

/// Renders the steps of a run, in the order of its tree: for each, what it was asked and what it answered, HTTP and SQL, its
/// attributes, events, links, payloads and notes. The first text is the header of the run; each of the others is one step.
///
/// With `below`, there is no header, and only this span and those below it are steps. No more than `payload_lines` of a payload
/// are shown.
///
/// Text from records is escaped, but not shortened: it is for reading and copying. The work is linear and not recursive, and only
/// one step is in memory at a time.
pub fn debug<'g>(
    graph: &'g Graph,
    below: Option<SpanId>,
    payload_lines: usize,
    options: &Options,
) -> impl Iterator<Item = String> + use<'g> {
    let options = *options;
    let services = Services::of(graph);
    let shape = Shape::of(graph);
    let facts = Facts::of(graph);
    let order = order(&Forest { graph, shape: &shape }, below);
    let mut numbers = vec![0; graph.spans.len()];
    order.iter().zip(1..).for_each(|(span, number)| numbers[*span] = number);
    let first = below.is_none().then(|| {
        let mut page = Page::new(options.color);
        header::print(&mut page, graph, &services, options.columns());
        if !graph.run.attributes.is_empty() {
            page.put(TextStyle::Dim, "attributes");
            attributes::table(&mut page, graph.run.attributes.iter(), step::FIRST);
        }
        for diagnostic in graph.diagnostics.iter().filter(|diagnostic| diagnostic.span_id.is_none()) {
            page.put(TextStyle::Warning, &step::note(diagnostic)).line();
        }
        page.finish()
    });
    let steps = order.into_iter().map(move |span| {
        let (mut page, forest) = (Page::new(options.color), Forest { graph, shape: &shape });
        let above =
            forest.above(span).and_then(|above| facts.index_of(above.span_id)).filter(|above| numbers[*above] > 0);
        let place =
            step::Place { number: numbers[span], above: above.map(|above| (numbers[above], &graph.spans[above])) };
        step::print(&mut page, graph, span, place, &facts, services.number(&graph.spans[span].service), payload_lines);
        page.finish()
    });
    first.into_iter().chain(steps)
}

/// The spans in the order of the tree. Settlements that the tree shows as a word are steps, too.
fn order(forest: &Forest<'_>, below: Option<SpanId>) -> Vec<usize> {
    let graph = forest.graph;
    let start = below.and_then(|id| graph.spans.iter().position(|span| span.span_id == id));
    let mut order = Vec::with_capacity(graph.spans.len());
    let mut folded = vec![Vec::new(); graph.spans.len()];
    for &span in forest.folded() {
        if let Some(parent) = graph.spans[span].parent.filter(|parent| *parent < span) {
            folded[parent].push(span);
        }
    }
    let mut open = vec![start.unwrap_or_else(|| forest.top())];
    while let Some(node) = open.pop() {
        let is_span = node < forest.top() && matches!(forest.node(node), Node::Span(_));
        if is_span {
            order.push(node);
            order.append(&mut folded[node]);
        }
        open.extend(forest.children(node).rev().map(|place| forest.at(place)));
    }
    order
}
