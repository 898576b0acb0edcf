//! Which spans had better wait for their parents.

use super::known::{Key, KnownSpans, key, parent_key};
use crate::otlp::model::Span;
use crate::spans::Assembler;
use std::collections::HashMap;

/// Whether everything is known that stands above each of these spans, as far as it is of this process.
///
/// A delivery reads the threads one after the other, while they go on. So it may bring a span and not yet the one above it,
/// which began before on another thread. The next delivery brings that.
pub(super) fn are_ready(spans: &[Span<'_>], known: &KnownSpans, assembler: &Assembler) -> Vec<bool> {
    let here: HashMap<Key, &Span<'_>> = spans.iter().map(|span| (key(span), span)).collect();
    let mut ready = HashMap::with_capacity(spans.len());
    let is_ready = |span: &Span<'_>| {
        let (mut line, mut next) = (vec![], Some(key(span)));
        let is_ready = loop {
            let Some(key) = next else { break true };
            if let Some(is_ready) = ready.get(&key) {
                break *is_ready;
            }
            if known.context(&key).is_some() {
                break true;
            }
            let found = here.get(&key).copied().or_else(|| assembler.open_span(key.0, key.1));
            let Some(span) = found else { break false };
            // Ids may form a circle.
            ready.insert(key, true);
            line.push(key);
            if span.flags & Span::IS_REMOTE != 0 {
                break true;
            }
            next = parent_key(span)
        };
        line.into_iter().for_each(|key| _ = ready.insert(key, is_ready));
        is_ready
    };
    spans.iter().map(is_ready).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_0_33::trace::SpanContext;
    use spanbridge::{SpanId, TraceId};

    fn span(id: u64, parent: Option<u64>) -> Span<'static> {
        let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(id).unwrap());
        span.parent_span_id = parent.and_then(SpanId::new);
        span
    }

    #[test]
    fn a_span_waits_for_what_is_above_it() {
        let (mut known, assembler) = (KnownSpans::default(), Assembler::new());
        known.ended(key(&span(90, None)), SpanContext::NONE);
        let mut remote = span(5, Some(99));
        remote.flags = Span::HAS_IS_REMOTE | Span::IS_REMOTE;
        let spans = [
            (span(1, Some(2)), true),
            (span(2, Some(3)), true),
            (span(3, None), true),
            (span(4, Some(90)), true),
            (remote, true),
            (span(6, Some(5)), true),
            (span(7, Some(98)), false),
            (span(8, Some(7)), false),
            (span(9, Some(10)), true),
            (span(10, Some(9)), true),
        ];
        let (spans, expected): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        assert_eq!(are_ready(&spans, &known, &assembler), expected);
        let (spans, expected): (Vec<_>, Vec<_>) = spans.into_iter().zip(expected).rev().unzip();
        assert_eq!(are_ready(&spans, &known, &assembler), expected);
    }
}
