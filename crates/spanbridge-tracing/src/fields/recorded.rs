//! Fields that a span gets after it has begun.

use super::otel::Outcome;
use super::value::{Given, text, visit_by};
use spanbridge::Value;
use spanbridge::observe::ActiveSpan;
use std::error::Error;
use std::fmt::Debug;
use tracing_core::Field;
use tracing_core::field::Visit;

/// Makes attributes of them. A name and a kind come too late, and are attributes.
pub(crate) struct RecordedFields<'s> {
    span: &'s ActiveSpan,
    outcome: Outcome,
}

impl<'s> RecordedFields<'s> {
    pub(crate) fn new(span: &'s ActiveSpan) -> Self {
        RecordedFields { span, outcome: Outcome::default() }
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        self.outcome
    }

    fn put(&mut self, field: &Field, given: Given) {
        self.span.attribute(field.name(), given.value())
    }

    fn put_text(&mut self, field: &Field, text: &str) {
        if !self.outcome.take(field, text) {
            self.span.attribute(field.name(), Value::Str(text))
        }
    }
}

impl Visit for RecordedFields<'_> {
    visit_by!(put);

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value)
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, &text(value))
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, Given::of_error(value))
    }
}
