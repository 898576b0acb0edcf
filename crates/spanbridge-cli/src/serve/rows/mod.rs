//! A run as columns: what a page needs to draw it, without the details of its spans.
//!
//! The graph of a run with 10,000 spans has 7 MB of JSON, and most of that is attributes that nobody looks at. [`Rows`] has one
//! number per span in each column, and the rest by row where there is something to say, in less than 1.5 MB. [`SpanDetails`]
//! has everything about one span.
//!
//! ```
//! # fn answer(graph: &spanbridge_graph::Graph) -> Result<Vec<u8>, serde_json::Error> {
//! use spanbridge_cli::serve::rows::Rows;
//!
//! serde_json::to_vec(&Rows::of(graph))
//! # }
//! ```
//!
//! Both are pure functions of a graph. Rows stand in the order in which a tree shows them: below a span everything that it
//! caused. So the rows below row `i` follow it directly.

mod columns;
mod details;
mod findings;
mod order;
mod others;
mod path;
mod relations;
mod sparse;
mod table;

pub use details::SpanDetails;

use crate::render::forest::{Forest, Shape};
use columns::Columns;
use findings::Finding;
use order::Order;
use others::Others;
use path::PathColumns;
use relations::EdgeRow;
use serde::Serialize;
use spanbridge::SpanId;
use spanbridge::record::SCHEMA_VERSION;
use spanbridge_graph::{Gap, Graph, SpanTimes};
use sparse::Sparse;
use table::Table;

/// A run as columns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rows<'g> {
    schema_version: u32,
    #[serde(flatten)]
    others: Others,
    #[serde(skip_serializing_if = "Option::is_none")]
    selected: Option<SpanId>,
    /// The earliest time, to which all others are relative.
    origin: String,
    /// The latest time.
    end: u64,
    kinds: [&'static str; 5],
    statuses: [&'static str; 5],
    services: Table<'g>,
    names: Table<'g>,
    primitives: Table<'g>,
    categories: Table<'g>,
    destinations: Table<'g>,
    errors: Table<'g>,
    runs: Vec<spanbridge::RunId>,
    spans: Columns,
    sparse: Sparse<'g>,
    edges: Vec<EdgeRow<'g>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    critical_path: Option<PathColumns>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<Finding<'g>>>,
    #[serde(skip)]
    order: Order,
}

impl<'g> Rows<'g> {
    /// The rows of a graph, with its critical path if that is set. The spans of child runs are rows, too, if they are inline.
    pub fn of(graph: &'g Graph) -> Self {
        let shape = Shape::of(graph);
        let forest = Forest { graph, shape: &shape };
        let order = Order::of(&forest);
        let times = SpanTimes::of(graph);
        let mut tables = columns::Tables::default();
        let clock = columns::Clock::of(graph);
        let spans = Columns::of(graph, &order, &clock, &mut tables);
        let sparse = Sparse::of(graph, &forest, &order, &times, &clock, &mut tables);
        Self {
            schema_version: SCHEMA_VERSION,
            others: Others::of(graph),
            selected: None,
            origin: clock.origin_text(),
            end: clock.end(),
            kinds: columns::KINDS,
            statuses: columns::STATUSES,
            services: tables.services,
            names: tables.names,
            primitives: tables.primitives,
            categories: tables.categories,
            destinations: tables.destinations,
            errors: tables.errors,
            runs: tables.runs,
            spans,
            sparse,
            edges: relations::edges(graph, &order),
            critical_path: graph.critical_path.as_ref().map(|path| PathColumns::of(path, &clock, &order)),
            findings: None,
            order,
        }
    }

    /// Names the span that was asked for.
    pub fn selected(self, span: SpanId) -> Self {
        Rows { selected: Some(span), ..self }
    }

    /// Adds what `doctor` found.
    pub fn findings(self, gaps: &'g [Gap]) -> Self {
        let findings = findings::of(gaps, &self.order);
        Rows { findings: Some(findings), ..self }
    }
}
