//! What every span has: one value for each row.

use super::order::Order;
use super::table::Table;
use serde::Serialize;
use spanbridge::{Kind, RunId, SpanId};
use spanbridge_graph::{Graph, Span, SpanStatus};

/// How much of a name is sent, in characters. The details have all of it.
const MAX_NAME: usize = 300;

/// The kinds by their numbers.
pub(super) const KINDS: [&str; 5] = {
    let [a, b, c, d, e] = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
    [a.name(), b.name(), c.name(), d.name(), e.name()]
};

/// The statuses by their numbers.
pub(super) const STATUSES: [&str; 5] = ["ok", "error", "panicked", "cancelled", "open"];

/// Texts that rows share, and the runs that they are in.
#[derive(Default)]
pub(super) struct Tables<'g> {
    pub(super) services: Table<'g>,
    pub(super) names: Table<'g>,
    pub(super) primitives: Table<'g>,
    pub(super) categories: Table<'g>,
    pub(super) destinations: Table<'g>,
    pub(super) errors: Table<'g>,
    pub(super) runs: Vec<RunId>,
}

/// The time from the earliest to the latest record.
pub(super) struct Clock {
    origin: u64,
    latest: u64,
}

impl Clock {
    pub(super) fn of(graph: &Graph) -> Self {
        let run = &graph.run;
        let waits = run.suspensions.iter().flat_map(|s| [s.suspended_at, s.resumed_at]);
        let segments = run.segments.iter().map(|s| s.started_at);
        let path = graph.critical_path.iter().flat_map(|path| [Some(path.started_at), Some(path.ended_at)]);
        let spans = graph.spans.iter().flat_map(|s| {
            let last_event = s.events.last().map(|event| event.timestamp);
            [Some(s.started_at), s.ended_at, last_event.filter(|_| s.ended_at.is_none())]
        });
        let all =
            [Some(run.started_at), run.ended_at].into_iter().chain(waits).chain(segments).chain(path).chain(spans);
        let (origin, latest) = all.flatten().fold((u64::MAX, 0), |(from, to), at| (from.min(at), to.max(at)));
        Clock { origin: origin.min(latest), latest }
    }

    /// A time, in nanoseconds since the earliest.
    pub(super) fn since(&self, at: u64) -> u64 {
        at.saturating_sub(self.origin)
    }

    /// The latest time.
    pub(super) fn end(&self) -> u64 {
        self.since(self.latest)
    }

    pub(super) fn origin_text(&self) -> String {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.origin)).unwrap_or_default();
        format!("{time:.9}")
    }
}

/// One value for each row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Columns {
    span_id: Vec<SpanId>,
    parent: Vec<i64>,
    service: Vec<usize>,
    name: Vec<usize>,
    primitive: Vec<usize>,
    category: Vec<usize>,
    kind: Vec<usize>,
    status: Vec<usize>,
    start: Vec<u64>,
    duration: Vec<Option<i64>>,
}

impl Columns {
    pub(super) fn of<'g>(graph: &'g Graph, order: &Order, clock: &Clock, tables: &mut Tables<'g>) -> Self {
        let spans = || order.spans.iter().map(|place| &graph.spans[*place]);
        Columns {
            span_id: spans().map(|s| s.span_id).collect(),
            parent: order.parents.clone(),
            service: spans().map(|s| tables.services.number(&s.service)).collect(),
            name: spans().map(|s| tables.names.number_of_cut(&s.name, MAX_NAME)).collect(),
            primitive: spans().map(|s| tables.primitives.number(&s.primitive)).collect(),
            category: spans().map(|s| tables.categories.number(s.category().as_str())).collect(),
            kind: spans().map(|s| s.kind as usize).collect(),
            status: spans().map(|s| status(s.status)).collect(),
            start: spans().map(|s| clock.since(s.started_at)).collect(),
            duration: spans().map(duration).collect(),
        }
    }
}

/// Negative if it ended before it began.
fn duration(span: &Span) -> Option<i64> {
    let took = i128::from(span.ended_at?) - i128::from(span.started_at);
    Some(took.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

/// The place of a status in [`STATUSES`]. One of a newer graph is none that went wrong.
fn status(status: SpanStatus) -> usize {
    STATUSES.iter().position(|word| *word == status.as_str()).unwrap_or(0)
}
