//! The span tree of a run, over every service and hop.

use super::bar::Timeline;
use super::forest::Forest;
use super::page::{Ink, Page};
use super::row::{GAP, Row};
use super::text::width;
use super::walk::Walk;
use super::{Options, footer, header, time};
use spanbridge_store::graph::Graph;
use std::collections::HashMap;

/// The widest column of durations that [`time::duration`] makes.
const TIMES: usize = 7;

/// Renders a run: a header, its spans as a tree with durations and a waterfall, and what else there is to know.
///
/// Lines fit into [`Options::width`]; names give way first, then services, then the words beside the names. Text from
/// records is escaped. Neither the depth of a tree nor its size is limited: the work is linear, without recursion.
///
/// | sign | meaning |
/// |---|---|
/// | `⇢` | came through a queue |
/// | `→` | came by a call that waits for its answer |
/// | `orders ▸` | from here on it is the service `orders` |
/// | `✗` | failed or panicked |
/// | `⊘` | cancelled |
/// | `◌` | no end is recorded |
/// | `‖` | the run waited, and how long |
pub fn tree(graph: &Graph, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let services = Services::of(graph);
    header::print(&mut page, graph, &services, columns);
    let forest = Forest::new(graph);
    let timeline = Timeline::of(graph);
    // A waterfall wants room for itself; the tree comes first.
    let least_bar = if columns < 76 { 0 } else { (columns - 60) / 2 };
    let after = GAP + TIMES + if least_bar == 0 { 0 } else { GAP + least_bar };
    let most = columns - after;

    let mut rows = Walk::new(&forest, &services, &timeline, most, columns).rows();
    rows.iter_mut().for_each(|row| row.fit(most));
    let left = rows.iter().map(Row::width).max().unwrap_or(0);
    // What the tree does not need, the waterfall may have, within reason.
    let bars = left + GAP + TIMES + GAP;
    let bar = if least_bar == 0 { 0 } else { (columns - bars).min(least_bar * 2).min(48) };
    if bar > 0 && !rows.is_empty() {
        let scale = time::duration(timeline.shown());
        page.go_to(bars).put(Ink::Dim, "0").go_to(bars + bar.saturating_sub(width(&scale))).put(Ink::Dim, &scale);
    }
    page.line();
    for row in &rows {
        let drawn = row.when.map(|(from, to)| timeline.bar(from, to, bar)).unwrap_or_default();
        row.print(&mut page, left, TIMES, &drawn, columns);
    }
    if timeline.cut() > 0 && bar > 0 {
        let cut = time::duration(timeline.cut());
        page.put(Ink::Dim, &format!("(the bars leave out {cut} in which nothing ran)")).line();
    }
    footer::print(&mut page, graph, columns);
    page.finish()
}

/// The services of a run, numbered as they appear.
pub(crate) struct Services<'g> {
    numbers: HashMap<&'g str, usize>,
    pub(crate) names: Vec<&'g str>,
}

impl<'g> Services<'g> {
    fn of(graph: &'g Graph) -> Self {
        let mut services = Self { numbers: HashMap::new(), names: Vec::new() };
        let worked = graph.spans.iter().map(|s| s.service.as_str());
        for service in worked.chain(graph.run.segments.iter().map(|s| s.service.as_str())) {
            services.numbers.entry(service).or_insert_with(|| {
                services.names.push(service);
                services.names.len() - 1
            });
        }
        services
    }

    pub(crate) fn number(&self, service: &str) -> usize {
        self.numbers.get(service).copied().unwrap_or(0)
    }
}
