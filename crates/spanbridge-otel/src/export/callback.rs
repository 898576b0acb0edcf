//! Spans for a function of the application.

use super::destination::{Answer, Destination};
use crate::otlp::model::{Resource, Span};
use spanbridge::panics;

/// A function of yours that gets spans: see [`Exporter::callback`](super::Exporter::callback).
pub struct Callback<F>(pub(super) F);

impl<F: FnMut(&[Span<'_>]) + Send + 'static> Destination for Callback<F> {
    type Packed = Vec<Span<'static>>;

    const NAME: &'static str = "callback";

    fn pack(&mut self, span: Span<'_>, to: &mut Self::Packed) {
        to.push(span.into_owned())
    }

    fn append(&self, mut more: Self::Packed, to: &mut Self::Packed) {
        to.append(&mut more)
    }

    fn len(packed: &Self::Packed) -> usize {
        packed.len()
    }

    fn size(packed: &Self::Packed) -> usize {
        packed.iter().map(span_size).sum()
    }

    fn send(&mut self, _: &Resource<'_>, spans: &Self::Packed, from: usize) -> (usize, Answer) {
        let spans = &spans[from..];
        let answer = match panics::caught(|| (self.0)(spans)) {
            Ok(()) => Answer::Taken { rejected: 0, warning: None },
            // It would panic again.
            Err(said) => Answer::Refused { why: format!("the callback panicked: {said}") },
        };
        (spans.len(), answer)
    }
}

/// About what a span takes up.
fn span_size(span: &Span<'_>) -> usize {
    use crate::otlp::model::{AnyValue, KeyValue};
    fn value_size(value: &AnyValue<'_>) -> usize {
        match value {
            AnyValue::Str(text) => text.len(),
            AnyValue::Bytes(bytes) => bytes.len(),
            AnyValue::Array(values) => values.iter().map(|value| size_of::<AnyValue<'_>>() + value_size(value)).sum(),
            AnyValue::Map(pairs) => list_size(pairs),
            _ => 0,
        }
    }
    fn list_size(list: &[KeyValue<'_>]) -> usize {
        list.iter().map(|pair| size_of::<KeyValue<'_>>() + pair.key.len() + value_size(&pair.value)).sum()
    }
    let texts = span.name.len() + span.trace_state.len() + span.status.message.len();
    let events = span.events.iter().map(|event| size_of_val(event) + event.name.len() + list_size(&event.attributes));
    let links = span.links.iter().map(|link| size_of_val(link) + link.trace_state.len() + list_size(&link.attributes));
    size_of_val(span) + texts + list_size(&span.attributes) + events.sum::<usize>() + links.sum::<usize>()
}
