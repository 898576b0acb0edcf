//! What an exporter sends to: the same for a receiver of OTLP and a callback.

use crate::otlp::model::{Resource, Span};
use std::time::Duration;

/// Somewhere that spans are sent to.
pub(super) trait Destination: Send + 'static {
    /// Spans in the form in which they are sent.
    type Packed: Default + Send;

    /// The name of the sink in reports.
    const NAME: &'static str;

    /// Adds a span, and says about how many bytes it takes up.
    fn pack(&mut self, span: Span<'_>, to: &mut Self::Packed) -> usize;

    /// Adds all spans of another pack.
    fn append(&self, more: Self::Packed, to: &mut Self::Packed);

    /// How many there are.
    fn len(packed: &Self::Packed) -> usize;

    /// Sends spans, from the `from`th on, and says how many of them: as many as go together, at least one. `from` is less than the number of spans.
    fn send(&mut self, resource: &Resource<'_>, spans: &Self::Packed, from: usize) -> (usize, Answer);
}

/// What became of the spans that were sent.
#[derive(Debug)]
pub(super) enum Answer {
    /// They were taken, without some of them.
    Taken { rejected: u64, warning: Option<String> },
    /// Not now. They may be sent again, after the pause that was asked for.
    Later { why: String, pause: Option<Duration> },
    /// Never.
    Refused { why: String },
}
