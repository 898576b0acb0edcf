//! Spans for a function of the application.

use super::destination::{Answer, Destination};
use crate::otlp::model::{Resource, Span};
use spanbridge::panics;

/// A function of yours that gets spans: see [`Exporter::callback`](super::Exporter::callback).
pub struct Callback<F>(pub(super) F);

impl<F: FnMut(&[Span<'_>]) + Send + 'static> Destination for Callback<F> {
    type Packed = Vec<Span<'static>>;

    const NAME: &'static str = "callback";

    fn pack(&mut self, span: Span<'_>, to: &mut Self::Packed) -> usize {
        let size = span.size();
        to.push(span.into_owned());
        size
    }

    fn append(&self, mut more: Self::Packed, to: &mut Self::Packed) {
        to.append(&mut more)
    }

    fn len(packed: &Self::Packed) -> usize {
        packed.len()
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
