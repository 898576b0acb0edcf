//! A run as JSON.

use super::failed::FailedView;
use super::parts::{List, Object, Time, milliseconds};
use crate::model::{Run, RunStatus, Segment, Suspension};
use serde::Serialize;
use spanbridge::record::Via;
use spanbridge::{RunId, SegmentId, SpanId, TraceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunView<'a> {
    run_id: RunId,
    name: &'a str,
    status: RunStatus,
    started_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    worked_ms: Option<f64>,
    #[serde(flatten)]
    failed_work: FailedView,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggered_by_span_id: Option<SpanId>,
    attributes: Object<'a>,
    trace_ids: &'a [TraceId],
    segments: List<'a, Segment, SegmentView<'a>>,
    suspensions: List<'a, Suspension, SuspensionView<'a>>,
}

impl<'a> RunView<'a> {
    pub(super) fn of(run: &'a Run) -> Self {
        // If clocks contradict each other, nobody knows how long a wait was.
        let known =
            run.suspensions.iter().all(|s| s.resumed_at.is_none_or(|to| s.suspended_at.is_none_or(|at| at <= to)));
        let waits = !run.suspensions.is_empty() && known;
        Self {
            run_id: run.run_id,
            name: &run.name,
            status: run.status,
            started_at: Time(run.started_at),
            ended_at: run.ended_at.map(Time),
            duration_ms: milliseconds(run.started_at, run.ended_at),
            waited_ms: waits.then(|| run.waited as f64 / 1e6),
            worked_ms: run.ended_at.filter(|_| waits).map(|end| run.worked(end) as f64 / 1e6),
            failed_work: FailedView::of(&run.failed_work),
            error: run.error.as_deref(),
            parent_run_id: run.parent_run_id,
            triggered_by_span_id: run.triggered_by_span_id,
            attributes: Object(&run.attributes),
            trace_ids: &run.trace_ids,
            segments: List(&run.segments, SegmentView::of),
            suspensions: List(&run.suspensions, SuspensionView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SegmentView<'a> {
    segment_id: SegmentId,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    resource: Object<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspension_id: Option<&'a str>,
}

impl<'a> SegmentView<'a> {
    pub(super) fn of(segment: &'a Segment) -> Self {
        Self {
            segment_id: segment.segment_id,
            service: &segment.service,
            via: segment.via,
            started_at: segment.started_at.map(Time),
            resource: Object(&segment.resource),
            suspension_id: segment.suspension_id.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuspensionView<'a> {
    suspension_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_id: Option<SegmentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_at: Option<Time>,
}

impl<'a> SuspensionView<'a> {
    pub(super) fn of(suspension: &'a Suspension) -> Self {
        Self {
            suspension_id: &suspension.suspension_id,
            reason: suspension.reason.as_deref(),
            segment_id: suspension.segment_id,
            suspended_at: suspension.suspended_at.map(Time),
            resumed_at: suspension.resumed_at.map(Time),
        }
    }
}
