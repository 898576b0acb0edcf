//! What is not shown of a very large run, as JSON.

use super::failed::is_zero;
use super::parts::{List, Time};
use crate::model::{LeftOut, LeftOutGroup, LeftOutKind};
use serde::Serialize;
use spanbridge::SpanId;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LeftOutView<'a> {
    spans: u64,
    errors: u64,
    open: u64,
    last_at: Time,
    not_shown: u64,
    errors_not_shown: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed_work_not_shown: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    links_not_shown: bool,
    records_not_shown: u64,
    #[serde(skip_serializing_if = "is_zero")]
    mutations_not_shown: u64,
    services: &'a [String],
    groups: List<'a, LeftOutGroup, GroupView>,
}

impl<'a> LeftOutView<'a> {
    pub(super) fn of(left_out: &'a LeftOut) -> Self {
        Self {
            spans: left_out.spans,
            errors: left_out.errors,
            open: left_out.open,
            last_at: Time(left_out.last_at),
            not_shown: left_out.total(),
            errors_not_shown: left_out.errors_left_out,
            failed_work_not_shown: left_out.failed_work_left_out,
            links_not_shown: left_out.links_left_out,
            records_not_shown: left_out.records,
            mutations_not_shown: left_out.mutations,
            services: &left_out.services,
            groups: List(&left_out.groups, GroupView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupView {
    kind: LeftOutKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    below_span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like_span_id: Option<SpanId>,
    count: u64,
    deeper: u64,
    errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_ms: Option<f64>,
}

impl GroupView {
    fn of(group: &LeftOutGroup) -> Self {
        let milliseconds = |nanos: u64| nanos as f64 / 1e6;
        Self {
            kind: group.kind,
            below_span_id: group.below,
            like_span_id: group.like,
            count: group.count,
            deeper: group.deeper,
            errors: group.errors,
            median_ms: group.median.map(milliseconds),
            max_ms: group.max.map(milliseconds),
        }
    }
}
