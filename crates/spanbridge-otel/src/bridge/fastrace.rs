//! fastrace as a source.

use fastrace::Span;
use fastrace::collector::{SpanContext, SpanId, TraceId};
use spanbridge::adapter::{ContextSource, SourceContext, SourceScope};
use spanbridge::w3c::{SAMPLED, TraceParent};
use spanbridge::{Context, w3c};
use std::borrow::Cow;

/// fastrace's local parent. The work on a message is in a root span of this name.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: Cow<'static, str>,
}

impl ContextSource for Source {
    fn current(&self) -> Option<SourceContext> {
        let span = SpanContext::current_local_parent()?;
        let parent = TraceParent {
            trace_id: spanbridge::TraceId::new(span.trace_id.0)?,
            span_id: spanbridge::SpanId::new(span.span_id.0)?,
            flags: if span.sampled { w3c::SAMPLED } else { 0 },
        };
        Some(SourceContext::new(Some(parent)))
    }

    fn scope(&self, context: &Context) -> Box<dyn SourceScope> {
        let parent = match context.trace_parent() {
            Some(parent) => SpanContext::new(TraceId(parent.trace_id.get()), SpanId(parent.span_id.get()))
                .sampled(parent.flags & SAMPLED != 0),
            None => SpanContext::random(),
        };
        Box::new(Scope(Span::root(self.name.clone(), parent)))
    }
}

struct Scope(Span);

impl SourceScope for Scope {
    fn enter(&self, f: &mut dyn FnMut()) {
        let _local_parent = self.0.set_local_parent();
        f()
    }

    fn span_id(&self) -> Option<spanbridge::SpanId> {
        SpanContext::from_span(&self.0).and_then(|span| spanbridge::SpanId::new(span.span_id.0))
    }
}
