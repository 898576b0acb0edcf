//! Failed work as JSON: fields that stand beside those of a run.

use crate::model::FailedWork;
use serde::Serialize;

/// `failedWork` has all messages that failed for good, `deadLettered` those of them that were dead-lettered, `neverSettled` those that
/// nobody settled.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailedView {
    #[serde(skip_serializing_if = "is_zero")]
    failed_work: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dead_lettered: u64,
    #[serde(skip_serializing_if = "is_zero")]
    never_settled: u64,
    #[serde(skip_serializing_if = "is_zero")]
    recovered_work: u64,
}

impl FailedView {
    pub(super) fn of(work: &FailedWork) -> Self {
        Self {
            failed_work: work.total(),
            dead_lettered: work.dead_lettered,
            never_settled: work.never_settled,
            recovered_work: work.recovered,
        }
    }
}

pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}
