//! The critical path as columns.

use super::columns::Clock;
use super::order::{NONE, Order};
use serde::Serialize;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::{CriticalPath, Stretch, StretchKind};
use std::collections::BTreeMap;

/// The kinds of stretches by their numbers.
const KINDS: [StretchKind; 5] =
    [StretchKind::Work, StretchKind::Queue, StretchKind::Suspended, StretchKind::Idle, StretchKind::NotComputed];

/// A critical path. Each stretch begins where the one before ended.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PathColumns {
    start: u64,
    end: u64,
    totals: BTreeMap<&'static str, u64>,
    kinds: [&'static str; 5],
    kind: Vec<usize>,
    row: Vec<i64>,
    duration: Vec<u64>,
    /// The stretches of spans that are no rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    elsewhere: BTreeMap<usize, Elsewhere>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skewed: Vec<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Elsewhere {
    run_id: RunId,
    span_id: SpanId,
}

impl PathColumns {
    pub(super) fn of(path: &CriticalPath, clock: &Clock, order: &Order) -> Self {
        let row = |stretch: &Stretch| stretch.span_id.and_then(|id| order.row(id));
        let kinds = KINDS.map(StretchKind::as_str);
        let number = |kind: StretchKind| KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len() - 1);
        let elsewhere = path.stretches.iter().enumerate().filter(|(_, stretch)| row(stretch).is_none());
        let elsewhere = elsewhere
            .filter_map(|(n, stretch)| Some((n, Elsewhere { run_id: stretch.run_id, span_id: stretch.span_id? })));
        PathColumns {
            start: clock.since(path.started_at),
            end: clock.since(path.ended_at),
            totals: KINDS.iter().map(|kind| (kind.as_str(), path.total(*kind))).filter(|(_, time)| *time > 0).collect(),
            kinds,
            kind: path.stretches.iter().map(|stretch| number(stretch.kind)).collect(),
            row: path.stretches.iter().map(|stretch| row(stretch).map_or(NONE, i64::from)).collect(),
            duration: path.stretches.iter().map(Stretch::duration).collect(),
            elsewhere: elsewhere.collect(),
            skewed: path.skewed.iter().filter_map(|id| order.row(*id)).collect(),
        }
    }
}
