//! Other runs as JSON.

use super::failed::FailedView;
use super::parts::Time;
use crate::model::{LinkDirection, LinkedRun, PrunedRun, Relation, RunStatus, RunSummary};
use serde::Serialize;
use spanbridge::{RunId, SpanId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SummaryView<'a> {
    run_id: RunId,
    name: &'a str,
    started_at: Time,
    status: RunStatus,
    errors: u64,
    #[serde(flatten)]
    failed_work: FailedView,
}

impl<'a> SummaryView<'a> {
    pub(crate) fn of(run: &'a RunSummary) -> Self {
        let RunSummary { run_id, name, started_at, status, errors, failed_work, .. } = run;
        let failed_work = FailedView::of(failed_work);
        Self { run_id: *run_id, name, started_at: Time(*started_at), status: *status, errors: *errors, failed_work }
    }
}

/// A summary, and which way the links lead.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkedView<'a> {
    #[serde(flatten)]
    run: SummaryView<'a>,
    direction: LinkDirection,
    linked_span_ids: &'a [SpanId],
}

impl<'a> LinkedView<'a> {
    pub(super) fn of(linked: &'a LinkedRun) -> Self {
        let LinkedRun { run, direction, linked_span_ids } = linked;
        Self { run: SummaryView::of(run), direction: *direction, linked_span_ids }
    }
}

/// A run that is not stored any more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrunedView {
    run_id: RunId,
    relation: Relation,
}

impl PrunedView {
    pub(super) fn of(pruned: &PrunedRun) -> Self {
        let PrunedRun { run_id, relation } = pruned;
        Self { run_id: *run_id, relation: *relation }
    }
}
