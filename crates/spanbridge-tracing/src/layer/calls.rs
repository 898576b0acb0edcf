//! What the subscriber tells a layer.
//!
//! Values of fields are the application's code: making text of them may begin spans and emit events. So nothing of ours is locked or
//! borrowed meanwhile.

use super::Layer;
use super::new_spans::is_worth_it;
use crate::fields::RecordedFields;
use spanbridge::observe::ActiveSpan;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

impl<S> tracing_subscriber::Layer<S> for Layer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_layer(&mut self, _: &mut S) {
        self.spans.are_first()
    }

    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.is_contextual() && !is_worth_it() {
            return;
        }
        self.begin(attributes, id, &context)
    }

    #[inline]
    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        self.spans.enter(id)
    }

    #[inline]
    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        self.spans.leave(id)
    }

    #[inline]
    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.spans.end(&id)
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let Some(span) = self.spans.context(id).and_then(ActiveSpan::of) else { return };
        let mut fields = RecordedFields::new(&span);
        values.record(&mut fields);
        fields.into_outcome().apply(&self.spans, id)
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        let Some(span) = self.spans.context(id).and_then(ActiveSpan::of) else { return };
        if let Some(other) = self.spans.context(follows) {
            span.link(&other)
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.event(event)
    }
}
