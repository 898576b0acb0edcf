//! The span of a send until it is known what became of the message.

use super::CapturePolicy;
use super::transaction::Sends;
use crate::observe::Span;
use crate::{Context, Failure, Value, semconv};
use std::fmt::Display;
use std::sync::Arc;

/// The span of a send until it is known what became of the message, which the attribute
/// [`HANDOFF_STATUS`](semconv::HANDOFF_STATUS) says.
///
/// Dropped, it ends as `unknown`: the message may arrive all the same. Of what was sent in a
/// [`Transaction`](super::Transaction), that has the last word.
#[must_use = "dropped at once it ends as `unknown`"]
#[derive(Debug)]
pub struct Handoff {
    span: Option<Span>,
    /// The transaction that it is part of.
    within: Option<Arc<Sends>>,
}

impl Handoff {
    /// Of this span.
    pub fn new(span: Span) -> Self {
        Handoff { span: Some(span), within: None }
    }

    pub(super) fn within(span: Span, sends: Arc<Sends>) -> Self {
        Handoff { span: Some(span), within: Some(sends) }
    }

    /// The text of its error goes [through this](CapturePolicy::guard) before it is recorded.
    pub fn guarded(mut self, capture: &CapturePolicy) -> Self {
        self.span = self.span.take().map(|span| capture.guard(span));
        self
    }

    /// The context inside the span: what is current while the client sends.
    pub fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    /// The span.
    pub fn span(&self) -> Option<&Span> {
        self.span.as_ref()
    }

    /// The message has gone where it should.
    pub fn ended(mut self, status: &'static str) {
        self.end(status, Span::end)
    }

    /// It has not, or nobody knows.
    pub fn failed(self, status: &'static str, why: impl Display) {
        self.failed_as(status, &Failure::new(&why))
    }

    /// The same, with the class of what went wrong.
    pub fn failed_as(mut self, status: &'static str, failure: &Failure<'_>) {
        self.end(status, |span| span.end_with(failure))
    }

    /// The span, for who ends it another way.
    pub fn into_span(mut self) -> Option<Span> {
        self.span.take()
    }

    fn end(&mut self, status: &'static str, end: impl FnOnce(Span)) {
        let Some(span) = self.span.take() else { return };
        let status = self.within.as_ref().map_or(status, |sends| sends.status(&span, status));
        span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
        end(span)
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        self.end("unknown", Span::end)
    }
}
