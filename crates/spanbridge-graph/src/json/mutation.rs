//! Rows of databases that were changed, as JSON.

use super::parts::{Object, Time};
use crate::model::Mutation;
use serde::Serialize;
use serde_json::Value;
use spanbridge::SpanId;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MutationView<'a> {
    mutation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    database: &'a str,
    table: &'a str,
    key: Object<'a>,
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Object<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Object<'a>>,
    columns: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    committed_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<&'a str>,
}

impl<'a> MutationView<'a> {
    pub(crate) fn of(mutation: &'a Mutation) -> Self {
        Self {
            mutation_id: &mutation.mutation_id,
            span_id: mutation.span_id,
            database: &mutation.database,
            table: &mutation.table,
            key: Object(&mutation.key),
            op: mutation.op.name(),
            before: mutation.before.as_deref().map(Object),
            after: mutation.after.as_deref().map(Object),
            columns: &mutation.columns,
            committed_at: mutation.committed_at.map(Time),
            position: mutation.position.as_deref(),
        }
    }
}

impl Mutation {
    /// The mutation as JSON, as it stands in the graph.
    pub fn to_json(&self) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(MutationView::of(self)).unwrap_or_default()
    }
}
