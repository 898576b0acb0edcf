//! The steps of a replay, as they come.

use super::answer::boundary_of;
use crate::case::Case;
use crate::matching::{MAX_SPANS, RecordedPlace};
use crate::report::{Divergence, DivergenceKind, Label, Step};
use spanbridge::SpanId;
use std::collections::HashMap;

/// Steps that are kept: all spans that are, and as many calls that have none. Others are not listed.
const MAX_STEPS: usize = 2 * MAX_SPANS;

#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    all: Vec<Step>,
    of: HashMap<SpanId, usize>,
}

impl Steps {
    /// A span has begun: until it turns out to be a call, its code runs again.
    pub(super) fn began(&mut self, span: SpanId, depth: usize, name: &str, primitive: &str) {
        let place = self.all.len();
        if let Some(step) = self.push(depth, name, primitive, Label::ReExecuted) {
            step.span_id = Some(span);
            self.of.insert(span, place);
        }
    }

    fn push(&mut self, depth: usize, name: &str, primitive: &str, label: Label) -> Option<&mut Step> {
        if self.all.len() >= MAX_STEPS {
            return None;
        }
        let index = self.all.len();
        self.all.push(Step {
            index,
            depth,
            name: name.to_owned(),
            primitive: primitive.to_owned(),
            target: None,
            label,
            span_id: None,
            recorded_span_id: None,
            status: None,
            error: None,
            divergence: None,
        });
        self.all.last_mut()
    }

    /// The name and the primitive of a span.
    pub(super) fn named(&self, span: SpanId) -> Option<(String, String)> {
        let step = &self.all[*self.of.get(&span)?];
        Some((step.name.clone(), step.primitive.clone()))
    }

    /// A span is a call. One without a span is a step of its own, below the one in which it is made.
    /// What came of it is to be filled in.
    pub(super) fn called(
        &mut self,
        span: Option<SpanId>,
        parent: Option<SpanId>,
        operation: &str,
        target: &str,
    ) -> Option<&mut Step> {
        let place = span.and_then(|span| self.of.get(&span).copied());
        let step = match place {
            Some(place) => self.all.get_mut(place),
            None => self.push(self.below(parent), operation, operation, Label::Diverged),
        }?;
        step.target = Some(shown(operation, target));
        Some(step)
    }

    /// A value was asked for that the record does not have.
    pub(super) fn value(&mut self, span: Option<SpanId>, name: &str, divergence: Option<Divergence>) {
        if let Some(step) = self.push(self.below(span), name, "value", Label::Diverged) {
            step.divergence = divergence
        }
    }

    /// How deep what is below a span stands.
    fn below(&self, span: Option<SpanId>) -> usize {
        span.and_then(|span| self.of.get(&span)).map_or(0, |place| self.all[*place].depth + 1)
    }

    /// A recorded call was not made, or a value not asked for.
    pub(super) fn missing(&mut self, case: &Case, place: RecordedPlace) {
        let (kind, actual) = match place {
            RecordedPlace::Span(_) => (DivergenceKind::Missing, "the call was not made"),
            RecordedPlace::Value { .. } => (DivergenceKind::Value, "the value was not asked for"),
        };
        let boundary = boundary_of(case, place);
        let divergence = Some(Divergence::new(kind, boundary.clone()).of(boundary.clone(), actual));
        let (RecordedPlace::Span(span) | RecordedPlace::Value { span, .. }) = place;
        let recorded = &case.spans()[span];
        let step = match place {
            RecordedPlace::Span(_) => self.push(1, &recorded.name, &recorded.primitive, Label::Diverged),
            RecordedPlace::Value { .. } => self.push(1, &boundary, "value", Label::Diverged),
        };
        let Some(step) = step else { return };
        (step.recorded_span_id, step.divergence) = (Some(recorded.span_id), divergence);
        if let (RecordedPlace::Span(_), Some((_, target))) = (place, boundary.split_once(' ')) {
            step.target = Some(shown(&recorded.primitive, target))
        }
    }

    /// The steps; of those that ran again, with the recorded spans that they stand for.
    pub(super) fn finish(mut self, counterpart: impl Fn(SpanId) -> Option<SpanId>) -> Vec<Step> {
        for step in &mut self.all {
            if step.recorded_span_id.is_none() {
                step.recorded_span_id = step.span_id.and_then(&counterpart)
            }
            if let Some(divergence) = &mut step.divergence {
                divergence.index = Some(step.index)
            }
        }
        self.all
    }
}

/// A target as it is shown.
fn shown(operation: &str, target: &str) -> String {
    match target {
        "" => operation.to_owned(),
        target => target.to_owned(),
    }
}
