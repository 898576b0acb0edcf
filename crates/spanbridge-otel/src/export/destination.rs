//! What an exporter sends to: the same for every kind of exporter.

use crate::otlp::model::{Resource, Span};
use crate::spans::Assembler;
use std::time::Duration;

/// Somewhere that spans are sent to.
pub(crate) trait Destination: Send + 'static {
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

    /// Takes out what had better be sent later. It comes again with the next delivery, at the latest with the second flush from now. What
    /// was recorded before `complete_until` has all come.
    fn hold_back(&self, _packed: &mut Self::Packed, _complete_until: u64, _assembler: &Assembler) -> Self::Packed {
        Self::Packed::default()
    }

    /// Sends spans, from the `from`th on, and says how many of them: as many as go together, at least one. `from` is less than the
    /// number of spans. What is sent and will not be sent again may be taken out; `from` and [`len`](Self::len) still count it.
    fn send(&mut self, beside: Surroundings<'_>, spans: &mut Self::Packed, from: usize) -> (usize, Answer);

    /// Sees to it that what was sent has arrived.
    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Nothing more comes.
    fn end(&mut self) {}
}

/// What a destination may need to know beside the spans.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// What recorded them.
    pub(crate) resource: &'s Resource<'s>,
    /// Knows the spans that have not ended.
    #[cfg_attr(not(feature = "sdk"), expect(dead_code, reason = "for the global provider"))]
    pub(crate) assembler: &'s Assembler,
}

/// What became of the spans that were sent.
#[derive(Debug)]
pub(crate) enum Answer {
    /// They were taken, without those that were rejected, for which there is a warning, and those that were left out on purpose.
    Taken { rejected: u64, left_out: u64, warning: Option<String> },
    /// Not now. They may be sent again, after the pause that was asked for.
    #[cfg_attr(not(feature = "export"), expect(dead_code, reason = "for receivers of OTLP"))]
    Later { why: String, pause: Option<Duration> },
    /// Never.
    Refused { why: String },
}

impl Answer {
    pub(crate) fn all_taken() -> Self {
        Answer::Taken { rejected: 0, left_out: 0, warning: None }
    }
}
