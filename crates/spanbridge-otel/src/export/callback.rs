//! Spans for a function of the application.

use super::destination::{Answer, Destination, Surroundings};
use super::exporter::{AnyExporter, Exporter};
use crate::otlp::model::Span;
use spanbridge::panics;

/// A function of yours that gets spans: see [`Exporter::callback`](super::Exporter::callback).
pub struct Callback<F>(pub(super) F);

impl<F: FnMut(&[Span<'_>]) + Send + 'static> Exporter<Callback<F>> {
    /// Calls a function with the spans of each delivery that has some, on the sink's thread. It may block. If it panics, these spans are lost.
    pub fn callback(spans: F) -> Self {
        Self::to(Callback(spans))
    }
}

impl<F: FnMut(&[Span<'_>]) + Send + 'static> From<Exporter<Callback<F>>> for AnyExporter {
    fn from(exporter: Exporter<Callback<F>>) -> Self {
        AnyExporter::new(exporter, Ok)
    }
}

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

    fn send(&mut self, _: Surroundings<'_>, spans: &mut Self::Packed, from: usize) -> (usize, Answer) {
        let spans = &spans[from..];
        let answer = match panics::caught(|| (self.0)(spans)) {
            Ok(()) => Answer::all_taken(),
            // It would panic again.
            Err(said) => Answer::Refused { why: format!("the callback panicked: {said}") },
        };
        (spans.len(), answer)
    }
}
