//! What the provider made of our spans: bounded.

use crate::otlp::model::Span;
use opentelemetry_0_33::KeyValue;
use opentelemetry_0_33::global::BoxedSpan;
use opentelemetry_0_33::trace::{Span as _, SpanContext};
use spanbridge::{SpanId, TraceId, panics, semconv};
use std::collections::{HashMap, VecDeque};

/// The ids of a span as it was recorded.
pub(super) type Key = (TraceId, SpanId);

pub(super) fn key(span: &Span<'_>) -> Key {
    (span.trace_id, span.span_id)
}

pub(super) fn parent_key(span: &Span<'_>) -> Option<Key> {
    span.parent_span_id.map(|parent| (span.trace_id, parent))
}

/// Spans that have ended and are known, so that others find their parents, and as many that have not.
const LIMIT: usize = 16_384;

/// What the provider made of a span.
pub(super) enum Known {
    /// It has begun, and its end has not come.
    Open(BoxedSpan),
    Ended(SpanContext),
    /// It had to be ended before its end came.
    GivenUp(SpanContext),
}

#[derive(Default)]
pub(super) struct KnownSpans {
    spans: HashMap<Key, Known>,
    /// Those that are not open, oldest first; with some that are not there any more.
    ended: VecDeque<Key>,
    /// Those that are open, oldest first; with some that are not any more.
    opened: VecDeque<Key>,
    open: usize,
}

impl KnownSpans {
    pub(super) fn context(&self, key: &Key) -> Option<&SpanContext> {
        self.spans.get(key).map(|known| match known {
            Known::Open(span) => span.span_context(),
            Known::Ended(context) | Known::GivenUp(context) => context,
        })
    }

    /// What is known of a span whose end has come. It is forgotten.
    pub(super) fn take(&mut self, key: &Key) -> Option<Known> {
        let known = self.spans.remove(key)?;
        self.open -= usize::from(matches!(known, Known::Open(_)));
        Some(known)
    }

    pub(super) fn ended(&mut self, key: Key, context: SpanContext) {
        self.keep(key, Known::Ended(context))
    }

    fn keep(&mut self, key: Key, known: Known) {
        self.take(&key);
        self.spans.insert(key, known);
        self.ended.push_back(key);
        while self.ended.len() > LIMIT {
            let Some(oldest) = self.ended.pop_front() else { return };
            if !matches!(self.spans.get(&oldest), Some(Known::Open(_))) {
                self.spans.remove(&oldest);
            }
        }
    }

    /// A span has begun. If there are too many, the oldest is ended.
    pub(super) fn begun(&mut self, key: Key, span: BoxedSpan) {
        self.take(&key);
        self.spans.insert(key, Known::Open(span));
        self.opened.push_back(key);
        self.open += 1;
        let Self { spans, opened, open, .. } = self;
        if opened.len() > 2 * *open + 64 {
            opened.retain(|key| matches!(spans.get(key), Some(Known::Open(_))))
        }
        while self.open > LIMIT {
            let Some(oldest) = self.opened.pop_front() else { return };
            self.give_up(oldest)
        }
    }

    fn give_up(&mut self, key: Key) {
        match self.take(&key) {
            Some(Known::Open(mut span)) => {
                let context = span.span_context().clone();
                // Code of the provider's processors.
                let _ = panics::caught(move || {
                    span.set_attribute(KeyValue::new(semconv::SPAN_STATUS, OPEN));
                    span.end()
                });
                self.keep(key, Known::GivenUp(context))
            }
            Some(other) => {
                self.spans.insert(key, other);
            }
            None => {}
        }
    }

    /// Ends what is open: nothing more comes.
    pub(super) fn end(&mut self) {
        let keys: Vec<_> = self.opened.drain(..).collect();
        keys.into_iter().for_each(|key| self.give_up(key))
    }
}

/// The status of a span that had not ended as far as is known.
const OPEN: &str = "open";

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_0_33::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_0_33::{SpanId as OtelSpanId, TraceFlags, TraceId as OtelTraceId, global};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    fn id(span: u64) -> Key {
        (TraceId::new(1).unwrap(), SpanId::new(span).unwrap())
    }

    fn context(span: u64) -> SpanContext {
        let (trace, span) = (OtelTraceId::from(1), OtelSpanId::from(span));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, false, Default::default())
    }

    #[test]
    fn what_is_known_of_ended_spans_is_bounded() {
        let mut known = KnownSpans::default();
        (1..=LIMIT as u64 + 10).for_each(|n| known.ended(id(n), context(n)));
        assert_eq!((known.spans.len(), known.ended.len()), (LIMIT, LIMIT));
        assert!(known.context(&id(10)).is_none() && known.context(&id(11)) == Some(&context(11)));
        assert!(matches!(known.take(&id(11)), Some(Known::Ended(_))) && known.take(&id(11)).is_none());
    }

    /// The oldest is ended, marked, and still a parent for others.
    #[test]
    fn what_is_open_is_bounded() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let tracer = global::BoxedTracer::new(Box::new(provider.tracer("test")));
        let mut known = KnownSpans::default();
        for n in 1..=LIMIT as u64 + 2 {
            known.begun(id(n), tracer.start("s"));
            if n % 2 == 0 {
                // These end as they are to.
                assert!(matches!(known.take(&id(n)), Some(Known::Open(_))));
                known.begun(id(n), tracer.start("s"));
            }
        }
        assert_eq!(known.open, LIMIT);
        assert!(known.opened.len() <= 2 * LIMIT + 64, "{}", known.opened.len());
        assert!(known.context(&id(1)).is_some());
        assert!(matches!(known.take(&id(1)), Some(Known::GivenUp(_))));
        assert!(matches!(known.take(&id(3)), Some(Known::Open(_))));
        let is_marked = |span: &opentelemetry_sdk::trace::SpanData| {
            span.attributes.iter().any(|it| it.key.as_str() == semconv::SPAN_STATUS && it.value.as_str() == OPEN)
        };
        assert_eq!(exporter.get_finished_spans().unwrap().iter().filter(|span| is_marked(span)).count(), 2);
        known.end();
        assert_eq!(known.open, 0);
    }
}
