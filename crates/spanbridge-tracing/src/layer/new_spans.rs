//! How a span begins.

use super::{Layer, Options};
use crate::fields::{NewFields, Otel};
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Context, Value, adapter, semconv};
use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id};
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

/// Whether a span that begins here is recorded, or has anything to carry.
#[inline]
pub(super) fn is_worth_it() -> bool {
    adapter::may_record() || observe::current_context().travels()
}

impl Layer {
    #[inline]
    pub(super) fn begin<S>(&self, attributes: &Attributes<'_>, id: &Id, context: &layer::Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if attributes.is_contextual() {
            self.open(attributes, id)
        } else {
            observe::in_scope(&self.parent(attributes, id, context), || self.open(attributes, id))
        }
    }

    /// The context of an explicit parent.
    ///
    /// A parent that a filter hides from this layer has not begun here. Then it is the nearest of its own parents that has, and if
    /// there is none, what is current: a new trace would tear the work apart.
    #[cold]
    fn parent<S>(&self, attributes: &Attributes<'_>, id: &Id, context: &layer::Context<'_, S>) -> Context
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let Some(parent) = attributes.parent() else { return Context::detached() };
        let ancestor = || {
            let mut ancestors = context.span(id)?.scope().skip(1);
            ancestors.find_map(|ancestor| self.spans.context(&ancestor.id()))
        };
        self.spans.context(parent).or_else(ancestor).unwrap_or_else(observe::current_context)
    }

    /// Opens the span under the current context.
    #[inline]
    fn open(&self, attributes: &Attributes<'_>, id: &Id) {
        let metadata = attributes.metadata();
        if metadata.fields().is_empty() && !self.options.describes() {
            return self.spans.begin(id, observe::span(metadata.name()).open());
        }
        self.open_with_fields(attributes, id)
    }

    fn open_with_fields(&self, attributes: &Attributes<'_>, id: &Id) {
        let metadata = attributes.metadata();
        let otel = Otel::of(attributes);
        let span = match otel.name {
            Some(name) => observe::span(name),
            None => observe::span(metadata.name()),
        };
        let span = match otel.kind {
            Some(kind) => span.kind(kind),
            None => span,
        };
        let mut fields = NewFields::new(self.options.describe(span, metadata));
        attributes.record(&mut fields);
        if let Some(span) = fields.span {
            self.spans.begin(id, span.open());
            otel.outcome.apply(&self.spans, id)
        }
    }
}

impl Options {
    /// Whether spans have attributes besides their fields.
    #[inline]
    fn describes(&self) -> bool {
        self.level || self.target || self.location
    }

    fn describe(&self, mut span: SpanBuilder, metadata: &'static tracing_core::Metadata<'static>) -> SpanBuilder {
        if self.level {
            span = span.attribute(super::LEVEL, Value::Static(metadata.level().as_str()))
        }
        if self.target {
            span = span.attribute(super::TARGET, Value::Static(metadata.target()))
        }
        if self.location {
            span = span
                .attribute(semconv::CODE_FILE_PATH, metadata.file().map(Value::Static))
                .attribute(semconv::CODE_LINE_NUMBER, metadata.line())
        }
        span
    }
}
