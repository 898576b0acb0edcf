//! The span tree of a run, across all services and queues.

use super::left_out::LeftOutLines;
use super::lines::{Folding, lines};
use super::options::Options;
use super::page::{Page, TextStyle};
use super::parts::Parts;
use super::row::{GAP, Row};
use super::rows::Rows;
use super::text::{counted, width};
use super::view::{View, Visible};
use super::{attributes, critical, footer, header, time};
use spanbridge_graph::Graph;

/// The width of the longest duration of [`time::duration`].
pub(crate) const TIMES: usize = 7;

/// Renders a run: a header, its spans as a tree with durations and a waterfall, then other runs and diagnostics.
///
/// Lines fit into [`Options::width`]: first names are shortened, then services, then the words beside the names. Text from
/// records is escaped. A tree may be of any depth and size: the work is linear and not recursive.
///
/// | sign | meaning |
/// |---|---|
/// | `⇢` | came through a queue |
/// | `→` | came by a call that waits for its response |
/// | `orders ▸` | the service is `orders` from here on |
/// | `✗` | failed or panicked |
/// | `⊘` | cancelled |
/// | `◌` | no end is recorded |
/// | `‖` | the run waited, and how long |
/// | `×40` | so many siblings that differ only in their times: their median and maximum, and their sum |
/// | `◆` | on the critical path, and how long |
pub fn tree(graph: &Graph, options: &Options) -> String {
    tree_of(graph, &View::default(), options)
}

/// Renders a part of a run, like [`tree`]. If the graph has a critical path, its spans are marked with `◆` and with how long they
/// are on it, and its stretches are listed below.
pub fn tree_of(graph: &Graph, view: &View, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let parts = Parts::of(graph);
    header::print(&mut page, graph, &parts.services, columns);
    attributes::line(&mut page, &graph.run.attributes, columns);
    let timeline = &parts.timeline;
    // The tree comes first, but a waterfall needs some room.
    let min_bar = if columns < 76 { 0 } else { (columns - 60) / 2 };
    let after = GAP + TIMES + if min_bar == 0 { 0 } else { GAP + min_bar };
    let max_left = columns - after;

    let forest = parts.forest(graph);
    let visible = Visible::of(&forest, view);
    let shapes = (!view.expand).then(|| parts.shapes(graph));
    // What is not shown may match or not.
    let none = LeftOutLines::default();
    let folding = Folding {
        visible: &visible,
        shapes: shapes.as_ref(),
        left_out: if view.is_filter() { &none } else { &parts.left_out },
        depth: view.depth,
        is_closed: &|_| false,
        is_apart: &|_| false,
    };
    let lines = lines(&forest, &folding);
    let rows = Rows::new(graph, &parts, &lines, &visible, max_left, columns);
    let mut rows: Vec<Row> = (0..lines.len()).map(|place| rows.row(place)).collect();
    rows.iter_mut().for_each(|row| row.fit(max_left));
    let left = rows.iter().map(Row::width).max().unwrap_or(0);
    // The waterfall gets what the tree does not need, within reason.
    let bars = left + GAP + TIMES + GAP;
    let bar = if min_bar == 0 { 0 } else { (columns - bars).min(min_bar * 2).min(48) };
    if bar > 0 && !rows.is_empty() {
        let scale = time::duration(timeline.shown());
        page.go_to(bars)
            .put(TextStyle::Dim, "0")
            .go_to(bars + bar.saturating_sub(width(&scale)))
            .put(TextStyle::Dim, &scale);
    }
    page.line();
    for row in &rows {
        let drawn = row.when.map(|(from, to)| timeline.bar(from, to, bar)).unwrap_or_default();
        row.print(&mut page, left, TIMES, &drawn, columns);
    }
    if timeline.cut() > 0 && bar > 0 {
        let cut = time::duration(timeline.cut());
        page.put(TextStyle::Dim, &format!("(the bars leave out {cut} in which nothing ran)")).line();
    }
    if view.is_filter() {
        let shown = format!("({} of {} match)", visible.matching, counted(graph.spans.len(), "span"));
        page.put(TextStyle::Dim, &shown).line();
    }
    critical::print(&mut page, graph, columns);
    footer::print(&mut page, graph, columns);
    page.finish()
}
