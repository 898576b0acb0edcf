//! The differences as JSON: camelCase names, absent fields left out.

use super::model::{Change, Diff, DiffSide, Difference, DifferenceKind, Verdict};
use crate::json::parts::List;
use crate::json::related::SummaryView;
use serde::{Serialize, Serializer};
use serde_json::Value;
use spanbridge::record::SCHEMA_VERSION;
use spanbridge::{RunId, SpanId};

impl Diff {
    /// The differences as JSON, the same as `spanbridge diff --format json`.
    pub fn to_json(&self) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Diff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DiffView {
            schema_version: SCHEMA_VERSION,
            left: SummaryView::of(&self.left),
            right: SummaryView::of(&self.right),
            verdict: self.verdict,
            differences: &self.differences,
            more_differences: self.more_differences,
            matched: self.matched,
            runs_not_read: Some(self.runs_not_read).filter(|runs| *runs > 0),
            notes: &self.notes,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiffView<'a> {
    schema_version: u32,
    left: SummaryView<'a>,
    right: SummaryView<'a>,
    verdict: Verdict,
    differences: &'a [Difference],
    more_differences: usize,
    matched: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    runs_not_read: Option<usize>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

impl Serialize for Difference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DifferenceView {
            kind: self.kind,
            path: &self.path,
            name: &self.name,
            primitive: &self.primitive,
            service: &self.service,
            left: self.left.as_ref().map(SideView::of),
            right: self.right.as_ref().map(SideView::of),
            changes: List(&self.changes, ChangeView::of),
            below: self.below,
            count: self.count,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DifferenceView<'a> {
    kind: DifferenceKind,
    path: &'a [String],
    name: &'a str,
    primitive: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<SideView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<SideView<'a>>,
    changes: List<'a, Change, ChangeView<'a>>,
    below: usize,
    count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SideView<'a> {
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> SideView<'a> {
    fn of(side: &'a DiffSide) -> Self {
        SideView { run_id: side.run_id, span_id: side.span_id, status: side.status, error: side.error.as_deref() }
    }
}

#[derive(Serialize)]
struct ChangeView<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'a Value>,
}

impl<'a> ChangeView<'a> {
    fn of(change: &'a Change) -> Self {
        ChangeView { key: &change.key, left: change.left.as_ref(), right: change.right.as_ref() }
    }
}
