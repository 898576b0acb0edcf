//! What doctor says of a run.

use spanbridge::{RunId, SpanId};
use spanbridge_graph::{Gap, NotJudged};
use std::collections::HashMap;

/// What is missing in a run, or cannot be true.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) gaps: Vec<Gap>,
    pub(crate) not_judged: Vec<NotJudged>,
    by_span: HashMap<SpanId, Vec<usize>>,
}

impl Findings {
    pub(crate) fn new(gaps: Vec<Gap>, not_judged: Vec<NotJudged>) -> Self {
        let mut by_span: HashMap<SpanId, Vec<usize>> = HashMap::new();
        for (place, gap) in gaps.iter().enumerate() {
            gap.span_id.into_iter().for_each(|span| by_span.entry(span).or_default().push(place));
        }
        Self { gaps, not_judged, by_span }
    }

    /// Those of a span.
    pub(crate) fn of(&self, span: SpanId) -> impl Iterator<Item = &Gap> {
        self.by_span.get(&span).into_iter().flatten().map(|place| &self.gaps[*place])
    }

    /// Those of a run that are about no span.
    pub(crate) fn of_run(&self, run: RunId) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(move |gap| gap.span_id.is_none() && gap.run_id == Some(run))
    }
}
