//! Records that contradict each other.

use spanbridge::SpanId;
use std::borrow::Cow;

/// A contradiction, in words, and the span it is about.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    pub(super) what: Cow<'static, str>,
    pub(super) span_id: Option<SpanId>,
}

impl Conflict {
    /// A contradiction about the run.
    pub(super) fn of_run(what: impl Into<Cow<'static, str>>) -> Self {
        Conflict { what: what.into(), span_id: None }
    }

    /// A contradiction about a span, if it is known which.
    pub(super) fn of_span(what: &'static str, span_id: Option<SpanId>) -> Self {
        Conflict { what: what.into(), span_id }
    }
}
