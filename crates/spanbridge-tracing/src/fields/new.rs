//! The fields of a span that begins.

use super::otel;
use super::value::{Given, text, visit_by};
use spanbridge::Value;
use spanbridge::observe::SpanBuilder;
use std::error::Error;
use std::fmt::Debug;
use tracing_core::Field;
use tracing_core::field::Visit;

/// Makes attributes of them.
pub(crate) struct NewFields {
    /// `None` only while it takes an attribute.
    pub(crate) span: Option<SpanBuilder>,
}

impl NewFields {
    pub(crate) fn new(span: SpanBuilder) -> Self {
        NewFields { span: Some(span) }
    }

    #[inline]
    fn put(&mut self, field: &Field, given: Given) {
        self.put_value(field, given.value())
    }

    #[inline]
    fn put_value(&mut self, field: &Field, value: Value<'_>) {
        self.span = self.span.take().map(|span| span.attribute(field.name(), value))
    }
}

impl Visit for NewFields {
    visit_by!(put);

    fn record_str(&mut self, field: &Field, value: &str) {
        if !otel::is_understood(field, value) {
            self.put_value(field, Value::Str(value))
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = text(value);
        if !otel::is_understood(field, &text) {
            self.put_value(field, Value::Str(&text))
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, Given::of_error(value))
    }
}
