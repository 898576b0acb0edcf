//! One gap, and where it was found.

use super::kinds::GapKind;
use crate::model::Graph;
use serde::Serialize;
use spanbridge::{RunId, SpanId};
use std::sync::Arc;

/// Something that is missing, or cannot be true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Gap {
    /// The kind of gap.
    pub kind: GapKind,
    /// What was found: usually the span, and what is odd about it.
    pub what: String,
    /// The likely cause, in sentences.
    pub likely_cause: String,
    /// What to change, in sentences.
    pub fix: String,
    /// The run in which it was found. `None` for what a process reports about all its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The name of that run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub run_name: String,
    /// The span that the gap is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
}

/// Where a gap was found.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) run_id: Option<RunId>,
    run_name: Arc<str>,
    span_id: Option<SpanId>,
}

impl Place {
    /// A whole run.
    pub(super) fn of(graph: &Graph) -> Self {
        Place { run_id: Some(graph.run.run_id), run_name: graph.run.name.as_str().into(), span_id: None }
    }

    /// A process, whatever its runs.
    pub(super) fn process() -> Self {
        Place { run_id: None, run_name: "".into(), span_id: None }
    }

    /// Where a gap is.
    pub(super) fn of_gap(gap: &Gap) -> Self {
        Place { run_id: gap.run_id, run_name: gap.run_name.as_str().into(), span_id: gap.span_id }
    }

    /// A span of this run.
    pub(super) fn at(&self, span: SpanId) -> Self {
        Place { span_id: Some(span), ..self.clone() }
    }

    pub(super) fn span_id(&self) -> Option<SpanId> {
        self.span_id
    }

    /// A gap at this place. The facts fill in the words of its kind.
    pub(super) fn gap(&self, kind: GapKind, what: String, facts: &[(&str, &str)]) -> Gap {
        let (likely_cause, fix) = kind.words(facts);
        let Place { run_id, run_name, span_id } = self.clone();
        Gap { kind, what, likely_cause, fix, run_id, run_name: run_name.to_string(), span_id }
    }
}
