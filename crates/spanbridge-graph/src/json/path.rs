//! A critical path as JSON.

use super::parts::{Time, milliseconds};
use crate::hash::Map;
use crate::model::{CriticalPath, Graph, Span, Stretch, StretchKind};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use spanbridge::{RunId, SpanId};
use std::collections::BTreeMap;

/// The path. `totalsMs` has a number for each kind of stretch that occurs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PathView<'a> {
    started_at: Time,
    ended_at: Time,
    duration_ms: Option<f64>,
    totals_ms: BTreeMap<StretchKind, f64>,
    stretches: Stretches<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    skewed_span_ids: &'a [SpanId],
}

impl<'a> PathView<'a> {
    pub(super) fn of(path: &'a CriticalPath, graph: &'a Graph) -> Self {
        let mut totals_ms = BTreeMap::new();
        for stretch in &path.stretches {
            *totals_ms.entry(stretch.kind).or_insert(0.0) += stretch.duration() as f64 / 1e6;
        }
        Self {
            started_at: Time(path.started_at),
            ended_at: Time(path.ended_at),
            duration_ms: milliseconds(path.started_at, Some(path.ended_at)),
            totals_ms,
            stretches: Stretches(path, graph),
            skewed_span_ids: &path.skewed,
        }
    }
}

/// The stretches, with the names of the spans that are in the graph.
struct Stretches<'a>(&'a CriticalPath, &'a Graph);

impl Serialize for Stretches<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let spans: Map<SpanId, &Span> = self.1.spans.iter().map(|s| (s.span_id, s)).collect();
        let mut seq = serializer.serialize_seq(Some(self.0.stretches.len()))?;
        for stretch in &self.0.stretches {
            seq.serialize_element(&StretchView::of(stretch, stretch.span_id.and_then(|id| spans.get(&id).copied())))?;
        }
        seq.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StretchView<'a> {
    kind: StretchKind,
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    started_at: Time,
    ended_at: Time,
    duration_ms: f64,
}

impl<'a> StretchView<'a> {
    fn of(stretch: &Stretch, span: Option<&'a Span>) -> Self {
        Self {
            kind: stretch.kind,
            run_id: stretch.run_id,
            span_id: stretch.span_id,
            service: span.map(|span| span.service.as_str()),
            name: span.map(|span| span.name.as_str()),
            started_at: Time(stretch.from),
            ended_at: Time(stretch.to),
            duration_ms: stretch.duration() as f64 / 1e6,
        }
    }
}
